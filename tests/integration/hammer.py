"""A load of thousands of scans a second from a process of its own, which keeps books on each single one.

Run as a program it reads its orders as JSON from stdin, scans until stdin is closed, and writes its books to
stdout. Every scan carries a number of its own (`?utm_content=<run>-<n>`), so each can be found again.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@dataclass
class Books:
    """What the client saw."""

    sent: int = 0
    """Scans 0 to sent - 1 left this side, whole or in part."""
    unanswered: list[int] = field(default_factory=list)
    """Those for which no whole answer came back."""
    statuses: dict[str, int] = field(default_factory=dict)
    resets: int = 0
    """Connections that broke while a scan was waiting for its answer."""
    refused: int = 0
    """Connections that could not be made."""
    closed_idle: int = 0
    """Connections that the server closed between two scans: no harm."""
    milliseconds: list[float] = field(default_factory=list)
    """One per answered scan, in the order of the answers."""
    finished_at: list[float] = field(default_factory=list)
    """Seconds since 1970 of each of these."""

    @property
    def answered(self) -> set[int]:
        return set(range(self.sent)) - set(self.unanswered)

    def p99(self, since: float = 0.0, until: float = float("inf")) -> float:
        """Milliseconds within which 99 % of the answers of a time span came."""
        pairs = zip(self.finished_at, self.milliseconds, strict=True)
        found = sorted(each for at, each in pairs if since <= at < until)
        return found[int(len(found) * 0.99)] if found else 0.0

    def slowest(self, since: float = 0.0) -> float:
        pairs = zip(self.finished_at, self.milliseconds, strict=True)
        return max((each for at, each in pairs if at >= since), default=0.0)


class Hammer:
    """Starts at once; `stop` ends it and returns its books."""

    def __init__(
        self,
        port: int,
        paths: list[str],
        *,
        per_second: int,
        connections: int = 32,
        run: str = "h",
        keep_alive: bool = True,
    ) -> None:
        """`keep_alive` False: each scan has a connection of its own, as a phone's has."""
        self.run = run
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        orders = {
            "port": port,
            "paths": paths,
            "per_second": per_second,
            "connections": connections,
            "run": run,
            "keep_alive": keep_alive,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(orders) + "\n")
        self._process.stdin.flush()

    def stop(self) -> Books:
        out, _ = self._process.communicate("stop\n", timeout=60)
        assert self._process.returncode == 0
        return Books(**json.loads(out))

    def marker(self, number: int) -> str:
        return f"{self.run}-{number}"


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one scan under way."""

    def __init__(self, load: "_Load") -> None:
        self.load = load
        self.number = -1
        self.began = 0.0
        self.received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.load.idle.append(self)

    def scan(self, number: int, request: bytes) -> None:
        self.number, self.began, self.received = number, time.perf_counter(), b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        if at >= 0 and len(body) < int(lowered[at + 15 :].split(b"\r\n", 1)[0]):
            return
        books = self.load.books
        status = head[9:12].decode()
        books.statuses[status] = books.statuses.get(status, 0) + 1
        books.milliseconds.append(round((time.perf_counter() - self.began) * 1000, 3))
        books.finished_at.append(round(time.time(), 3))
        self.number = -1
        if b"connection: close" in lowered:
            self.transport.close()
        else:
            self.load.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        books = self.load.books
        if self.number >= 0:
            books.resets += 1
            books.unanswered.append(self.number)
        elif error is None and self in self.load.idle:
            books.closed_idle += 1
        if self in self.load.idle:
            self.load.idle.remove(self)
        self.load.reconnect()


class _Load:
    def __init__(self, orders: dict[str, object]) -> None:
        self.port = int(str(orders["port"]))
        self.per_second = float(str(orders["per_second"]))
        self.run = str(orders["run"])
        self.connections = int(str(orders["connections"]))
        paths = orders["paths"]
        assert isinstance(paths, list)
        self.paths = [str(path) for path in paths]
        self.tail = (
            f" HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUser-Agent: {PHONE}\r\nAccept: text/html\r\n"
            "Accept-Language: de-DE,de;q=0.9\r\n"
        ) + ("\r\n" if orders["keep_alive"] else "Connection: close\r\n\r\n")
        self.books = Books()
        self.idle: list[_Connection] = []
        self.over = False
        self.tasks: set[asyncio.Task[None]] = set()

    def reconnect(self) -> None:
        if not self.over:
            task = asyncio.get_running_loop().create_task(self._connect())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.over:
            try:
                await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
                return
            except OSError:
                self.books.refused += 1
                await asyncio.sleep(0.02)

    async def go(self, end: asyncio.Event) -> None:
        for _ in range(self.connections):
            self.reconnect()
        due, last = 0.0, time.perf_counter()
        books, paths = self.books, self.paths
        while not end.is_set():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            # No more than 20 ms of scans are made up for: after an outage the rate is the rate again.
            due = min(due + (now - last) * self.per_second, self.per_second * 0.02 + 1)
            last = now
            while due >= 1 and self.idle:
                due -= 1
                number = books.sent
                books.sent += 1
                path = paths[number % len(paths)]
                mark = "&" if "?" in path else "?"
                request = f"GET /{path}{mark}utm_content={self.run}-{number}{self.tail}".encode()
                self.idle.pop(0).scan(number, request)
        # What is under way gets its answer.
        give_up = time.perf_counter() + 5
        while time.perf_counter() < give_up:
            if len(books.milliseconds) + len(books.unanswered) == books.sent:
                break
            await asyncio.sleep(0.01)
        self.over = True
        for connection in self.idle:
            connection.transport.abort()


async def _main() -> None:
    load = _Load(json.loads(sys.stdin.readline()))
    end = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), end.set)
    await load.go(end)
    books = load.books
    if len(books.milliseconds) + len(books.unanswered) != books.sent:
        # Connections that hang with a scan: nobody may call these answered.
        raise SystemExit("Some scans were neither answered nor broken off after 5 s.")
    json.dump(books.__dict__, sys.stdout)


if __name__ == "__main__":
    uvloop.run(_main())
