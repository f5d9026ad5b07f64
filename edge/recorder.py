"""Puts one answered scan into the spool and into the counters, whole, whichever thread answered it."""

import threading
import time
from typing import Final

from edge.decide import Decision
from edge.metrics import REASON_SLOT, SLOT, observe
from edge.record import Record
from edge.spool import Spool
from edge.visit import Visit, encode_visit

_HITS: Final = SLOT["scanway_edge_l1_hits"]


class Recorder:
    """Everything that two threads write to is behind its lock: the spool's end and the counters of scans."""

    def __init__(self, spool: Spool, counters: memoryview) -> None:
        self.spool = spool
        self._counters = counters
        self._lock = threading.Lock()

    def record(self, visit: Visit, record: Record, decision: Decision, hit: int = 0) -> None:
        """Before the answer leaves, with the time it took to find. `hit`: 1 where the link was in memory."""
        payload = encode_visit(
            visit.event_id, visit.now_ns, record, decision, visit.method, visit.host, visit.code, visit.query,
            visit.ip, visit.headers.get, visit.placement,
        )  # fmt: skip
        self.put(payload, decision, visit.started, hit)

    def put(self, payload: bytes, decision: Decision, started: float, hit: int) -> None:
        """An encoded event, and everything that is counted of it. `started` is time.monotonic()."""
        counters = self._counters
        with self._lock:
            self.spool.append(payload)
            counters[REASON_SLOT[decision.reason]] += 1
            if hit:
                counters[_HITS] += 1
            observe(counters, int((time.monotonic() - started) * 1e9))

    def tick(self) -> None:
        """Every second: seals what there is."""
        with self._lock:
            self.spool.tick()

    def close(self) -> None:
        """Seals what there is and waits for it; what comes later is dropped and counted."""
        with self._lock:
            self.spool.close()
