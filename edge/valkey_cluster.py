"""A cluster: each key at the primary that holds its slot, and one exchange with each for many keys.

Not redis-py's own cluster client, which sleeps, asks all over again and reads a list of all commands when a
node fails. Here a failed node costs its own keys one wait, and is left alone until a task of ours finds it
alive, or replaced. Primaries are read, not their replicas: an edit is heard from any node, perhaps before a
replica has it.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    NoScriptError,
    RedisError,
    TimeoutError,
)

from analytics.valkey.shards import Shard, Shards
from analytics.valkey.url import Address, ValkeyUrl
from edge.record import EPOCH_KEY, epoch_key
from edge.valkey_server import Argument, NoAnswer, Value, client, get_each, sha1

log = logging.getLogger("edge.valkey")

PAUSE: Final = 0.25
"""Seconds between two looks at a node that failed."""


class Cluster:
    """EPOCH_KEY stands for those of all shards: here each shard has its own."""

    def __init__(self, where: ValkeyUrl, retries: int) -> None:
        self._where = where
        self._retries = retries
        self._shards: Shards | None = None
        self._learning: asyncio.Task[Shards] | None = None
        self._clients: dict[tuple[Address, int], Redis] = {}
        self._silent: dict[Address, asyncio.Task[None]] = {}
        self._heard: Address | None = None

    async def get_many(self, keys: list[str]) -> list[Value]:
        """Raises only where no node at all answers. EPOCH_KEY itself is always there: see NoAnswer."""
        values = await self._read(keys)
        moved = [place for place, value in enumerate(values) if isinstance(value, _Moved)]
        if moved:
            await self._learn()
            again = await self._read([keys[place] for place in moved])
            for place, value in zip(moved, again, strict=True):
                values[place] = value
        if all(shard.address in self._silent for shard in await self._known()):
            raise ConnectionError("No node of the cluster answers.")
        return values

    async def exists(self, key: str) -> bool:
        if key == EPOCH_KEY:
            shards = await self._known()
            keys = [epoch_key(shard.tag) for shard in shards]
            return all(await asyncio.gather(*(self._command("EXISTS", key, [key]) for key in keys)))
        return bool(await self._command("EXISTS", key, [key]))

    async def run_script(self, script: str, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        tail = [len(keys), *keys, *args]
        try:
            return await self._command("EVALSHA", keys[0], [sha1(script), *tail])
        except NoScriptError:
            return await self._command("EVAL", keys[0], [script, *tail])

    def pubsub(self) -> PubSub:
        """Of any node, since each hears everything; another one than the last time, which may be dead."""
        nodes = [shard.address for shard in self._shards or ()] or list(self._where.hosts)
        others = [each for each in nodes if each != self._heard and each not in self._silent]
        self._heard = random.choice(others or nodes)  # noqa: S311
        return self._client(self._heard, 0).pubsub()

    async def aclose(self) -> None:
        tasks = [*self._silent.values(), *([self._learning] if self._learning else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in self._clients.values():
            await each.aclose()

    async def _read(self, keys: list[str]) -> list[Value]:
        shards = await self._known()
        values: list[Value] = [b""] * len(keys)
        groups: dict[Shard | None, list[int]] = {}
        for place, key in enumerate(keys):
            if key != EPOCH_KEY:
                groups.setdefault(shards.of(key), []).append(place)
        answers = await asyncio.gather(
            *(self._read_from(shard, [keys[at] for at in places]) for shard, places in groups.items())
        )
        for places, found in zip(groups.values(), answers, strict=True):
            for place, value in zip(places, found, strict=True):
                values[place] = value
        return values

    async def _read_from(self, shard: Shard | None, keys: list[str]) -> list[Value]:
        """Never raises: what failed stands in its place."""
        if shard is None:
            return [NoAnswer("No node holds this slot.")] * len(keys)
        if shard.address in self._silent:
            return [NoAnswer(f"The node {_name(shard.address)} does not answer.")] * len(keys)
        node = self._client(shard.address, self._retries)
        try:
            epoch, *found = await get_each(node, [epoch_key(shard.tag), *keys], self._retries)
        except (RedisError, OSError) as error:
            self._leave(shard.address, error)
            return [NoAnswer(f"The node {_name(shard.address)} does not answer: {error}.")] * len(keys)
        complete = isinstance(epoch, bytes)
        return [
            await self._judge(key, value, complete, shard) for key, value in zip(keys, found, strict=True)
        ]

    async def _judge(self, key: str, value: Any, complete: bool, shard: Shard) -> Value:
        if isinstance(value, AskError):
            # The slot is on its way to another node, and this key is there already, or nowhere.
            try:
                value = await self._ask((value.host, value.port), "GET", [key])
            except (RedisError, OSError) as error:
                return NoAnswer(str(error))
        if isinstance(value, MovedError):
            return _Moved(str(value))
        if isinstance(value, Exception):
            return NoAnswer(f"The node {_name(shard.address)} says: {value}.")
        if value is None and not complete:
            return NoAnswer(f"The node {_name(shard.address)} was emptied, and is being filled again.")
        return cast("bytes | None", value)

    async def _command(self, name: str, key: str, args: Sequence[Argument]) -> Any:
        """At the key's primary, never twice."""
        for last in (False, True):
            shard = (await self._known()).of(key)
            if shard is None:
                raise ClusterDownError("No node holds this slot.")
            if shard.address in self._silent:
                raise ConnectionError(f"The node {_name(shard.address)} does not answer.")
            try:
                return await _execute(self._client(shard.address, 0), name, args)
            except AskError as elsewhere:
                return await self._ask((elsewhere.host, elsewhere.port), name, args)
            except MovedError:
                # It was not carried out.
                if last:
                    raise
                await self._learn()
            except (ConnectionError, TimeoutError, OSError) as error:
                self._leave(shard.address, error)
                raise
        raise AssertionError

    async def _ask(self, address: Address, name: str, args: Sequence[Argument]) -> Any:
        pipe = self._client(address, 0).pipeline(transaction=False)
        await _execute(pipe, "ASKING", ())
        await _execute(pipe, name, args)
        return (await pipe.execute())[1]

    def _leave(self, address: Address, error: Exception) -> None:
        """Does not ask this node again before it has been seen alive."""
        if address not in self._silent:
            log.warning("The node %s of the cluster does not answer (%s).", _name(address), error)
            self._silent[address] = asyncio.create_task(self._watch(address))

    async def _watch(self, address: Address) -> None:
        while True:
            await asyncio.sleep(PAUSE * random.uniform(0.5, 1.0))  # noqa: S311
            try:
                shards = await self._learn()
                if shards.has_primary(address):
                    await cast("Awaitable[Any]", self._client(address, 0).ping())
                    log.info("The node %s of the cluster answers again.", _name(address))
                else:
                    log.info("The node %s of the cluster was replaced.", _name(address))
            except (RedisError, OSError):
                continue
            del self._silent[address]
            return

    async def _known(self) -> Shards:
        return self._shards or await self._learn()

    async def _learn(self) -> Shards:
        """Asks one of the nodes who holds what; all who want to know share one question."""
        if self._learning is None:
            self._learning = asyncio.create_task(self._ask_around())
        try:
            return await asyncio.shield(self._learning)
        finally:
            if self._learning is not None and self._learning.done():
                self._learning = None

    async def _ask_around(self) -> Shards:
        nodes = list({*self._where.hosts, *(shard.address for shard in self._shards or ())})
        random.shuffle(nodes)
        nodes.sort(key=self._silent.__contains__)
        failure: Exception | None = None
        for address in nodes:
            try:
                reply = await _execute(self._client(address, 0), "CLUSTER", ["SLOTS"])
                shards = Shards(reply, address)
            except (RedisError, OSError) as error:
                failure = error
                continue
            if any(True for _ in shards):
                self._shards = shards
                return shards
        raise ConnectionError(f"No node of the cluster says which node holds what: {failure}")

    def _client(self, address: Address, retries: int) -> Redis:
        found = self._clients.get((address, retries))
        if found is None:
            found = self._clients[address, retries] = client(self._where.node(address), retries)
        return found


class _Moved(NoAnswer):
    """The slot has a new owner."""


def _execute(to: Any, name: str, args: Sequence[Argument]) -> Awaitable[Any]:
    return cast("Awaitable[Any]", to.execute_command(name, *args))


def _name(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
