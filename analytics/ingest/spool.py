"""The spool folder, seen from its reading end. Segments move by rename only; their bytes never change.

The format and the four folders are described in `analytics.events.segment`.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.events.segment import (
    DAMAGED,
    DELIVERED,
    OPEN,
    SEALED,
    SUFFIX,
    Damage,
    SegmentContents,
    read_segment,
    segment_header,
)
from analytics.ingest.failpoint import Failpoint

KEEP_DELIVERED: Final = 15 * 60
"""Seconds a delivered segment stays, for an operator who must look at it."""

_SETTLE: Final = 1.0
"""Seconds a file in open/ is left alone after its last change: its worker may be between create and lock."""


class SpoolError(RuntimeError):
    """The spool cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Adopted:
    segment_id: str
    events: int
    cut: int
    """Bytes of a torn tail that were removed."""


class Spool:
    """One reading process per folder. Not thread-safe."""

    def __init__(self, root: Path, failpoint: Failpoint | None = None) -> None:
        self.root = root
        self._failpoint = failpoint or Failpoint("", root)
        self._lock: int | None = None

    def claim(self) -> None:
        """Makes the folders and takes the lock for as long as this process lives. Raises SpoolError."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in (OPEN, SEALED, DELIVERED, DAMAGED):
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.root / "ingest.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolError(
                f"The spool {self.root} cannot be used: {error.strerror}. Make it a folder this user "
                "may write to."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise SpoolError(
                f"Another ingest (process {owner}) already delivers the spool {self.root}. One is enough: "
                "stop it first, or set SCANWAY_SPOOL to another folder."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def sealed(self) -> list[tuple[str, int]]:
        """(segment id, bytes) of everything that waits, oldest name first."""
        found = []
        with os.scandir(self.root / SEALED) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX):
                    with contextlib.suppress(FileNotFoundError):
                        found.append((entry.name.removesuffix(SUFFIX), entry.stat().st_size))
        return sorted(found)

    def path(self, folder: str, segment_id: str) -> Path:
        return self.root / folder / f"{segment_id}{SUFFIX}"

    def read(self, segment_id: str) -> SegmentContents:
        """A sealed segment's frames. Raises OSError where the disk cannot give them."""
        return contents(self.path(SEALED, segment_id).read_bytes())

    def sealed_at(self, segment_id: str) -> float:
        """Seconds since 1970: nobody can have tried to deliver it before."""
        return self.path(SEALED, segment_id).stat().st_mtime

    def finish(self, segment_id: str, folder: str) -> None:
        """Moves a sealed segment to delivered/ or damaged/. Its age there counts from now."""
        source, target = self.path(SEALED, segment_id), self.path(folder, segment_id)
        # An operator may have deleted the folder, and a FileNotFoundError must mean that the segment is gone.
        target.parent.mkdir(mode=0o700, exist_ok=True)
        source.replace(target)
        os.utime(target)

    def drop_empty(self, segment_id: str) -> None:
        """Removes a sealed segment in which there is no event."""
        self.path(SEALED, segment_id).unlink()

    def sweep(self) -> int:
        """Removes what was delivered more than 15 minutes ago; returns how many."""
        horizon = time.time() - KEEP_DELIVERED
        removed = 0
        (self.root / DELIVERED).mkdir(mode=0o700, exist_ok=True)
        for path in (self.root / DELIVERED).iterdir():
            if path.suffix == SUFFIX and path.stat().st_mtime < horizon:
                path.unlink()
                removed += 1
        return removed

    def adopt(self) -> Iterator[Adopted]:
        """Seals what dead workers left open; a live worker's segment is locked, and not touched.

        Ends early on a full or failing disk by raising OSError; the next call goes on.
        """
        with os.scandir(self.root / OPEN) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))
        for name in names:
            try:
                descriptor = os.open(self.root / OPEN / name, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                adopted = self._adopt(descriptor, name)
            finally:
                os.close(descriptor)
            if adopted is not None:
                yield adopted

    def _adopt(self, descriptor: int, name: str) -> Adopted | None:
        path = self.root / OPEN / name
        if 0 <= time.time() - os.fstat(descriptor).st_mtime < _SETTLE:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        # The worker may have sealed it and let go between our open and our lock.
        try:
            if not os.path.samestat(os.fstat(descriptor), path.stat()):
                return None
        except FileNotFoundError:
            return None
        self._failpoint.reach("after_adopt_lock")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read()
        found = contents(data)
        if found.damage is Damage.NEWER:
            return None
        cut = 0
        if found.damage is Damage.TORN or (found.damage is None and found.good_bytes < len(data)):
            cut = len(data) - found.good_bytes
            os.ftruncate(descriptor, found.good_bytes)
        os.fsync(descriptor)
        self._failpoint.reach("after_adopt_cut")
        segment_id = name.removesuffix(SUFFIX)
        path.rename(self.path(SEALED, segment_id))
        for folder in (OPEN, SEALED):
            _sync_folder(self.root / folder)
        return Adopted(segment_id, len(found.payloads), cut)


def contents(data: bytes) -> SegmentContents:
    """`read_segment`, with two kinds of nothing told apart from damage.

    A tail of zeros was reserved and not used; a file that ends inside its header was never written to.
    """
    found = read_segment(data)
    if found.damage is Damage.HEADER and segment_header().startswith(data):
        return SegmentContents([], len(data), None)
    if found.damage is Damage.TORN and not data[found.good_bytes :].strip(b"\0"):
        return SegmentContents(found.payloads, found.good_bytes, None)
    return found


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
