"""The body of an HTTP/1.1 request (RFC 9112, sections 6 and 7), a piece at a time."""

import re
from collections.abc import Iterator
from email.message import Message
from typing import Any, Final

from deploy.clickhouse.errors import ClickHouseError

_PIECE: Final = 1 << 20
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n")
BROKEN_BODY: Final = 33
"""The code of an error after which nothing more can be read from the connection."""


def read_body(stream: Any, headers: Message) -> Iterator[bytes]:
    """Pieces of at most 1 MiB. Raises ClickHouseError 33 where the body ends before it is complete."""
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        return _chunks(stream)
    length = headers.get("Content-Length", "0")
    return _exactly(stream, int(length) if length.isdigit() else 0)


def _chunks(stream: Any) -> Iterator[bytes]:
    while True:
        head = _CHUNK_SIZE.fullmatch(stream.readline(200))
        if head is None:
            raise _broken()
        size = int(head[1], 16)
        if size == 0:
            while stream.readline(8192).strip():
                continue
            return
        yield from _exactly(stream, size)
        stream.readline(10)


def _exactly(stream: Any, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read1(min(size, _PIECE))
        if not piece:
            raise _broken()
        size -= len(piece)
        yield piece


def _broken() -> ClickHouseError:
    return ClickHouseError.make(
        BROKEN_BODY, "CANNOT_READ_ALL_DATA", "The request's body ended before it was complete."
    )
