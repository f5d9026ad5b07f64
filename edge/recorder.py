"""Puts one answered scan into the spool and into the counters, whole, whichever thread answered it."""

import threading
from time import monotonic
from typing import Final

from analytics.events import Reason
from edge.decide import Decision
from edge.entry import Entry
from edge.metrics import count_scan
from edge.spool import Spool
from edge.visit import Visit, encode_visit

_now: Final = monotonic  # compiled, a name of this module's own needs no looking up


class Recorder:
    """The spool's end and the counters of scans, which two threads write to, are behind its lock."""

    def __init__(self, spool: Spool, counters: memoryview) -> None:
        self.spool = spool
        self._counters = counters
        self._lock = threading.Lock()
        # Called by name: `with` costs twice as much.
        self._acquire, self._release = self._lock.acquire, self._lock.release

    def record(self, visit: Visit, entry: Entry, decision: Decision) -> None:
        """Before the answer leaves, with the time it took to find."""
        payload = encode_visit(
            visit.event_id, visit.now_ns, entry, decision, visit.method, visit.host, visit.code, visit.query,
            visit.ip, visit.agent, visit.languages, visit.header, visit.placement,
        )  # fmt: skip
        self.put(payload, decision.reason, visit.started)

    def put(self, payload: bytes, reason: Reason, started: float) -> None:
        """An encoded event, and everything that is counted of it. `started` is time.monotonic()."""
        self._acquire()
        try:
            self.spool.append(payload)
            count_scan(self._counters, reason, int((_now() - started) * 1e9))
        finally:
            self._release()

    def tick(self) -> None:
        """Every second: seals what there is."""
        with self._lock:
            self.spool.tick()

    def close(self) -> None:
        """Seals what there is and waits for it; what comes later is dropped and counted."""
        with self._lock:
            self.spool.close()
