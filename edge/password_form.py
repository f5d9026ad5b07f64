"""A password that somebody sent: checked in a thread, limited, and remembered in a cookie."""

import asyncio
import time
from typing import Final
from urllib.parse import parse_qs, quote

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

from edge.answers import Answers, plain
from edge.client_address import ClientAddress
from edge.password import LIFETIME, MAX_PASSWORD, PasswordLimit, cookie, set_cookie, verify
from edge.record import ACTIVE, Record

MAX_BODY: Final = 8 * MAX_PASSWORD
"""Bytes: each character of a password can take twelve, percent-encoded, but nobody's do."""
AT_ONCE: Final = 2
"""Hashes computed at the same time in this worker: each takes 16 MB."""


class PasswordForm:
    """One per worker. For the event loop."""

    def __init__(self, answers: Answers, address: ClientAddress) -> None:
        self._answers = answers
        self._address = address
        self._limit = PasswordLimit()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def post(self, scope: Scope, protocol: HTTPProtocol, record: Record, now: float) -> None:
        """303 back to the link with a cookie; or the form again. `now` is time.monotonic()."""
        if not record.password or record.state != ACTIVE:
            return plain(protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
        length = scope.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return plain(protocol, 413, "A password has at most 256 characters.\n")
        ip = self._address(scope)
        wait = self._limit.retry_after(ip, record.link_id, now)
        if wait:
            return self._answers.password_again(scope, protocol, wait=wait)
        body = bytes(await protocol())
        given = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10).get("password", [""])[0]
        async with self._turn:
            right = await asyncio.to_thread(verify, record.password, given)
        if not right:
            return self._answers.password_again(scope, protocol, wait=0)
        self._limit.succeeded(ip, record.link_id)
        path = quote(scope.path)
        value = cookie(record.password, record.link_id, int(time.time()))
        secure = self._address.is_https(scope)
        line = set_cookie(value, record.link_id, path, secure=secure, lifetime=LIFETIME)
        query = f"?{scope.query_string}" if scope.query_string.isascii() and scope.query_string else ""
        protocol.response_empty(
            303,
            [
                ("location", f"{path}{query}"),
                ("set-cookie", line),
                ("cache-control", "no-store"),
                ("x-robots-tag", "noindex"),
            ],
        )
        return None
