"""What the edge needs of Valkey, whichever way it is run: one server, a replica, sentinels or a cluster.

Reads may be tried again, as often as the caller says; scripts never are, because they count. Nothing here
waits longer than CONNECT_TIMEOUT and READ_TIMEOUT for each try; for a primary elsewhere, FAR_TIMEOUT.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from redis.asyncio.client import PubSub

from analytics.valkey.url import Kind, parse
from edge.valkey_cluster import Cluster
from edge.valkey_line import Line, can_reach
from edge.valkey_server import (
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    Argument,
    NoAnswer,
    Server,
    Value,
    Watched,
    client,
)

__all__ = ["Argument", "NoAnswer", "Valkey", "Value", "connect"]


class Valkey(Protocol):
    """Every method may raise redis.RedisError or OSError."""

    def get_many(self, keys: list[str]) -> Awaitable[list[Value]]:
        """The values in the order of their keys: one exchange with each node. NoAnswer: in a cluster only."""

    async def exists(self, key: str) -> bool: ...

    async def run_script(self, script: str, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Where keys are written, once. In a cluster the keys must share a slot."""

    def pubsub(self) -> PubSub:
        """Hears what is published anywhere, after the node that is read has it. Does not connect again."""

    async def aclose(self) -> None: ...


def connect(url: str, *, primary_url: str = "", retries: int = 1) -> Valkey:
    """Connects with the first question. `primary_url` is where scripts run if `url` names a replica.

    Raises ValkeyUrlError.
    """
    where = parse(url)
    if where.kind is Kind.CLUSTER:
        return Cluster(where, retries)
    if where.kind is Kind.SENTINEL:
        return Watched(where, retries)
    hear = client(url, 0)
    write = client(primary_url, 0, far=True) if primary_url else hear
    line = Line(url, CONNECT_TIMEOUT, READ_TIMEOUT) if can_reach(url) else None
    return Server(client(url, retries), hear, write, line, retries)
