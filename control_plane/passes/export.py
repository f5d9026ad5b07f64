"""Scans at gates as rows of ClickHouse's `redemptions`, refusals included.

PostgreSQL is the truth, and `exported_at` its note of what was written: rows are claimed, inserted in one
block, and marked before they are let go. Where that is cut off they are written again: at least once, and by
key and version each stands once in `redemptions FINAL`.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from analytics.events.redemption import COLUMNS, INSERT_SETTINGS, TABLE, Redemption
from control_plane.accounts.services import all_workspace_ids
from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import stats
from control_plane.campaigns.errors import StatsUnavailable
from control_plane.passes.models import Attempt, Program

BLOCK: Final = 5_000
LONGEST: Final = 2.0
"""Seconds at one workspace, before it is the next one's turn."""
_KEPT: Final = timedelta(days=24 * 30)
"""What ClickHouse has for sure; it keeps 25 months."""
_READ: Final = (
    "id", "workspace_id", "program_id", "gate_id", "device_id", "gate__zone_id", "of__issuer_id", "of_id",
    "at", "received_at", "direction", "reason", "refused_as", "use_no", "offline", "conflict", "undone_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """Scans of a program that ended in `reason`: in PostgreSQL, still to be written, and in ClickHouse."""

    workspace_id: int
    program_id: int
    reason: str
    scans: int
    waiting: int
    found: int


def export_all() -> int:
    """What every workspace has to write. Returns how many rows were written. Raises StatsUnavailable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scanway_workspaces_with_exports()")
        waiting = [row[0] for row in cursor.fetchall()]
    written = 0
    for workspace_id in waiting:
        until = time.monotonic() + LONGEST
        while block := export_block(workspace_id):
            written += block
            if block < BLOCK or time.monotonic() >= until:
                break
    return written


def export_block(workspace_id: int) -> int:
    """At most BLOCK rows of one workspace, oldest first. Returns how many. Raises StatsUnavailable."""
    with workspace_scope(workspace_id):
        with connection.cursor() as cursor:
            # Of a worker whose host is gone: its rows are another's to write then.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        # Another worker takes others. Gates do not wait for this: no scan locks another scan's row.
        mine = Attempt.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        rows = list(mine.filter(exported_at=None).order_by("id").values_list(*_READ)[:BLOCK])
        if not rows:
            return 0
        # After the rows were locked: who changes one later is later by this clock too.
        with connection.cursor() as cursor:
            cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            (version,) = cursor.fetchone()
        _insert([_row(row, version) for row in rows])
        Attempt.objects.filter(id__in=[row[0] for row in rows]).update(exported_at=timezone.now())
    return len(rows)


def differences(now: datetime | None = None) -> list[Difference]:
    """Where ClickHouse has not exactly the scans of PostgreSQL; what waits to be written is no difference.

    Scans of programs that were deleted are not looked at. Raises StatsUnavailable.
    """
    until = (now or timezone.now()).replace(microsecond=0)
    span = (until - _KEPT, until)
    return [one for workspace_id in all_workspace_ids() for one in _differences(workspace_id, *span)]


def write_again(found: Iterable[Difference]) -> int:
    """All scans of these programs are to be written again. Returns how many."""
    marked = 0
    for workspace_id, program_id in sorted({(one.workspace_id, one.program_id) for one in found}):
        with workspace_scope(workspace_id):
            rows = Attempt.objects.filter(program_id=program_id).exclude(exported_at=None)
            marked += rows.update(exported_at=None)
    return marked


def _differences(workspace_id: int, since: datetime, until: datetime) -> list[Difference]:
    with workspace_scope(workspace_id):
        rows = Attempt.objects.filter(at__gte=since, received_at__lt=until)
        counted = rows.values("program_id", "reason").order_by()
        here = {
            (row.pop("program_id"), row.pop("reason")): row
            for row in counted.annotate(
                scans=Count("id"),
                waiting=Count("id", filter=Q(exported_at=None)),
                undone=Count("id", filter=~Q(undone_at=None)),
            )
        }
        known = set(Program.objects.values_list("id", flat=True))
    there = {
        (row["program_id"], row["reason"]): row
        for row in stats.ask("workspace_redemptions", workspace_id=workspace_id, since=since, until=until)
        if row["program_id"] in known
    }
    none = {"scans": 0, "waiting": 0, "undone": 0}
    differing = []
    for program_id, reason in sorted(here.keys() | there.keys()):
        own, found = here.get((program_id, reason), none), there.get((program_id, reason), none)
        all_there = own["scans"] - own["waiting"] <= found["scans"] <= own["scans"]
        if not all_there or (not own["waiting"] and own["undone"] != found["undone"]):
            counts = own["scans"], own["waiting"], int(found["scans"])
            differing.append(Difference(workspace_id, program_id, reason, *counts))
    return differing


def _row(row: tuple[Any, ...], version: int) -> Redemption:
    *numbers, at, received_at, direction, reason, refused_as, use_no, offline, conflict, undone_at = row
    return Redemption(
        *(number or 0 for number in numbers), at, received_at, direction, reason, refused_as, use_no or 0,
        offline, conflict, undone_at is not None, version,
    )  # fmt: skip


def _insert(rows: list[Redemption]) -> None:
    # Imported late, as in `stats`: the command line needs no ClickHouse driver.
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3.exceptions import HTTPError

    try:
        stats.client().insert(
            TABLE,
            rows,
            column_names=list(COLUMNS),
            column_type_names=list(COLUMNS.values()),
            settings=INSERT_SETTINGS,
        )
    except (ClickHouseError, HTTPError, OSError) as error:
        raise StatsUnavailable from error
