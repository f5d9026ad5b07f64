"""From PostgreSQL, which is the truth, to Valkey, which the edge reads and which may be emptied any time.

    edit ── commit ── publish_link        best effort, about a millisecond after the commit
                └──── published_version < version: the outbox, for what a crash or an outage left
    sweep, each second ─┬─ epoch missing, or of another server run: publish_all, then set the epoch
                        └─ else: publish the outbox

The script in edge.record compares versions: whatever the order of arrival, an older one never wins. The
epoch's value is Valkey's run id: a restart may have lost its last second of writes, and is answered by
publishing everything again, while the edge goes on with what it has.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F

from control_plane.accounts.services import all_workspace_ids
from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns.models import Link, LinkState
from control_plane.campaigns.valkey import client
from edge import record

log = logging.getLogger("publish")

BATCH = 1000
_GUARD_SECONDS = 3600
_STATES = {
    LinkState.ACTIVE.value: record.ACTIVE,
    LinkState.PAUSED.value: record.PAUSED,
    LinkState.BLOCKED.value: record.BLOCKED,
    LinkState.DELETED.value: record.DELETED,
}
_FIELDS = (
    "id",
    "workspace_id",
    "code",
    "destination",
    "state",
    "redirect_status",
    "starts_at",
    "expires_at",
    "version",
)

# KEYS[1] guard · KEYS[2] epoch · ARGV[1] run id. The guard was set before the first record: where it is
# gone, Valkey was emptied in the meantime, and the key space is not complete.
_FINISH = """
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
return 1
"""
_FORCE = """
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of one link, ready to send. Independent of the model instance, which may change."""

    link_id: int
    workspace_id: int
    code: str
    version: int
    value: bytes


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    restored: bool
    """Everything was published again, because Valkey was empty or had restarted."""
    published: int


def publication(link: Link) -> Publication:
    """The link as it is now."""
    return _publication(tuple(getattr(link, name) for name in _FIELDS))


def _publication(row: Sequence[Any]) -> Publication:
    link_id, workspace_id, code, destination, state, status, starts_at, expires_at, version = row
    value = record.encode(
        record.Record(
            workspace_id=workspace_id,
            link_id=link_id,
            destination=destination,
            version=version,
            state=_STATES[state],
            status=status,
            starts_at=_milliseconds(starts_at),
            expires_at=_milliseconds(expires_at),
        )
    )
    return Publication(link_id, workspace_id, code, version, value)


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def publish_link(link: Link | Publication) -> bool:
    """Send one link now. False where Valkey or PostgreSQL would not have it: the sweep tries again.

    Call it after the commit, outside of any scope.
    """
    sent = link if isinstance(link, Publication) else publication(link)
    try:
        _send([sent])
        with workspace_scope(sent.workspace_id):
            _mark([sent])
    except (redis.RedisError, OSError, DatabaseError) as error:
        log.warning("Code %s is saved but not published yet (%s); the worker will do it.", sent.code, error)
        return False
    return True


def publish_all(*, force: bool = False) -> int:
    """Send every link of every workspace, and set the epoch. Returns how many.

    With `force`, also over newer versions in Valkey: after PostgreSQL was restored from an older backup.
    Raises redis.RedisError.
    """
    guard = f"scanway:publishing:{secrets.token_hex(8)}"
    run_id = client().info("server")["run_id"]
    client().set(guard, "1", ex=_GUARD_SECONDS)
    count = 0
    for workspace_id in all_workspace_ids():
        last = 0
        while True:
            # A transaction per batch: none is open for long, however many links there are.
            with workspace_scope(workspace_id):
                rows = list(Link.objects.filter(id__gt=last).order_by("id").values_list(*_FIELDS)[:BATCH])
                batch = [_publication(row) for row in rows]
                _send(batch, force=force)
                _mark(batch)
            count += len(batch)
            if len(batch) < BATCH:
                break
            last = batch[-1].link_id
    client().eval(_FINISH, 2, guard, record.EPOCH_KEY, run_id)
    return count


def sweep() -> Swept:
    """Mend what is missing in Valkey. Raises redis.RedisError. Idle: one query and one round trip."""
    pipe = client().pipeline(transaction=False)
    pipe.get(record.EPOCH_KEY)
    pipe.info("server")
    epoch, info = pipe.execute()
    if epoch is None or epoch.decode("utf-8", "replace") != info["run_id"]:
        return Swept(restored=True, published=publish_all())
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspaces_to_publish()")
        waiting = [row[0] for row in cursor.fetchall()]
    return Swept(restored=False, published=sum(_publish_outbox(workspace_id) for workspace_id in waiting))


def _publish_outbox(workspace_id: int) -> int:
    count = 0
    while True:
        with workspace_scope(workspace_id):
            # Two workers share the work; a link that is being edited right now publishes itself.
            unpublished = Link.objects.filter(published_version__lt=F("version")).order_by("id")
            links = list(unpublished.select_for_update(skip_locked=True, of=("self",))[:BATCH])
            batch = [publication(link) for link in links]
            _send(batch)
            _mark(batch)
        count += len(batch)
        if len(batch) < BATCH:
            return count


def _send(batch: Sequence[Publication], *, force: bool = False) -> None:
    if not batch:
        return
    script = client().register_script(_FORCE if force else record.PUBLISH_SCRIPT)
    # register_script's pipelines ask SCRIPT EXISTS first, so a restarted Valkey gets the script again.
    pipe = client().pipeline(transaction=False)
    for one in batch:
        script(
            keys=[record.key(one.code)], args=[one.value, one.code, record.INVALIDATE_CHANNEL], client=pipe
        )
    pipe.execute()


def _mark(batch: Sequence[Publication]) -> None:
    if not batch:
        return
    with connection.cursor() as cursor:
        # The version that was sent, not the one there now: an edit in between stays in the outbox.
        cursor.execute(
            "UPDATE campaigns_link AS link SET published_version = sent.version"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS sent(id, version)"
            " WHERE link.id = sent.id AND link.published_version < sent.version",
            [[one.link_id for one in batch], [one.version for one in batch]],
        )
