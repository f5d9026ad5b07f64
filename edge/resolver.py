"""From a name to what Valkey holds of it, a link or a domain: memory first, then one batched question.

All misses of one loop tick, and those that come in while a question is under way, go out as one MGET
together with the epoch key: about 8 µs a code where a GET each costs 180 µs. One question is under way at a
time, so an answer that an invalidation has overtaken is always corrected by the next.

`cached` runs on the thread that answers scans, everything else on the event loop. They share dictionaries,
whose single operations are whole under the interpreter's lock.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from redis.exceptions import RedisError

from edge.metrics import SLOT
from edge.record import EPOCH_KEY, RecordError
from edge.valkey import NoAnswer, Value

log = logging.getLogger("edge.resolver")

FRESH: Final = 5.0
"""Seconds an entry is answered with before the next hit has it fetched again in the background."""
RETRY: Final = 1.0
"""Seconds until that is tried again where it did not succeed."""
RECENT: Final = 1.0
"""Seconds in which many hits of an entry are one use of it, and after which one looks after it again."""
MAX_NEGATIVE: Final = 10_000
MAX_BATCH: Final = 256
MAX_WAITING: Final = 10_000
"""Codes waiting at once. Beyond it a miss is unavailable at once: the queue is the sign of a dead Valkey."""
GIVE_WAY: Final = 32
"""Answers passed on until the thread that answers scans may have its turn. Compiled code has to offer it, in
Python the interpreter does: while 12,000 misses came a second, hits took 10 ms without it, 4 with it."""
PAUSE: Final = 0.25
"""Seconds after a failed question in which misses are answered without asking."""

_MISSES: Final = SLOT["scanway_edge_l1_misses"]
_EVICTIONS: Final = SLOT["scanway_edge_l1_evictions"]
_NEGATIVE_HITS: Final = SLOT["scanway_edge_negative_hits"]
_BATCHES: Final = SLOT["scanway_edge_batches"]
_REFRESHES: Final = SLOT["scanway_edge_refreshes"]
_INVALIDATIONS: Final = SLOT["scanway_edge_invalidations"]
_ERRORS: Final = SLOT["scanway_edge_valkey_errors"]
_FAULTS: Final = SLOT["scanway_edge_faults"]
_UNDECODABLE: Final = SLOT["scanway_edge_undecodable_records"]


class Unavailable(Exception):
    """Nothing can be said about this code now: Valkey is away, was emptied, or holds a damaged record."""


class Kept:
    """What memory holds."""

    __slots__ = ("due", "look", "mark")

    def __init__(self, due: float) -> None:
        self.due = due
        """time.monotonic() from which the next hit has it fetched again."""
        self.look = 0.0
        """time.monotonic() from which a hit looks whether it is due, and counts as another use."""
        self.mark = 0
        """hash() of the value it was made of."""


T = TypeVar("T", bound=Kept)


class Resolver(Generic[T]):
    """L1, negative entries and the batched misses of one worker, for one kind of record."""

    def __init__(
        self,
        get_many: Callable[[list[str]], Awaitable[list[Value]]],
        key: Callable[[str], str],
        read: Callable[[bytes, str, float], T],
        entries: int,
        counters: memoryview,
        damaged: Callable[[str], None] = lambda name: None,
        gauge: int = 0,
    ) -> None:
        """`read(value, name, due)` raises RecordError; `damaged` is told the names for which it did.

        `entries` bounds L1: a plain link takes about 0.9 kB. `gauge` is the slot of its size, 0 for none.
        """
        self._get_many = get_many
        self._key = key
        self._read = read
        self._max_entries = entries
        self._counters = counters
        self._damaged = damaged
        self._gauge = gauge
        self._entries: OrderedDict[str, T] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._broken: OrderedDict[str, float] = OrderedDict()
        self._queue: deque[tuple[str, Callable[[T | Unavailable | None], None]]] = deque()
        self._waiting: dict[str, list[Callable[[T | Unavailable | None], None]]] = {}
        self._asked: dict[str, list[Callable[[T | Unavailable | None], None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._down = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Before the first `cached` or `fetch`."""
        self._loop = loop

    def cached(self, code: str, now: float) -> T | None:
        """The entry in memory, whatever its age. `now` is time.monotonic(). The hot path: no await."""
        entry = self._entries.get(code)
        if entry is not None and now >= entry.look:
            self._look_after(entry, code, now)
        return entry

    def _look_after(self, entry: T, code: str, now: float) -> None:
        """Who was used last, and who is due, is known to the second: each hit would pay for more."""
        if now >= entry.due:
            entry.due = now + RETRY
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._refresh, code)
        entry.look = min(now + RECENT, entry.due)
        with contextlib.suppress(KeyError):  # pushed out this very moment: good for one answer more
            self._entries.move_to_end(code)

    def later(self, name: str, then: Callable[[T | Unavailable | None], None]) -> None:
        """For a name not in memory: `then` is called with what is known of it, on the event loop.

        Does not wait. May be called on another thread than the loop's, but by one only.
        """
        self._queue.append((name, then))
        if len(self._queue) == 1 and self._loop is not None:
            # Of many misses only the first wakes the loop.
            self._loop.call_soon_threadsafe(self._take)

    async def fetch(self, name: str, now: float) -> T | None:
        """For a name not in memory: its entry, or None where there is none. Raises Unavailable."""
        if now < self._unknown.get(name, 0.0):
            return None  # not counted: a scan of a plain code that is unknown has asked `later` before
        future: asyncio.Future[T | Unavailable | None] = asyncio.get_running_loop().create_future()

        def then(known: T | Unavailable | None) -> None:
            if not future.done():  # its client may have gone away
                future.set_result(known)

        self._want(name, then, now)
        known = await future
        if isinstance(known, Unavailable):
            raise known
        return known

    def invalidate(self, code: str) -> None:
        """The link was edited: fetch it again at once, if anyone here has asked for it."""
        self._counters[_INVALIDATIONS] += 1
        self._unknown.pop(code, None)
        self._broken.pop(code, None)
        if code in self._entries or code in self._asked:
            self._refresh(code)

    def expire_all(self) -> None:
        """Invalidations may have been missed: every entry is fetched again by its next hit."""
        self._unknown.clear()
        # By dict's own method, 20 times as fast: no scan is answered while it runs.
        for entry in list(dict.values(self._entries)):
            entry.due = entry.look = 0.0

    async def close(self) -> None:
        """Gives up what is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _take(self) -> None:
        now, queue = time.monotonic(), self._queue
        while queue:
            name, then = queue.popleft()
            self._want(name, then, now)

    def _want(self, name: str, then: Callable[[T | Unavailable | None], None], now: float) -> None:
        """Calls `then` at once, or with the next answer that can be about this name."""
        until = self._unknown.get(name)
        if until is not None:
            if now < until:
                self._unknown.move_to_end(name)
                self._counters[_NEGATIVE_HITS] += 1
                return self._tell(then, None)
            del self._unknown[name]
        self._counters[_MISSES] += 1
        if now < self._paused_until or (self._broken and now < self._broken.get(name, 0.0)):
            return self._tell(then, Unavailable())
        # An answer that is on its way will do.
        waiting = self._waiting.get(name) or self._asked.get(name)
        if waiting is not None:
            return waiting.append(then)
        if len(self._waiting) >= MAX_WAITING:
            return self._tell(then, Unavailable())
        self._waiting[name] = [then]
        self._start_asking()
        return None

    def _refresh(self, name: str) -> None:
        """Asks again even where a question is under way: its answer may be older than what we were told."""
        self._counters[_REFRESHES] += 1
        if len(self._waiting) < MAX_WAITING:
            self._waiting.setdefault(name, [])
            self._start_asking()

    def _start_asking(self) -> None:
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) <= MAX_BATCH:
                    self._asked, self._waiting = self._waiting, {}
                else:
                    self._asked = {name: self._waiting.pop(name) for name in list(self._waiting)[:MAX_BATCH]}
                answers = await self._ask(list(self._asked))
                asked, self._asked = self._asked, {}
                for number, (waiting, known) in enumerate(zip(asked.values(), answers, strict=True), start=1):
                    for then in waiting:
                        self._tell(then, known)
                    if number % GIVE_WAY == 0:
                        time.sleep(0)  # noqa: ASYNC251  it gives up the interpreter's lock, not the loop
        finally:
            left = [*self._asked.values(), *self._waiting.values()]
            self._asked, self._waiting, self._asking = {}, {}, None
            for waiting in left:
                for then in waiting:
                    self._tell(then, Unavailable())
            if self._gauge:
                self._counters[self._gauge] = len(self._entries)

    async def _ask(self, batch: list[str]) -> list[T | Unavailable | None]:
        self._counters[_BATCHES] += 1
        try:
            epoch, *values = await self._get_many([EPOCH_KEY, *(self._key(code) for code in batch)])
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
        complete = isinstance(epoch, bytes)
        return [self._learn(code, value, complete, now) for code, value in zip(batch, values, strict=True)]

    def _learn(self, code: str, value: Value, complete: bool, now: float) -> T | Unavailable | None:
        """Puts what Valkey said into memory. `complete` is False while links are still being published."""
        if isinstance(value, NoAnswer):
            return self._entries.get(code) or Unavailable()
        if value is None:
            if not complete:
                return self._entries.get(code) or Unavailable()
            self._entries.pop(code, None)
            self._unknown[code] = now + FRESH
            if len(self._unknown) > MAX_NEGATIVE:
                self._unknown.popitem(last=False)
            return None
        mark = hash(value)
        kept = self._entries.get(code)
        if kept is not None and kept.mark == mark:
            kept.due = now + FRESH
            return kept
        try:
            entry = self._read(value, code, now + FRESH)
        except RecordError as error:
            self._counters[_UNDECODABLE] += 1
            self._entries.pop(code, None)
            if code not in self._broken:
                log.error("The record of %s cannot be used: %s", code, error)
            self._broken[code] = now + RETRY
            if len(self._broken) > MAX_NEGATIVE:
                self._broken.popitem(last=False)
            self._damaged(code)
            return Unavailable()
        entry.mark, entry.look = mark, now + RECENT
        if self._unknown:
            self._unknown.pop(code, None)
        if self._broken:
            self._broken.pop(code, None)
        self._entries[code] = entry
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
            self._counters[_EVICTIONS] += 1
        return entry

    def _tell(self, then: Callable[[T | Unavailable | None], None], known: T | Unavailable | None) -> None:
        """One that fails does not keep the others waiting; it is logged and counted."""
        try:
            then(known)
        except Exception:
            self._counters[_FAULTS] += 1
            log.exception("An answer could not be passed on.")
