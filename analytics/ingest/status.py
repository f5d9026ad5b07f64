"""<spool>/ingest.json: what `scanway doctor` and an operator's eye read. Replaced whole, never half there."""

import time
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = "ingest.json"
_EVERY: Final = 1.0


class Status(msgspec.Struct):
    """Counters are since this process started; times are seconds since 1970, 0 for never."""

    pid: int = 0
    started_at: float = 0.0
    written_at: float = 0.0
    """Older than a minute: the process hangs or is gone."""
    ready: bool = False
    last_segment: str = ""
    last_delivered_at: float = 0.0
    segments_delivered: int = 0
    events_delivered: int = 0
    segments_adopted: int = 0
    segments_damaged: int = 0
    events_undecodable: int = 0
    segments_newer: int = 0
    """Waiting for a newer version of this program."""
    backlog_segments: int = 0
    backlog_bytes: int = 0
    ticks_dropped: int = 0
    retries: int = 0
    last_error: str = ""
    last_error_at: float = 0.0


class StatusFile:
    """Writes at most once a second; a full disk does not stop delivery, which makes room."""

    def __init__(self, spool: Path, status: Status) -> None:
        self._path = spool / FILE
        self._status = status
        self._next = 0.0

    def write(self, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        self._status.written_at = time.time()
        fresh = self._path.with_suffix(".json.new")
        try:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(self._status), indent=1))
            fresh.replace(self._path)
        except OSError as error:
            self._status.last_error = f"The status file cannot be written: {error.strerror}."
            self._status.last_error_at = time.time()


def read_status(spool: Path) -> Status | None:
    """What the last ingest of this spool wrote; None where there is nothing readable."""
    try:
        return msgspec.json.decode((spool / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return None
