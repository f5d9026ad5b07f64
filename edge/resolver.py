"""From a code to its link: memory first, then one batched question to Valkey.

All misses of one loop tick, and those that come in while a question is under way, go out as one MGET
together with the epoch key: about 8 µs a code where a GET each costs 180 µs. One question is under way at a
time, so an answer that an invalidation has overtaken is always corrected by the next.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from edge.entry import Entry, read
from edge.metrics import SLOT
from edge.record import EPOCH_KEY, RecordError, key

log = logging.getLogger("edge.resolver")

FRESH: Final = 5.0
"""Seconds an entry is answered with before the next hit has it fetched again in the background."""
RETRY: Final = 1.0
"""Seconds until that is tried again where it did not succeed."""
MAX_NEGATIVE: Final = 10_000
MAX_BATCH: Final = 256
MAX_WAITING: Final = 10_000
"""Codes waiting at once. Beyond it a miss is unavailable at once: the queue is the sign of a dead Valkey."""
PAUSE: Final = 0.25
"""Seconds after a failed question in which misses are answered without asking."""

_HITS: Final = SLOT["scanway_edge_l1_hits"]
_MISSES: Final = SLOT["scanway_edge_l1_misses"]
_EVICTIONS: Final = SLOT["scanway_edge_l1_evictions"]
_NEGATIVE_HITS: Final = SLOT["scanway_edge_negative_hits"]
_BATCHES: Final = SLOT["scanway_edge_batches"]
_REFRESHES: Final = SLOT["scanway_edge_refreshes"]
_INVALIDATIONS: Final = SLOT["scanway_edge_invalidations"]
_ERRORS: Final = SLOT["scanway_edge_valkey_errors"]
_UNDECODABLE: Final = SLOT["scanway_edge_undecodable_records"]
_ENTRIES: Final = SLOT["scanway_edge_l1_entries"]


class Unavailable(Exception):
    """Nothing can be said about this code now: Valkey is away, was emptied, or holds a damaged record."""


Answer = Entry | None | Unavailable


class Resolver:
    """L1, negative entries and the batched misses of one worker. For the event loop's thread only."""

    def __init__(self, client: Redis, entries: int, counters: memoryview) -> None:
        """`entries` bounds L1: a plain link takes about 0.7 kB."""
        self._client = client
        self._max_entries = entries
        self._counters = counters
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._asked: dict[str, asyncio.Future[Answer]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._down = False

    def __len__(self) -> int:
        return len(self._entries)

    def cached(self, code: str, now: float) -> Entry | None:
        """The entry in memory, whatever its age. `now` is time.monotonic(). The hot path: no await."""
        entry = self._entries.get(code)
        if entry is not None:
            self._entries.move_to_end(code)
            self._counters[_HITS] += 1
            if now >= entry.due:
                entry.due = now + RETRY
                self._refresh(code)
        return entry

    async def fetch(self, code: str, now: float) -> Entry | None:
        """For a code not in memory: its entry, or None where there is no such link. Raises Unavailable."""
        until = self._unknown.get(code)
        if until is not None:
            if now < until:
                self._unknown.move_to_end(code)
                self._counters[_NEGATIVE_HITS] += 1
                return None
            del self._unknown[code]
        self._counters[_MISSES] += 1
        if now < self._paused_until:
            raise Unavailable
        # Shielded, because others wait for the same answer when one client goes away.
        answer = await asyncio.shield(self._want(code, share=True))
        if isinstance(answer, Unavailable):
            raise Unavailable
        return answer

    def invalidate(self, code: str) -> None:
        """The link was edited: fetch it again at once, if anyone here has asked for it."""
        self._counters[_INVALIDATIONS] += 1
        self._unknown.pop(code, None)
        if code in self._entries or code in self._asked:
            self._refresh(code)

    def expire_all(self) -> None:
        """Invalidations may have been missed: every entry is fetched again by its next hit."""
        self._unknown.clear()
        for entry in self._entries.values():
            entry.due = 0.0

    async def close(self) -> None:
        """Gives up what is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _refresh(self, code: str) -> None:
        self._counters[_REFRESHES] += 1
        try:
            self._want(code, share=False)
        except Unavailable:
            log.debug("The queue is full; %s keeps its old answer for now.", code)

    def _want(self, code: str, *, share: bool) -> "asyncio.Future[Answer]":
        """The future answer. With `share`, one that is already on its way will do."""
        found = self._waiting.get(code) or (self._asked.get(code) if share else None)
        if found is not None:
            return found
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[code] = future
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return future

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                batch = list(self._waiting)[:MAX_BATCH]
                self._asked = {code: self._waiting.pop(code) for code in batch}
                answers = await self._ask(batch)
                for code, answer in zip(batch, answers, strict=True):
                    future = self._asked[code]
                    if not future.done():
                        future.set_result(answer)
        finally:
            for future in (*self._asked.values(), *self._waiting.values()):
                if not future.done():
                    future.set_result(Unavailable())
            self._asked, self._waiting, self._asking = {}, {}, None
            self._counters[_ENTRIES] = len(self._entries)

    async def _ask(self, batch: list[str]) -> list[Answer]:
        self._counters[_BATCHES] += 1
        question = cast(
            "Awaitable[list[Any]]", self._client.mget([EPOCH_KEY, *(key(code) for code in batch)])
        )
        try:
            epoch, *values = await question
        except (RedisError, OSError) as error:
            self._counters[_ERRORS] += 1
            self._paused_until = time.monotonic() + PAUSE
            if not self._down:
                log.error("Valkey does not answer (%s). Links in memory still work; others are 503.", error)
            self._down = True
            return [Unavailable() for _ in batch]
        if self._down:
            log.info("Valkey answers again.")
        self._down = False
        self._paused_until = 0.0
        now = time.monotonic()
        complete = epoch is not None
        return [self._learn(code, value, complete, now) for code, value in zip(batch, values, strict=True)]

    def _learn(self, code: str, value: bytes | None, complete: bool, now: float) -> Answer:
        """Puts what Valkey said into memory. `complete` is False while links are still being published."""
        if value is None:
            if not complete:
                return self._entries.get(code) or Unavailable()
            self._entries.pop(code, None)
            self._unknown[code] = now + FRESH
            if len(self._unknown) > MAX_NEGATIVE:
                self._unknown.popitem(last=False)
            return None
        try:
            entry = Entry(read(value), now + FRESH)
        except RecordError as error:
            self._counters[_UNDECODABLE] += 1
            self._entries.pop(code, None)
            log.error("The record of the code %s cannot be used: %s", code, error)
            return Unavailable()
        self._unknown.pop(code, None)
        self._entries[code] = entry
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
            self._counters[_EVICTIONS] += 1
        return entry
