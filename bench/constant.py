"""The two yardsticks of bench.edge: applications that answer every scan with the same 302, and nothing else.

Run as `python -m bench.constant asgi|rsgi <port>`; the server and its settings are the edge's own.
"""

import sys
from typing import Any

from granian.constants import Interfaces

from edge.server import server
from edge.settings import Settings

HEALTH = "/-/healthz"
"""The server prints "ready" when this path is answered 200."""

URL = "https://example.com/landing/500"
_START = {
    "type": "http.response.start",
    "status": 302,
    "headers": [
        (b"location", URL.encode()),
        (b"cache-control", b"private, no-store"),
        (b"x-robots-tag", b"noindex"),
    ],
}
_BODY = {"type": "http.response.body", "body": b""}
_RSGI_HEADERS = [("location", URL), ("cache-control", "private, no-store"), ("x-robots-tag", "noindex")]


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send(_START if scope["path"] != HEALTH else {**_START, "status": 200})
    await send(_BODY)


async def _rsgi(scope: Any, protocol: Any) -> None:
    protocol.response_empty(302 if scope.path != HEALTH else 200, _RSGI_HEADERS)


def asgi() -> Any:
    return _asgi


def rsgi() -> Any:
    return _rsgi


def main(interface: str, port: int) -> None:
    settings = Settings(host="127.0.0.1", port=port)
    server(settings, f"bench.constant:{interface}", interface=Interfaces(interface)).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
