"""A small, honest load: every scan carries its own marker, so each one can be found again in ClickHouse."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@dataclass
class Books:
    """What the load generator saw, to be compared with what the product counted."""

    answered: set[str] = field(default_factory=set)
    """Markers of the scans whose redirect came back whole."""
    sent: set[str] = field(default_factory=set)
    refused: int = 0
    """Connections that failed, or answers that were no redirect."""
    statuses: dict[int, int] = field(default_factory=dict)


async def scan(edge: str, codes: list[str], *, per_second: float, seconds: float, run: str) -> Books:
    """Scan `codes` in turn at a steady rate, over 32 connections that reconnect when they break."""
    books = Books()
    where = urlsplit(edge)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    numbers = itertools.count()
    start = time.monotonic()

    async def connection() -> None:
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        while True:
            n = next(numbers)
            due = start + n / per_second
            if due - start >= seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            marker = f"{run}-{n}"
            try:
                if writer is None:
                    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
                books.sent.add(marker)
                writer.write(
                    (
                        f"GET /{codes[n % len(codes)]}?utm_content={marker} HTTP/1.1\r\n"
                        f"Host: {host}:{port}\r\n"
                        f"User-Agent: {PHONE}\r\nAccept: text/html\r\nAccept-Language: de-DE,de;q=0.9\r\n\r\n"
                    ).encode()
                )
                assert reader is not None
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                status = int(head.split(b" ", 2)[1])
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        await reader.readexactly(int(line.split(b":")[1]))
                books.statuses[status] = books.statuses.get(status, 0) + 1
                if status == 302:
                    books.answered.add(marker)
                else:
                    books.refused += 1
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                books.refused += 1
                if writer is not None:
                    writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    await asyncio.gather(*(connection() for _ in range(32)))
    return books
