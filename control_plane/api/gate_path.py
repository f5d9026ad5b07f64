"""The short way of a redemption: hundreds a second, while people wait at a gate.

It stands before Django and answers what is regular: a paired device, a well-formed scan. Everything else, and
whatever goes wrong, takes the long way through `gate.redeem_pass` with the same nonce, which makes asking
twice harmless. Both answer with the same JSON (`gate.answer`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from django.conf import settings

from control_plane.api.gate import LIMIT, answer
from control_plane.passes import devices
from control_plane.passes.batches import Batches
from control_plane.passes.redeem import Scan, read

PATH: Final = "/api/v1/gate/redemptions"
MOST_BYTES: Final = 16_384
MOST_WAITING: Final = 200
MOST_KEYS: Final = 10_000
"""Above this the long way, which has its own queue, is no slower."""

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class _Scan(msgspec.Struct, forbid_unknown_fields=True):
    gate_id: int
    text: str
    nonce: UUID
    way: Literal["in", "out", "auto", ""] = ""
    override: str = ""


class GatePath:
    """ASGI, in front of another application."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._batches = Batches()
        self._read = msgspec.json.Decoder(_Scan).decode
        self._waiting = 0
        self._minute = 0
        self._scans: dict[str, int] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        key, is_json = "", False
        for name, value in scope["headers"]:
            if name == b"authorization":
                key = value.decode("latin-1")
            elif name == b"content-type":
                is_json = value.partition(b";")[0].strip().lower() == b"application/json"
        body, messages = b"", []
        while True:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body") or len(body) > MOST_BYTES:
                break
        content = None
        if is_json and len(body) <= MOST_BYTES and messages[-1]["type"] == "http.request":
            content = await self._answer(scope, key, body)
        if content is None:
            return await self._app(scope, _again(messages, receive), send)
        spent, data = content
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(data)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"server-timing", f"redeem;dur={spent:.1f}".encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})
        return None

    async def _answer(self, scope: dict[str, Any], key: str, body: bytes) -> tuple[float, bytes] | None:
        """Milliseconds and JSON; None where the long way has to say it."""
        plain = settings.SECURE_SSL_REDIRECT and scope.get("scheme") != "https"
        kind, _, secret = key.partition(" ")
        if plain or kind.lower() != "bearer" or not devices.is_key(secret.strip()):
            return None
        if self._waiting >= MOST_WAITING or self._is_too_often(secret):
            return None
        try:
            scan = self._read(body)
        except msgspec.DecodeError:
            return None
        began = time.perf_counter()
        self._waiting += 1
        try:
            verdict = await asyncio.wrap_future(self._batches.submit(partial(_read, secret.strip(), scan)))
        except Exception:  # the long way says it; the batches have logged what is not to be expected
            return None
        finally:
            self._waiting -= 1
        return (time.perf_counter() - began) * 1_000, msgspec.json.encode(answer(verdict))

    def _is_too_often(self, secret: str) -> bool:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute = minute
            self._scans.clear()
        if len(self._scans) > MOST_KEYS:
            self._scans.clear()
        count = self._scans[secret] = self._scans.get(secret, 0) + 1
        return count > LIMIT


def _read(secret: str, scan: _Scan) -> Scan:
    """In a thread of the batches. Raises PassesError."""
    return read(
        device=devices.authenticate(text=secret),
        gate_id=scan.gate_id,
        text=scan.text,
        nonce=scan.nonce,
        way=scan.way,
        override=scan.override,
    )


def _again(messages: list[Any], receive: Any) -> Any:
    """A `receive` that gives what was read already first."""
    left = iter(messages)

    async def receive_again() -> Any:
        for message in left:
            return message
        return await receive()

    return receive_again
