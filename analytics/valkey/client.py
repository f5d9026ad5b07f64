"""The blocking client of ingest and the control plane: a redis.Redis, whatever the URL names."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import redis
from redis.exceptions import AskError, ClusterDownError, MovedError
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedSSLConnection

from analytics.valkey.shards import Shards
from analytics.valkey.url import Address, Kind, ValkeyUrl, parse

_SCRIPTS: Final = frozenset({"EVAL", "EVALSHA"})


def connect(url: str, *, timeout: float, connect_timeout: float, **options: Any) -> redis.Redis:
    """Connects with the first command; nothing is tried twice. Seconds. Raises ValkeyUrlError.

    Of what sentinels watch, it is the primary. Of a cluster, commands with keys of one slot go to the primary
    that holds it; `nodes` gives them all.
    """
    where = parse(url)
    options |= {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    }
    if where.kind is Kind.CLUSTER:
        return _Cluster(where, options)
    if where.kind is Kind.SENTINEL:
        return _watched(where, options)
    return redis.Redis.from_url(url, **options)


def nodes(client: redis.Redis) -> list[tuple[redis.Redis, str]]:
    """Every server that holds keys, with what makes a key one of its own; '' where there is one server only.

    Raises redis.RedisError or OSError.
    """
    return list(client.nodes()) if isinstance(client, _Cluster) else [(client, "")]


def _watched(where: ValkeyUrl, options: dict[str, Any]) -> redis.Redis:
    own = {"username": where.sentinel_user or None, "password": where.sentinel_password or None}
    sentinels = Sentinel([])  # type: ignore[no-untyped-call]
    sentinels.sentinels = [
        redis.Redis.from_url(where.sentinel(host), **{**options, **own}) for host in where.hosts
    ]
    plain: Any = redis.connection.parse_url(where.node(where.hosts[0]))  # type: ignore[no-untyped-call]
    connection = {**plain, **options}
    # Who to connect to is the sentinels' answer.
    del connection["host"], connection["port"]
    if connection.pop("connection_class", None) is not None:
        connection["connection_class"] = SentinelManagedSSLConnection
    pool = SentinelConnectionPool(where.service, sentinels, **connection)  # type: ignore[no-untyped-call]
    return redis.Redis.from_pool(pool)


class _Cluster(redis.Redis):
    """Who holds what is learnt with the first command, and again after each that failed."""

    def __init__(self, where: ValkeyUrl, options: dict[str, Any]) -> None:
        super().__init__()
        self._where = where
        self._options = options
        self._shards: Shards | None = None
        self._clients: dict[Address, redis.Redis] = {}

    def nodes(self) -> Iterator[tuple[redis.Redis, str]]:
        # Asked anew: the sweep must see a node that was replaced.
        self._shards = None
        return ((self._client(shard.address), shard.tag) for shard in self._learn())

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return _execute(self._holder(args), *args, **options)
        except (MovedError, AskError) as elsewhere:
            return self._follow(elsewhere, args, options)
        except (redis.RedisError, OSError):
            self._shards = None
            raise

    def pipeline(self, transaction: bool = False, shard_hint: Any = None) -> "_Pipeline":
        if transaction:
            raise redis.RedisError("A cluster has no transactions over several keys.")
        return _Pipeline(self)

    def pubsub(self, **options: Any) -> Any:
        """Of any node: each hears everything."""
        node: Any = random.choice([client for client, _ in self.nodes()])  # noqa: S311
        return node.pubsub(**options)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _follow(
        self, elsewhere: "MovedError | AskError", args: Sequence[Any], options: dict[str, Any]
    ) -> Any:
        self._shards = None
        to = self._client((elsewhere.host, elsewhere.port))
        if not isinstance(elsewhere, AskError):
            return _execute(to, *args, **options)
        pipe = to.pipeline(transaction=False)
        _execute(pipe, "ASKING")
        _execute(pipe, *args, **options)
        return pipe.execute()[1]

    def _holder(self, args: Sequence[Any]) -> redis.Redis:
        """The client of the node for a command, by its first key."""
        key = args[3] if args[0] in _SCRIPTS else args[1]
        shard = (self._shards or self._learn()).of(key.decode() if isinstance(key, bytes) else str(key))
        if shard is None:
            self._shards = None
            raise ClusterDownError("No node of the cluster holds this key's slot.")
        return self._client(shard.address)

    def _learn(self) -> Shards:
        known = [shard.address for shard in self._shards or ()]
        addresses = list({*self._where.hosts, *known, *self._clients})
        random.shuffle(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                shards = Shards(_execute(self._client(address), "CLUSTER", "SLOTS"), address)
            except (redis.RedisError, OSError) as error:
                failure = error
                continue
            if any(True for _ in shards):
                self._shards = shards
                return shards
        raise redis.ConnectionError(f"No node of the cluster says which node holds what: {failure}")

    def _client(self, address: Address) -> redis.Redis:
        found = self._clients.get(address)
        if found is None:
            found = redis.Redis.from_url(self._where.node(address), **self._options)
            found = self._clients.setdefault(address, found)
        return found


class _Pipeline(redis.client.Pipeline):
    """One pipeline for each node. All are sent, even when one fails; then its error is raised."""

    def __init__(self, cluster: _Cluster) -> None:
        super().__init__(cluster.connection_pool, {}, False, None)
        self._cluster = cluster
        self._calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __len__(self) -> int:
        return len(self._calls)

    def execute_command(self, *args: Any, **options: Any) -> "_Pipeline":
        self._calls.append((args, options))
        return self

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        calls, self._calls = self._calls, []
        results: list[Any] = [None] * len(calls)
        groups: dict[int, tuple[redis.Redis, list[int]]] = {}
        for place, (args, _) in enumerate(calls):
            node = self._cluster._holder(args)
            groups.setdefault(id(node), (node, []))[1].append(place)
        for node, places in groups.values():
            for place, result in zip(places, self._on(node, [calls[at] for at in places]), strict=True):
                results[place] = result
        if raise_on_error:
            for result in results:
                if isinstance(result, Exception):
                    raise result
        return results

    def _on(
        self, node: redis.Redis, calls: Sequence[tuple[tuple[Any, ...], dict[str, Any]]]
    ) -> Iterable[Any]:
        pipe = node.pipeline(transaction=False)
        for args, options in calls:
            _execute(pipe, *args, **options)
        try:
            results = pipe.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as error:
            self._cluster._shards = None
            return [error] * len(calls)
        for place, result in enumerate(results):
            if isinstance(result, (MovedError, AskError)):
                args, options = calls[place]
                try:
                    results[place] = self._cluster._follow(result, args, options)
                except (redis.RedisError, OSError) as error:
                    results[place] = error
        return results

    def reset(self) -> None:  # type: ignore[override]
        self._calls = []


def _execute(to: Any, *args: Any, **options: Any) -> Any:
    return to.execute_command(*args, **options)
