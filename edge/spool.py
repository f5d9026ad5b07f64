"""The spool: every scan is in a file before its answer leaves, without a network and without waiting.

A worker writes into a shared mapping of its own open segment, which survives kill -9 of the process.
write(2) would too, but gives up the interpreter's lock for each scan, and getting it back costs a third of
the throughput. The segment's blocks are reserved when it is made: a full disk shows there, as an error.
Where a disk fails under the mapping, the event that was being written is dropped and counted, and the
segment is sealed with what was in it before (see `edge.busfault`). Sealing swaps to a new segment; cutting
to size, fsync and rename run in a thread. A segment that cannot be sealed stays in open/ with its lock
released, and ingest adopts it as it adopts those of a dead worker.
"""

import contextlib
import ctypes
import fcntl
import logging
import mmap
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from analytics.events import put_frame, segment_header
from analytics.events.segment import FRAME_HEAD, OPEN, SEALED, SUFFIX
from edge import busfault
from edge.metrics import SLOT

log = logging.getLogger("edge.spool")

SEAL_EVERY: Final = 1.0
"""Seconds between seals while scans come in."""
SEAL_EVENTS: Final = 10_000
"""No segment holds more events."""
SEGMENT_BYTES: Final = 8 << 20
"""Reserved for each segment while it is open: 10,000 events of a phone take 4 MB."""

TEMPORARY: Final = ".tmp"
_POPULATE_WRITE: Final = 23
"""Linux's MADV_POPULATE_WRITE. Not by mmap's own madvise: that keeps the interpreter's lock."""
_HEADER: Final = segment_header()
_WRITTEN: Final = SLOT["scanway_edge_spool_written"]
_DROPPED: Final = SLOT["scanway_edge_spool_dropped"]
_SEALED: Final = SLOT["scanway_edge_spool_sealed"]
_ERRORS: Final = SLOT["scanway_edge_spool_errors"]
_UNSEALED: Final = SLOT["scanway_edge_spool_unsealed"]
_FULL: Final = SLOT["scanway_edge_spool_full"]


_madvise: Any = None
if sys.platform == "linux":
    _madvise = ctypes.CDLL(None).madvise
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Spool:
    """One worker's end of the spool. Its methods are called by one thread at a time, and raise nothing."""

    def __init__(self, folder: Path, quota: int, worker: str, counters: memoryview) -> None:
        """`worker` is eight hexadecimal digits of its own; `quota` is in bytes over all workers."""
        self._open_folder = folder / OPEN
        self._sealed_folder = folder / SEALED
        self._quota = quota
        self._worker = worker
        self._counters = counters
        self._sequence = 0
        self._fd = -1
        self._map: mmap.mmap | None = None
        self._watched: busfault.Watched | None = None
        self._name = ""
        self._size = 0
        self._events = 0
        self._used = 0  # bytes of the segment before
        self._full = False
        self._closed = False
        self._trouble: str | None = None
        self._settled: Future[None] | None = None
        self._sealer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seal")
        self._make_folders()
        self._start_segment()
        self._measure()

    @property
    def trouble(self) -> str | None:
        """Why scans are being dropped at the moment, as a sentence; None while all is well."""
        if self._full:
            return f"The spool holds more than its quota of {self._quota} bytes; is ingest running?"
        return self._trouble

    def append(self, payload: bytes) -> bool:
        """Writes one event. False where it was dropped, which is counted."""
        if self._map is not None and not self._full:
            if self._size + len(payload) + FRAME_HEAD > SEGMENT_BYTES:
                self._seal()
            if self._map is not None:
                end = put_frame(self._map, self._size, payload)
                if self._watched.broken:  # type: ignore[union-attr]  # set where the mapping is
                    return self._give_up()
                self._size = end
                self._events += 1
                self._counters[_WRITTEN] += 1
                if self._events >= SEAL_EVENTS:
                    self._seal()
                return True
        self._counters[_DROPPED] += 1
        return False

    def _give_up(self) -> bool:
        """The disk failed under the open segment, and the event in hand is in no file."""
        self._counters[_DROPPED] += 1
        self._counters[_ERRORS] += 1
        log.error("The disk failed under segment %s; an event is lost.", self._name)
        self._seal()
        return False

    def tick(self) -> None:
        """Call every SEAL_EVERY seconds: seals what there is, and tries again what failed."""
        idle = self._settled is None or self._settled.done()
        if self._events and idle:
            self._seal()
        elif self._full and idle:
            self._settled = self._sealer.submit(self._measure)
        if self._fd < 0 and not self._closed:
            self._make_folders()
            self._start_segment()

    def close(self) -> None:
        """Seals what there is and waits for it. Events appended after this are dropped, and counted."""
        self._closed = True
        if self._events:
            self._seal()
        else:
            self._retire()
        self._sealer.shutdown(wait=True)

    def _seal(self) -> None:
        fd, mapping, name, size, events = self._fd, self._map, self._name, self._size, self._events
        self._used = size
        if self._watched is not None:
            self._watched.forget()
        self._fd, self._map, self._watched, self._events = -1, None, None, 0
        if not self._closed:
            self._start_segment()
        if mapping is not None:
            self._settled = self._sealer.submit(self._settle, fd, mapping, name, size, events)

    def _settle(self, fd: int, mapping: mmap.mmap, name: str, size: int, events: int) -> None:
        """In the thread: makes a segment durable and hands it over, locked until it is in sealed/."""
        try:
            mapping.close()
            os.ftruncate(fd, size)
            os.fsync(fd)
            (self._open_folder / name).rename(self._sealed_folder / name)
            _sync_folder(self._sealed_folder)
            _sync_folder(self._open_folder)
            self._counters[_SEALED] += 1
        except OSError as error:
            self._counters[_ERRORS] += 1
            self._counters[_UNSEALED] += events
            log.error("Segment %s could not be sealed (%s); it is left in open/ for ingest.", name, error)
        finally:
            os.close(fd)
        self._measure()

    def _measure(self) -> None:
        """In the thread: compares what lies in the folders with the quota."""
        total = 0
        for folder in (self._open_folder, self._sealed_folder):
            with contextlib.suppress(OSError), os.scandir(folder) as items:
                for item in items:
                    if item.name == self._name:
                        continue  # reserved, hardly used
                    with contextlib.suppress(OSError):  # ingest may take it away meanwhile
                        total += item.stat(follow_symlinks=False).st_size
        full = total >= self._quota
        if full != self._full:
            log.log(
                logging.ERROR if full else logging.INFO,
                "The spool holds %d of %d bytes: %s.",
                total,
                self._quota,
                "scans are answered but not recorded" if full else "scans are recorded again",
            )
        self._full = full
        self._counters[_FULL] = int(full)

    def _start_segment(self) -> None:
        """A segment is locked and has its header before its final name: nobody ever sees half of one."""
        name = f"{time.time_ns() // 1_000_000:013d}-{self._worker}-{self._sequence:06d}{SUFFIX}"
        temporary = self._open_folder / f"{name}{TEMPORARY}"
        fd = -1
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
            fd = os.open(temporary, flags, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(fd, _HEADER) != len(_HEADER):
                raise OSError("The header of a segment could not be written in full.")
            _reserve(fd)
            mapping = mmap.mmap(fd, SEGMENT_BYTES)
            temporary.rename(self._open_folder / name)
        except OSError as error:
            self._report(error)
            if fd >= 0:
                os.close(fd)
                with contextlib.suppress(OSError):
                    temporary.unlink()
            return
        self._sequence += 1
        self._watched = busfault.Watched(mapping)
        self._fd, self._map, self._name, self._size, self._events = fd, mapping, name, len(_HEADER), 0
        if self._trouble:
            log.info("The spool can be written again.")
            self._trouble = None
        self._sealer.submit(_touch, mapping, self._watched.address, self._used)

    def _retire(self) -> None:
        """Removes a segment that holds nothing."""
        if self._watched is not None:
            self._watched.forget()
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                (self._open_folder / self._name).unlink()
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd, self._map, self._watched = -1, None, None

    def _make_folders(self) -> None:
        try:
            for folder in (self._open_folder, self._sealed_folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._open_folder.glob(f"*{TEMPORARY}"):
                _remove_leftover(path)
        except OSError as error:
            self._report(error)

    def _report(self, error: OSError) -> None:
        self._counters[_ERRORS] += 1
        trouble = f"The spool cannot be written: {error.strerror or error}."
        if trouble != self._trouble:
            log.error("%s Scans are answered but not recorded.", trouble)
            self._trouble = trouble


def _reserve(fd: int) -> None:
    """Blocks for the whole segment, so that writing to the mapping cannot fail for lack of them."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, SEGMENT_BYTES)
        return
    # macOS: written out, it is reserved as well.
    size = os.fstat(fd).st_size
    while size < SEGMENT_BYTES:
        size += os.write(fd, bytes(SEGMENT_BYTES - size))


def _touch(mapping: mmap.mmap, address: int, size: int) -> None:
    """In the thread: has the kernel make the pages of a new segment ready, as many as the last one took.

    A scan that is the first to write to a page would wait for that, 8 µs on the benchmark's machine. An error
    is none: those pages come when they are written to. Linux 5.14 and newer; others do not know the advice.
    """
    if _madvise is not None:
        _madvise(address, size & -mmap.PAGESIZE, _POPULATE_WRITE)


def _remove_leftover(path: Path) -> None:
    """A temporary file whose writer died before the rename: it never held an event."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - path.stat().st_mtime > 10:
            path.unlink()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
