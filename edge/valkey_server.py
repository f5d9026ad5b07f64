"""One server to read, hear and write, or the replica and the primary that sentinels know."""

import functools
import hashlib
import os
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from analytics.valkey.url import ValkeyUrl
from edge.valkey_line import Line

CONNECT_TIMEOUT: Final = 0.2
READ_TIMEOUT: Final = 0.3
"""Seconds. A miss on a Valkey that hangs is answered 503 after at most two tries of these."""
FAR_TIMEOUT: Final = 1.0
"""Seconds to connect to, and to hear from, a primary that may be in another part of the world."""


class NoAnswer(Exception):
    """In place of a value: its node does not answer, or was emptied and is not filled again yet."""


Value = bytes | None | NoAnswer
Argument = str | bytes | int


def client(url: str, retries: int, *, far: bool = False) -> Redis:
    """A client of one server, by its plain URL."""
    return Redis.from_url(url, **_patience(retries, far))


def _patience(retries: int, far: bool = False) -> dict[str, Any]:
    return {
        "socket_connect_timeout": FAR_TIMEOUT if far else CONNECT_TIMEOUT,
        "socket_timeout": FAR_TIMEOUT if far else READ_TIMEOUT,
        "retry": Retry(NoBackoff(), retries),
    }


class Server:
    """One server to read and hear, and one to write, which may be the same."""

    def __init__(
        self, read: Redis, hear: Redis, write: Redis, line: Line | None = None, retries: int = 0
    ) -> None:
        """`line` is asked for records, up to `retries` times more; without it, `read` is."""
        self._read, self._hear, self._write = read, hear, write
        self._line, self._retries = line, retries

    def get_many(self, keys: list[str]) -> Awaitable[list[Value]]:
        if self._line is not None:
            return self._by_line(self._line, keys)
        return cast("Awaitable[list[Value]]", self._read.mget(keys))

    async def _by_line(self, line: Line, keys: list[str]) -> list[Value]:
        for _ in range(self._retries):
            try:
                return [*await line.mget(keys)]
            except (RedisError, OSError):
                continue
        return [*await line.mget(keys)]

    async def exists(self, key: str) -> bool:
        return bool(await self._read.exists(key))

    async def run_script(self, script: str, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        try:
            return await self._write.evalsha(sha1(script), len(keys), *keys, *args)
        except NoScriptError:
            return await self._write.eval(script, len(keys), *keys, *args)

    def pubsub(self) -> PubSub:
        return self._hear.pubsub()

    async def aclose(self) -> None:
        for each in {self._read, self._hear, self._write}:
            await each.aclose()
        if self._line is not None:
            await self._line.aclose()


async def get_each(client: Redis, keys: Sequence[str], retries: int) -> list[Any]:
    """GET of each key in one exchange; what the server refuses stands in its place as an exception.

    For a cluster, which has no MGET over slots. 10 µs a key, half of what redis-py's pipeline costs. Raises
    redis.RedisError or OSError where the exchange itself fails.
    """
    names = [key.encode() for key in keys]
    question = b"".join(b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(name), name) for name in names)
    pool: Any = client.connection_pool
    while True:
        connection = await pool.get_connection()
        try:
            await connection.send_packed_command(question)
            return [await _answer(connection) for _ in names]
        except (RedisError, OSError):
            await connection.disconnect()
            if not retries:
                raise
            retries -= 1
        except BaseException:
            # Given up half-way: the rest of the answers must not be taken for the next question's.
            await connection.disconnect()
            raise
        finally:
            await pool.release(connection)


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


@functools.lru_cache(maxsize=64)
def sha1(script: str) -> str:
    """What a server calls a script that it has."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


class Watched(Server):
    """Reads a replica that sentinels know, or the primary where there is none; writes to the primary."""

    def __init__(self, where: ValkeyUrl, retries: int) -> None:
        self._sentinels = Sentinel([])  # type: ignore[no-untyped-call]
        self._sentinels.sentinels = [_sentinel(where, at) for at in range(len(where.hosts))]

        def pool(kind: type[SentinelConnectionPool], tries: int, primary: bool) -> Redis:
            options = {**parse_url(where.node(where.hosts[0])), **_patience(tries)}
            # Who to connect to is the sentinels' answer.
            del options["host"], options["port"]
            tls = options.pop("connection_class", None) is not None
            return Redis.from_pool(
                kind(where.service, self._sentinels, is_master=primary, ssl=tls, **options)
            )

        super().__init__(
            read=pool(_SteadyPool, retries, primary=False),
            hear=pool(_SteadyPool, 0, primary=False),
            write=pool(SentinelConnectionPool, 0, primary=True),
        )

    async def aclose(self) -> None:
        await super().aclose()
        await self._sentinels.aclose()


def _sentinel(where: ValkeyUrl, at: int) -> Redis:
    return Redis.from_url(
        where.sentinel(where.hosts[at]),
        username=where.sentinel_user or None,
        password=where.sentinel_password or None,
        **_patience(0),
    )


_OWN: Final = f"{os.getpid()}-{random.random()}"  # noqa: S311  (spreads processes over replicas)


class _SteadyPool(SentinelConnectionPool):
    """Connections of one process all lead to one replica, as long as it lives.

    An edit is heard from the replica that is read, so it is there already when it is fetched.
    """

    async def rotate_slaves(self) -> AsyncIterator[tuple[str, int]]:
        replicas = await self.sentinel_manager.discover_slaves(self.service_name)
        for replica in sorted(replicas, key=lambda at: zlib.crc32(f"{_OWN} {at}".encode())):
            yield replica
        yield await self.get_master_address()  # type: ignore[no-untyped-call]
