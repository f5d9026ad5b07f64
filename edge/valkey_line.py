"""One connection to one server, for one question: MGET.

All that is not in memory comes through here, so the exchange itself counts: redis-py takes about 105 µs of
CPU for one and 138 for 32 keys, this 39 and 48. Questions may follow each other without waiting; the server
answers in order. Everything else is redis-py's: TLS, sentinels, clusters, scripts, pub/sub.
"""

import asyncio
from collections import deque
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import UnixDomainSocketConnection, parse_url
from redis.exceptions import ConnectionError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout


def can_reach(url: str) -> bool:
    """Whether a URL is redis:// or unix://, and asks for nothing but user, password and database."""
    options = set(parse_url(url))
    if url.startswith("unix://"):
        options.discard("connection_class")
    return options <= {"username", "password", "host", "port", "db", "path"}


class Line:
    """For one event loop. Connects with the first question, and again with the next after a failure."""

    def __init__(self, url: str, connect_timeout: float, read_timeout: float) -> None:
        """`url` is one that `can_reach` knows. Times in seconds."""
        self._options: dict[str, Any] = dict(parse_url(url))
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def mget(self, keys: list[str]) -> list[bytes | None]:
        """The values in the order of their keys. Raises redis.RedisError or OSError."""
        connection = self._connection
        if connection is None or not connection.is_open:
            async with self._connecting:
                connection = self._connection
                if connection is None or not connection.is_open:
                    connection = self._connection = await self._connect()
        answer: list[bytes | None] = await connection.ask(("MGET", *keys), self._read_timeout)
        return answer

    async def aclose(self) -> None:
        """Whoever waits is told that the connection is closed."""
        if self._connection is not None:
            self._connection.close(ConnectionError("the connection is closed"))
            await asyncio.sleep(0)  # the transport says good-bye in the loop's next round

    async def _connect(self) -> "_Connection":
        options, loop, connection = self._options, asyncio.get_running_loop(), _Connection()
        try:
            async with asyncio.timeout(self._connect_timeout):
                if options.get("connection_class") is UnixDomainSocketConnection:
                    await loop.create_unix_connection(lambda: connection, options["path"])
                else:
                    host, port = options.get("host", "localhost"), options.get("port", 6379)
                    await loop.create_connection(lambda: connection, host, port)
                if "password" in options:
                    who = [options["username"]] if options.get("username") else []
                    await connection.ask(("AUTH", *who, options["password"]), self._connect_timeout)
                if options.get("db"):
                    await connection.ask(("SELECT", str(options["db"])), self._connect_timeout)
        except BaseException as error:
            connection.close(ConnectionError("the connection could not be made"))
            if isinstance(error, TimeoutError):
                raise RedisTimeout(f"no connection within {self._connect_timeout} s") from error
            raise
        return connection


class _Connection(asyncio.Protocol):
    """One connection, from its making to its end. After a failure it is not used again."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def ask(self, words: tuple[str, ...], within: float) -> Any:
        """The answer to one command. Raises redis.RedisError."""
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(future)
        self._transport.write(hiredis.pack_command(words))  # type: ignore[arg-type]  # the stub says one word
        limit = loop.call_later(within, self.close, RedisTimeout(f"no answer within {within} s"))
        try:
            return await future
        finally:
            limit.cancel()

    def close(self, error: Exception) -> None:
        """What is under way cannot be told from what comes after it, so all of it ends with this error."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._answer(reply)
        except hiredis.ProtocolError as error:
            self.close(ConnectionError(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(ConnectionError(f"the connection was lost{f' ({exc})' if exc else ''}"))

    def _answer(self, reply: Any) -> None:
        if not self._waiting:
            return self.close(ConnectionError("there was an answer to no question"))
        future = self._waiting.popleft()
        if future.done():
            return None  # whoever asked has gone
        if isinstance(reply, hiredis.HiredisError):
            return future.set_exception(ResponseError(str(reply)))
        return future.set_result(reply)


_INCOMPLETE: Final = False
"""What the reader gives while an answer has not come whole."""
