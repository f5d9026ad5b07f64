"""Puts one answered scan into the spool and into the counters, whole, whichever thread answered it."""

import threading
import time
from typing import Final

from granian.rsgi import Headers  # type: ignore[attr-defined]

from edge.decide import Decision
from edge.event_id import Mint
from edge.metrics import REASON_SLOT, SLOT, observe
from edge.record import Record
from edge.spool import Spool
from edge.visit import encode_visit

_HITS: Final = SLOT["scanway_edge_l1_hits"]


class Recorder:
    """Everything that two threads write to is behind its lock: the spool's end and the counters of scans."""

    def __init__(self, spool: Spool, counters: memoryview) -> None:
        self.spool = spool
        self._counters = counters
        self._lock = threading.Lock()
        self.mint = Mint()

    def record(
        self,
        event_id: bytes,
        now_ns: int,
        record: Record,
        decision: Decision,
        method: str,
        host: str,
        code: str,
        query: str,
        ip: str,
        headers: Headers,
        placement: str,
        hit: int,
    ) -> None:
        """Before the answer leaves. `hit`: 1 where the link was in memory."""
        payload = encode_visit(
            event_id, now_ns, record, decision, method, host, code, query, ip, headers, placement
        )
        counters = self._counters
        with self._lock:
            self.spool.append(payload)
            counters[REASON_SLOT[decision.reason]] += 1
            counters[_HITS] += hit

    def took(self, started: float) -> None:
        """How long the answer took. `started` is time.monotonic()."""
        with self._lock:
            observe(self._counters, int((time.monotonic() - started) * 1e9))

    def close(self) -> None:
        """Seals what there is and waits for it; what comes later is dropped and counted."""
        with self._lock:
            self.spool.close()

    def tick(self) -> None:
        """Every second: seals what there is."""
        with self._lock:
            self.spool.tick()
