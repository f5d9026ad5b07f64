"""Counters of scans, copied back from Valkey: where it was emptied, they go on from here.

The edge counts; PostgreSQL only ever follows, some seconds behind. A limit that was reached in those seconds
and then lost with Valkey hands out as many scans again as were counted since the last copy.
"""

from django.db import connection
from django.db.models import F

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import epoch, valkey
from control_plane.campaigns.models import Link
from edge import record

BATCH = 500


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
            rows = list(counting.order_by("id").values_list("id", "version", "scans_used")[:BATCH])
        counted = _read([link_id for link_id, _, _ in rows])
        _mend([(link_id, used) for link_id, _, used in rows if link_id not in counted])
        grown = [
            (link_id, version, counted[link_id])
            for link_id, version, used in rows
            if counted.get(link_id, 0) > used
        ]
        if grown:
            with workspace_scope(workspace_id), connection.cursor() as cursor:
                # Of the version read before the counter: a reset in between has another.
                cursor.execute(
                    "UPDATE campaigns_link AS link SET scans_used = seen.n"
                    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS seen(id, version, n)"
                    " WHERE link.id = seen.id AND link.version = seen.version AND link.scans_used < seen.n",
                    [list(column) for column in zip(*grown, strict=True)],
                )
                changed += cursor.rowcount
        if len(rows) < BATCH:
            return changed
        last = rows[-1][0]


def _read(link_ids: list[int]) -> dict[int, int]:
    """Link → scans, without counters that are missing or no numbers."""
    if not link_ids:
        return {}
    pipe = valkey.client().pipeline(transaction=False)
    for link_id in link_ids:
        pipe.get(record.count_key(link_id))
    values = zip(link_ids, pipe.execute(), strict=True)
    return {link_id: int(value) for link_id, value in values if value is not None and value.isdigit()}


def _mend(missing: list[tuple[int, int]]) -> None:
    """A counter that is missing makes the edge refuse; it goes on from what is known."""
    if not missing:
        return
    pipe = valkey.client().pipeline(transaction=False)
    for link_id, used in missing:
        pipe.eval(_MEND, 1, record.count_key(link_id), used)
    pipe.execute()


# KEYS[1] counter · ARGV[1] scans so far. A number that came meanwhile stays.
_MEND = """
local now = redis.call('GET', KEYS[1])
if now and string.match(now, '^%d+$') then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""
