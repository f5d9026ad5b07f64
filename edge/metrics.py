"""Counters that survive kill -9, shared between workers through small mapped files.

    <spool>/metrics/<worker>.<layout>.live    one per worker, held by flock while it runs
    <spool>/metrics/folded.<layout>.sum       what workers that are gone had counted
    <spool>/metrics/lock                      taken while files are folded or summed

A worker increments 8-byte slots of its own file (about 70 ns); any worker sums over all files to answer
/-/metrics. `<layout>` is a checksum of the names below, so that another version's slots are never mixed in.
"""

import contextlib
import fcntl
import mmap
import os
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from analytics.events import Reason
from edge import busfault

# Every metric of the edge, in slot order: name without suffix, help. Slot 0 holds the worker's id; then each
# reason's scans, a slot per bucket of latency; then these counters and the latencies' sum; then the gauges.
SCANS: Final = "scanway_edge_scans"
SCANS_HELP: Final = "Scans answered, by reason"
COUNTERS: Final = {
    "scanway_edge_l1_misses": "Names of links and domains looked up that were not in memory",
    "scanway_edge_l1_evictions": "Links pushed out of the in-process cache by others",
    "scanway_edge_negative_hits": "Scans of a plain code remembered as unknown",
    "scanway_edge_batches": "MGETs sent: several misses share one",
    "scanway_edge_refreshes": "Links fetched again because their copy was older than 5 s or invalidated",
    "scanway_edge_invalidations": "Invalidation messages received",
    "scanway_edge_valkey_errors": "Failed or timed-out exchanges with Valkey",
    "scanway_edge_undecodable_records": "Link records that could not be read or must not be answered with",
    "scanway_edge_foreign_hosts": "Requests for a host that is no short domain here; not recorded as scans",
    "scanway_edge_limited": "Unknown codes answered 429; not recorded as scans",
    "scanway_edge_faults": "Requests that hit an error of ours; anything above 0 is a bug",
    "scanway_edge_spool_written": "Events appended to the spool",
    "scanway_edge_spool_dropped": "Events lost because the spool was full or failing",
    "scanway_edge_spool_sealed": "Segments sealed",
    "scanway_edge_spool_errors": "Failed operations on the spool's folders",
    "scanway_edge_spool_unsealed": "Events in segments that could not be sealed",
}
GAUGES: Final = {
    "scanway_edge_l1_entries": "Links in the in-process caches of all running workers",
    "scanway_edge_spool_full": "Workers that drop events because the spool is over its quota",
}
WORKERS: Final = "scanway_edge_workers"
WORKERS_HELP: Final = "Workers running on this host"
LATENCY: Final = "scanway_edge_latency_seconds"
LATENCY_HELP: Final = "Time from a scan's arrival in Python to its answer's return to the server"
# Upper bounds, inclusive; one more bucket takes what is slower than all of them.
LATENCY_MICROSECONDS: Final = (
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
)  # fmt: skip

BUCKETS: Final = len(LATENCY_MICROSECONDS) + 1

_names = [
    *(f"{SCANS}:{reason.value}:{bound}" for reason in Reason for bound in (*LATENCY_MICROSECONDS, "inf")),
    *COUNTERS,
    f"{LATENCY}:sum",
    *GAUGES,
]
SLOT: Final = {name: number for number, name in enumerate(_names, start=1)}
REASON_SLOT: Final = {reason: 1 + number * BUCKETS for number, reason in enumerate(Reason)}
"""The first of each reason's slots."""
_FIRST_GAUGE: Final = SLOT[next(iter(GAUGES))]
_LATENCY_SUM: Final = SLOT[f"{LATENCY}:sum"]
_bucket: Final = bisect_left
_BOUNDS: Final = tuple(bound * 1_000 for bound in LATENCY_MICROSECONDS)

FILE_SIZE: Final = 4096
_slots = struct.Struct(f"={FILE_SIZE // 8}Q")
LAYOUT: Final = f"{zlib.crc32(chr(0).join(_names).encode()):08x}"
LIVE: Final = f".{LAYOUT}.live"
FOLDED: Final = f"folded.{LAYOUT}.sum"

Values = list[int]


def count_scan(counters: memoryview, reason: Reason, nanoseconds: int) -> None:
    """Counts one answer. The time is never negative: take it from a monotonic clock."""
    counters[REASON_SLOT[reason] + _bucket(_BOUNDS, nanoseconds)] += 1
    counters[_LATENCY_SUM] += nanoseconds


def scans_of(values: Values, reason: Reason) -> int:
    """From slots: how many scans had this reason."""
    first = REASON_SLOT[reason]
    return sum(values[first : first + BUCKETS])


class Metrics:
    """This worker's counters and the sum over all workers. `counters[slot] += 1` counts."""

    def __init__(self, spool: Path, worker: str) -> None:
        """Raises nothing: where the folder cannot be used, this worker counts in memory, for itself alone."""
        self._folder = spool / "metrics"
        self._fd = -1
        self.error: OSError | None = None
        self._memory: mmap.mmap
        try:
            for folder in (spool, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                self._fold()
                self._path = self._folder / f"{worker}{LIVE}"
                self._fd = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Real zeros, not a hole: touching a hole of a mapping on a full disk would kill the process.
                if os.write(self._fd, bytes(FILE_SIZE)) != FILE_SIZE:
                    raise OSError("The metrics file could not be written in full.")
            self._memory = mmap.mmap(self._fd, FILE_SIZE)
            self._watched = busfault.Watched(self._memory, self._reread)
        except OSError as error:
            self.error = error
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
                self._path.unlink(missing_ok=True)
            self._memory = mmap.mmap(-1, FILE_SIZE)
            self._watched = busfault.Watched(self._memory)
        self.counters: memoryview = memoryview(self._memory).cast("Q")
        self.counters[0] = int(worker, 16)

    def close(self) -> None:
        """Leaves the file for the next worker to fold."""
        if self._fd >= 0:
            # Closing is not enough to unlock: the mapping holds a duplicate of the descriptor.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1

    def totals(self) -> tuple[Values, int]:
        """Sum over running and gone workers by slot, and how many run. Gauges count running ones only."""
        own = list(self.counters)
        if self._fd < 0:
            return own, 1
        try:
            live, folded = self._files(own)
        except OSError:
            return own, 1
        running = [values for values, gone in live if not gone]
        for values, gone in live:
            if gone and values[0] != folded[0]:
                folded = _add(folded, values)
        for values in running:
            folded = [a + b for a, b in zip(folded, values, strict=True)]
        return folded, len(running)

    def _files(self, own: Values) -> tuple[list[tuple[Values, bool]], Values]:
        """Every worker's counters with whether it is gone, and the sum of those folded. Raises OSError."""
        with self._locked():
            live = [
                (own, False) if path == self._path else _read(path) for path in self._folder.glob(f"*{LIVE}")
            ]
            return live, _read(self._folder / FOLDED)[0]

    def _reread(self) -> bytes:
        """What was counted until the disk failed under the mapping; from then on it is in memory alone."""
        try:
            return os.pread(self._fd, FILE_SIZE, 0)
        except OSError:
            return b""

    def exposition(self) -> bytes:
        """The text a Prometheus server reads."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """Called by prometheus_client."""
        values, running = self.totals()
        scans = CounterMetricFamily(SCANS, SCANS_HELP, labels=["reason"])
        for reason in Reason:
            scans.add_metric([reason.value], scans_of(values, reason))
        yield scans
        for name, text in COUNTERS.items():
            yield CounterMetricFamily(name, text, value=values[SLOT[name]])
        yield _histogram(values)
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(name, text, value=values[SLOT[name]])
        yield GaugeMetricFamily(WORKERS, WORKERS_HELP, value=running)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._folder / "lock"
        try:
            fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # a disk that is read-only by now
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _fold(self) -> None:
        """Adds the files of workers that are gone into one, so that restarts do not pile files up.

        The sum remembers in slot 0 whose file it took last. If this process dies between the rename and the
        unlink, the next one sees that and only unlinks: nothing is counted twice.
        """
        target = self._folder / FOLDED
        folded = _read(target)[0]
        for path in sorted(self._folder.glob(f"*{LIVE}")):
            values, gone = _read(path)
            if not gone:
                continue
            if values[0] != folded[0]:
                folded = _add(folded, values)
                temporary = target.with_suffix(".tmp")
                temporary.write_bytes(_slots.pack(*folded))
                temporary.rename(target)
            path.unlink()


def _histogram(values: Values) -> HistogramMetricFamily:
    by_reason = (values[first : first + BUCKETS] for first in REASON_SLOT.values())
    counts = map(sum, zip(*by_reason, strict=True))
    bounds = [*(str(bound / 1_000_000) for bound in LATENCY_MICROSECONDS), "+Inf"]
    buckets = list(zip(bounds, accumulate(counts), strict=True))
    family = HistogramMetricFamily(LATENCY, LATENCY_HELP)
    family.add_metric([], buckets, values[_LATENCY_SUM] / 1e9)
    return family


def _add(folded: Values, values: Values) -> Values:
    end = _FIRST_GAUGE
    return [values[0], *(a + b for a, b in zip(folded[1:end], values[1:end], strict=True)), *folded[end:]]


def _read(path: Path) -> tuple[Values, bool]:
    """The slots of a file, zeros where it is missing or torn, and whether its worker is gone."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_SIZE)
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                gone = True
            except BlockingIOError:
                gone = False
    except FileNotFoundError:
        return [0] * (FILE_SIZE // 8), True
    if len(data) != FILE_SIZE:
        return [0] * (FILE_SIZE // 8), gone
    return list(_slots.unpack(data)), gone
