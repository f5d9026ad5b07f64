"""One sealed segment into ClickHouse, exactly once, whatever dies in between.

A segment that was never sent is sent. One that may have been (the last before a crash, or one that came
back) is sent again under the same token while ClickHouse still remembers the token; when it may have
forgotten, its rows are counted first.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from analytics.events import Damage, decode_scan
from analytics.events.segment import DAMAGED, DELIVERED
from analytics.ingest.attempt import AttemptFile
from analytics.ingest.failpoint import Failpoint
from analytics.ingest.rows import Enricher, Row
from analytics.ingest.salts import Salts
from analytics.ingest.spool import Spool
from analytics.ingest.warehouse import Warehouse

logger = logging.getLogger("ingest")

TOKEN_AGE: Final = 1800.0
"""Seconds for which a used token is trusted. Replicated tables forget after an hour by default."""
TOKEN_CHUNKS: Final = 4000
"""Chunks stored since for which it is trusted: the window is 10,000 parts, and a chunk can make two."""
_FRESH: Final = 30.0
"""Within this many seconds nobody stores thousands of chunks; not even asked."""
_LOOKAHEAD: Final = 500
"""Old segments whose rows are counted in one query."""


class Outcome(StrEnum):
    """What became of a segment; each ends in one of these, or in an exception and another try."""

    DELIVERED = "delivered"
    ALREADY_THERE = "already_there"
    COMPLETED = "completed"
    EMPTY = "empty"
    NEWER = "newer"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Delivery:
    outcome: Outcome
    rows: Sequence[Row] = ()
    """What is now in ClickHouse of it."""
    damaged: bool = False
    """The file was kept in damaged/."""
    undecodable: int = 0
    """Frames with a good checksum that are not events."""


class Deliverer:
    """Call `deliver` for each sealed segment in the order of their names, again until it returns."""

    def __init__(
        self, spool: Spool, warehouse: Warehouse, enricher: Enricher, salts: Salts, failpoint: Failpoint
    ) -> None:
        self._spool = spool
        self._warehouse = warehouse
        self._enricher = enricher
        self._salts = salts
        self._failpoint = failpoint
        self._attempts = AttemptFile(spool.root)
        self._pending = self._attempts.read()
        self._first = True
        self._counted: dict[str, int] = {}

    @property
    def unsettled(self) -> str:
        """The segment that an earlier process was sending when it ended; it goes first. '' for none."""
        return self._pending.segment_id if self._pending is not None else ""

    def deliver(self, segment_id: str, waiting: Sequence[str] = ()) -> Delivery:
        """Raises warehouse.Failure or OSError where it must be tried again; nothing is lost then.

        waiting: ids of sealed segments after this one, so that a backlog is counted in few queries.
        """
        contents = self._spool.read(segment_id)
        if contents.damage is Damage.NEWER:
            return Delivery(Outcome.NEWER)
        rows, undecodable = self._rows(segment_id, contents.payloads)
        damaged = contents.damage is not None or undecodable > 0
        if not rows:
            if damaged:
                self._spool.finish(segment_id, DAMAGED)
                return Delivery(Outcome.UNREADABLE, damaged=True, undecodable=undecodable)
            self._spool.drop_empty(segment_id)
            return Delivery(Outcome.EMPTY)
        outcome = self._send(segment_id, rows, waiting)
        self._failpoint.reach("after_insert_before_rename")
        self._spool.finish(segment_id, DAMAGED if damaged else DELIVERED)
        self._counted.pop(segment_id, None)
        self._failpoint.reach("after_rename")
        return Delivery(outcome, rows, damaged, undecodable)

    def _rows(self, segment_id: str, payloads: Sequence[bytes]) -> tuple[list[Row], int]:
        rows: list[Row] = []
        row, salt = self._enricher.row, self._salts.salt
        undecodable = 0
        for payload in payloads:
            try:
                scan = decode_scan(payload)
            except msgspec.DecodeError:
                undecodable += 1
                continue
            if len(scan.event_id) != 16:
                undecodable += 1
                continue
            rows.append(row(scan, segment_id, salt(scan.at)))
        return rows, undecodable

    def _send(self, segment_id: str, rows: Sequence[Row], waiting: Sequence[str]) -> Outcome:
        since = self._maybe_there_since(segment_id)
        if self._pending is None or self._pending.segment_id != segment_id:
            self._pending = self._attempts.note(segment_id, time.time() if since is None else since)
        self._first = False
        self._failpoint.reach("before_insert")
        if since is not None and not self._token_holds(since):
            return self._send_counted(segment_id, rows, waiting)
        self._warehouse.insert(rows, segment_id)
        return Outcome.DELIVERED

    def _maybe_there_since(self, segment_id: str) -> float | None:
        """Since when the segment may be in ClickHouse (seconds since 1970); None where it cannot be."""
        if self._pending is not None and self._pending.segment_id == segment_id:
            return self._pending.at
        sealed_at = self._spool.sealed_at(segment_id)
        # The first after a start: the note may have been lost in a power cut. An old one: somebody may
        # have put it back, and it costs little to look.
        if self._first or time.time() - sealed_at > TOKEN_AGE:
            return sealed_at
        return None

    def _token_holds(self, since: float) -> bool:
        age = time.time() - since
        if age < 0 or age > TOKEN_AGE:
            return False
        # The margin is for clocks that differ between this host and ClickHouse's.
        return age < _FRESH or self._warehouse.chunks_since(since - 300) < TOKEN_CHUNKS

    def _send_counted(self, segment_id: str, rows: Sequence[Row], waiting: Sequence[str]) -> Outcome:
        if segment_id not in self._counted:
            self._counted |= self._warehouse.counts([segment_id, *waiting[:_LOOKAHEAD]])
        there = self._counted[segment_id]
        if there == 0:
            # Proven absent: from here on its token is as young as this note, and a retry may rely on it.
            self._pending = self._attempts.note(segment_id, time.time())
            del self._counted[segment_id]  # an INSERT whose answer is lost may make it untrue
            self._warehouse.insert(rows, segment_id)
            return Outcome.DELIVERED
        if there >= len(rows):
            return Outcome.ALREADY_THERE
        # A crash at a month's end can leave one month's part without the other's. Under the old token the
        # rest could vanish; under its own it is added once.
        present = self._warehouse.event_ids(segment_id)
        rest = [row for row in rows if row[0] not in present]
        if rest:
            self._warehouse.insert(rest, f"{segment_id}+{len(present)}")
        logger.warning(
            "Segment %s was half in ClickHouse: %d of %d rows. The other %d were added.",
            segment_id,
            len(present),
            len(rows),
            len(rest),
        )
        return Outcome.COMPLETED
