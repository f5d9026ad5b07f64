"""A password that somebody sent: checked in a thread, limited, and remembered in a cookie."""

import asyncio
import time
from typing import Final
from urllib.parse import parse_qs

from edge.answers import Answers, plain
from edge.client_address import ClientAddress
from edge.password import LIFETIME, MAX_PASSWORD, PasswordLimit, cookie, set_cookie, verify
from edge.record import ACTIVE, Record
from edge.visit import Visit

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

    async def check(self, visit: Visit, record: Record) -> tuple[str, str] | None:
        """The header that remembers a right password. None: answered, with the form again or a refusal."""
        protocol, ip = visit.protocol, visit.ip
        if not record.password or record.state != ACTIVE:
            plain(visit.scope, protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
            return None
        length = visit.header("content-length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            plain(visit.scope, protocol, 413, f"A password has at most {MAX_PASSWORD} characters.\n")
            return None
        wait = self._limit.retry_after(ip, record.link_id, visit.started)
        if wait:
            self._answers.password_again(visit, wait=wait)
            return None
        body = bytes(await protocol())
        try:
            given = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10).get("password", [""])[0]
        except ValueError:
            given = ""
        async with self._turn:
            right = await asyncio.to_thread(verify, record.password, given)
        if not right:
            self._answers.password_again(visit, wait=0)
            return None
        self._limit.succeeded(ip, record.link_id)
        value = cookie(record.password, record.link_id, int(time.time()))
        secure = self._address.is_https(visit.scope)
        return "set-cookie", set_cookie(value, record.link_id, secure=secure, lifetime=LIFETIME)
