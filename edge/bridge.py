"""Runs an ASGI application for one request that granian hands over by RSGI, its own interface.

For small answers of our own only: the answer is collected and sent in one piece, the request's body is never
read, and there are no websockets.
"""

from typing import Any

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]
from starlette.types import ASGIApp, Message


async def through_asgi(
    app: ASGIApp, scope: Scope, protocol: HTTPProtocol, state: dict[str, Any] | None = None
) -> None:
    """Answers by `app`, which has `state` as `request.state`. It raises before anything is sent."""
    host, _, port = scope.server.rpartition(":")
    asgi_scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in scope.headers.items()],
        "server": (host, int(port)) if port.isdigit() else None,
        "client": None,
        "state": dict(state or {}),
    }
    status, headers, body = 500, [], bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
            ]
        else:
            body.extend(message.get("body", b""))

    await app(asgi_scope, receive, send)
    protocol.response_bytes(status, headers, b"" if scope.method == "HEAD" else bytes(body))
