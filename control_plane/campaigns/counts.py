"""Counters of scans, copied back from Valkey: where it was emptied, they go on from here.

The edge counts; PostgreSQL only ever follows, some seconds behind. A limit that was reached in those seconds
and then lost with Valkey hands out as many scans again as were counted since the last copy.
"""

from typing import NamedTuple

from django.db import connection
from django.db.models import F

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import epoch, valkey
from control_plane.campaigns.models import Link
from control_plane.campaigns.sending import reset_key
from edge import record

BATCH = 500


class Known(NamedTuple):
    """What PostgreSQL knows of a link that counts."""

    id: int
    version: int
    scans_used: int
    reset_version: int


def copy_back() -> int:
    """Greater values only, and none past a reset. Returns how many changed. Raises redis.RedisError."""
    if not epoch.is_complete():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspaces_with_counts()")
        workspaces = [row[0] for row in cursor.fetchall()]
    return sum(_copy_back(workspace_id) for workspace_id in workspaces)


def _copy_back(workspace_id: int) -> int:
    changed = last = 0
    while True:
        with workspace_scope(workspace_id):
            # What is not published may be a reset that Valkey has not seen.
            counting = Link.objects.filter(counts=True, published_version=F("version"), id__gt=last)
            rows = [Known(*row) for row in counting.order_by("id").values_list(*Known._fields)[:BATCH]]
        counted = _read([row.id for row in rows])
        _mend([row for row in rows if counted.get(row.id, -1) < row.scans_used])
        grown = [(row, counted[row.id]) for row in rows if counted.get(row.id, 0) > row.scans_used]
        if grown:
            with workspace_scope(workspace_id), connection.cursor() as cursor:
                # Of the version read before the counter: a reset in between has another.
                cursor.execute(
                    "UPDATE campaigns_link AS link SET scans_used = seen.n"
                    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS seen(id, version, n)"
                    " WHERE link.id = seen.id AND link.version = seen.version AND link.scans_used < seen.n",
                    [[row.id for row, _ in grown], [row.version for row, _ in grown], [n for _, n in grown]],
                )
                changed += cursor.rowcount
        if len(rows) < BATCH:
            return changed
        last = rows[-1].id


def _read(link_ids: list[int]) -> dict[int, int]:
    """Link → scans, without counters that are missing or no numbers."""
    if not link_ids:
        return {}
    pipe = valkey.client().pipeline(transaction=False)
    for link_id in link_ids:
        pipe.get(record.count_key(link_id))
    values = zip(link_ids, pipe.execute(), strict=True)
    return {link_id: int(value) for link_id, value in values if value is not None and value.isdigit()}


def _mend(behind: list[Known]) -> None:
    """A counter that is missing, no number, or smaller than one that was seen before: a server took over with
    less. It goes on from what is known, unless it was set back meanwhile."""
    if not behind:
        return
    pipe = valkey.client().pipeline(transaction=False)
    for row in behind:
        keys = record.count_key(row.id), reset_key(row.id)
        pipe.eval(_MEND, 2, *keys, row.scans_used, row.reset_version)
    pipe.execute()


# KEYS[1] counter · KEYS[2] which reset it has seen · ARGV[1] scans so far · ARGV[2] version of their reset.
_MEND = """
local now, seen = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
if seen and tonumber(seen) > tonumber(ARGV[2]) then return 0 end
if now and string.match(now, '^%d+$') and tonumber(now) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""
