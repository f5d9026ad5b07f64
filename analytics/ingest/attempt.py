"""Which segment may already be in ClickHouse without our knowing: the one that was being sent last.

Delivery goes one segment after the other, so at any moment there is at most one. It is written down before
its first INSERT leaves.
"""

from pathlib import Path
from typing import Final

import msgspec

FILE: Final = "attempt.json"


class Attempt(msgspec.Struct, frozen=True):
    segment_id: str
    at: float
    """Seconds since 1970, of the first try."""


class AttemptFile:
    """Not fsynced: after a power cut a lost note only makes ingest look at the segment's own age instead."""

    def __init__(self, spool: Path) -> None:
        self._path = spool / FILE

    def read(self) -> Attempt | None:
        """The last one noted; None where there is none, or none that can be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Attempt)
        except (OSError, msgspec.DecodeError):
            return None

    def note(self, segment_id: str, at: float) -> Attempt:
        """Raises OSError where the disk is full: then nothing may be sent."""
        attempt = Attempt(segment_id, at)
        fresh = self._path.with_suffix(".json.new")
        fresh.write_bytes(msgspec.json.encode(attempt))
        fresh.replace(self._path)
        return attempt
