"""From PostgreSQL, which is the truth, to Valkey, which the edge reads and which may be emptied any time.

    edit ── commit ── publish_link        best effort, about a millisecond after the commit
                └──── published_version < version: the outbox, for what a crash or an outage left
    sweep, each second ─┬─ epoch missing, or of another server run: publish_all, then set the epoch
                        └─ else: publish the outbox, and what an edge could not read (damaged.py)

The script in edge.record compares versions: whatever the order of arrival, an older one never wins. The
epoch's value is Valkey's run id: a restart may have lost its last second of writes, and is answered by
publishing everything again, while the edge goes on with what it has.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import redis
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F, Q

from control_plane.accounts.services import all_workspace_ids
from control_plane.accounts.tenancy import current_workspace_id, workspace_scope
from control_plane.campaigns import epoch, publish_domains
from control_plane.campaigns.models import Domain, FormerName, Link, LinkState
from control_plane.campaigns.sending import Publication
from control_plane.campaigns.sending import send as _send
from edge import record
from edge.rules import Rule

log = logging.getLogger("publish")

BATCH = 1000
_STATES = {
    LinkState.ACTIVE.value: record.ACTIVE,
    LinkState.PAUSED.value: record.PAUSED,
    LinkState.BLOCKED.value: record.BLOCKED,
    LinkState.DELETED.value: record.DELETED,
}


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    restored: bool
    """Everything was published again, because Valkey was empty or had restarted."""
    published: int
    """Links and domains."""


class Row(NamedTuple):
    """What a link's record is made of."""

    id: int
    workspace_id: int
    code: str
    gs1: str
    destination: str
    state: str
    redirect_status: int
    starts_at: datetime | None
    expires_at: datetime | None
    rules: list[Any]
    max_scans: int | None
    password_hash: str
    fallback: str
    pass_query: bool
    counts: bool
    scans_used: int
    reset_version: int
    published_version: int
    version: int
    domain_id: int | None

    @classmethod
    def of(cls, link: Link) -> "Row":
        return cls(*(getattr(link, name) for name in _COLUMNS))


_COLUMNS: Final = Row._fields
Former = tuple[str | None, str]
"""Host and name."""
Hosts = Mapping[int | None, str]
"""By the domain's number, '' for the default one. Not here: a domain that was deleted, or not verified."""

_unreadable: set[tuple[int, int]] = set()


def publication(link: Link) -> Publication:
    """The link as it is now. Raises msgspec.ValidationError as `record_of` does, where the link is active."""
    if current_workspace_id() != link.workspace_id:
        with workspace_scope(link.workspace_id):
            return publication(link)
    row = Row.of(link)
    return _publication(row, _hosts([row]), _former([link.pk]).get(link.pk, ()))


def record_of(row: Row) -> record.Record:
    """Raises msgspec.ValidationError for rules of a newer version of this program."""
    return record.Record(
        workspace_id=row.workspace_id,
        link_id=row.id,
        destination=row.destination,
        version=row.version,
        state=_STATES[row.state],
        status=row.redirect_status,
        starts_at=_milliseconds(row.starts_at),
        expires_at=_milliseconds(row.expires_at),
        rules=msgspec.convert(row.rules, tuple[Rule, ...]) if row.rules else (),
        max_scans=row.max_scans or 0,
        password=row.password_hash,
        fallback=row.fallback,
        pass_query=row.pass_query,
    )


def _publication(row: Row, hosts: Hosts, former: Sequence[Former]) -> Publication:
    try:
        whole = record_of(row)
    except msgspec.ValidationError:
        if row.state == LinkState.ACTIVE:
            raise
        # Nobody is sent anywhere by them, and a link can be stopped whatever its rules are.
        whole = record_of(row._replace(rules=[]))
    records = []
    host = hosts.get(row.domain_id)
    if host is not None:
        value = record.encode(whole)
        names = (row.code, row.gs1) if row.gs1 else (row.code,)
        records = [(record.link_name(name, host), value, bool(host)) for name in names]
    if former:
        gone = record.encode(
            record.Record(
                row.workspace_id, row.id, row.destination, version=row.version, state=record.DELETED
            )
        )
        records += [(record.link_name(name, where or ""), gone, bool(where)) for where, name in former]
    pending_reset = row.reset_version if row.reset_version > row.published_version else 0
    return Publication(
        row.id,
        row.workspace_id,
        row.code,
        row.version,
        tuple(records),
        count=row.scans_used if row.counts else None,
        reset=pending_reset,
    )


def _answering() -> Any:
    """Domains whose names are in Valkey. Those of a mere claim may be another workspace's there."""
    return Domain.objects.filter(deleted_at=None, verified_at__isnull=False)


def _hosts(rows: Sequence[Row]) -> Hosts:
    # Not by a join: the planner would leave the order of the links' numbers for it. And after the wait for a
    # link's lock, since its domain may have been verified meanwhile.
    ids = {row.domain_id for row in rows if row.domain_id}
    here = _answering().filter(id__in=ids).values_list("id", "host") if ids else ()
    return {None: "", **dict(here)}


def _former(link_ids: Sequence[int]) -> dict[int, list[Former]]:
    found: dict[int, list[Former]] = defaultdict(list)
    rows = FormerName.objects.filter(Q(domain=None) | Q(domain__in=_answering()), link_id__in=link_ids)
    for link_id, host, name in rows.values_list("link_id", "domain__host", "name"):
        found[link_id].append((host, name))
    return found


def _publications(rows: Sequence[Row]) -> list[Publication]:
    """Without those that cannot be read, which keep the record they have: one link never stops the others."""
    former = _former([row.id for row in rows])
    hosts = _hosts(rows)
    found = []
    for row in rows:
        try:
            found.append(_publication(row, hosts, former.get(row.id, ())))
        except (msgspec.ValidationError, KeyError) as error:
            if (row.id, row.version) not in _unreadable:
                _unreadable.add((row.id, row.version))
                log.error("Code %s cannot be published by this version of scanway: %s", row.code, error)
    return found


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
    """Send every domain and link of every workspace, and set the epoch. Returns how many.

    With `force`, also over newer versions in Valkey: after PostgreSQL was restored from an older backup.
    Raises redis.RedisError.
    """
    filling = epoch.begin()
    count = 0
    for workspace_id in all_workspace_ids():
        count += publish_domains.publish_all(workspace_id, force=force)
        last = 0
        while True:
            # A transaction per batch: none is open for long, however many links there are.
            with workspace_scope(workspace_id):
                rows = [
                    Row(*row)
                    for row in Link.objects.filter(id__gt=last).order_by("id").values_list(*_COLUMNS)[:BATCH]
                ]
                batch = _publications(rows)
                _send(batch, force=force)
                _mark(batch)
            count += len(batch)
            if len(rows) < BATCH:
                break
            last = rows[-1].id
    filling.finish()
    return count


def sweep() -> Swept:
    """Mend what is missing in Valkey. Raises redis.RedisError. Idle: one query and two round trips."""
    # Imported late: what it finds is published from here.
    from control_plane.campaigns import damaged

    if not epoch.is_complete():
        return Swept(restored=True, published=publish_all())
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspaces_to_publish()")
        waiting = [row[0] for row in cursor.fetchall()]
    count = damaged.republish()
    for workspace_id in waiting:
        count += publish_domains.publish_outbox(workspace_id) + _publish_outbox(workspace_id)
    return Swept(restored=False, published=count)


def republish(workspace_id: int, link_ids: Iterable[int]) -> int:
    """Over whatever Valkey has: the lock keeps an edit's record, which comes after its commit, from being
    overtaken. Raises redis.RedisError."""
    with workspace_scope(workspace_id):
        locked = Link.objects.filter(id__in=list(link_ids)).select_for_update()
        batch = _publications(_rows(list(locked.values_list("id", flat=True))))
        _send(batch, force=True)
        _mark(batch)
    return len(batch)


def _publish_outbox(workspace_id: int) -> int:
    count = last = 0
    while True:
        with workspace_scope(workspace_id):
            # Two workers share the work; a link that is being edited right now publishes itself.
            unpublished = Link.objects.filter(published_version__lt=F("version"), id__gt=last).order_by("id")
            locked = unpublished.select_for_update(skip_locked=True)
            link_ids = list(locked.values_list("id", flat=True)[:BATCH])
            batch = _publications(_rows(link_ids))
            _send(batch)
            _mark(batch)
        count += len(batch)
        if len(link_ids) < BATCH:
            return count
        last = link_ids[-1]


def _rows(link_ids: list[int]) -> list[Row]:
    if not link_ids:
        return []
    rows = Link.objects.filter(id__in=link_ids).order_by("id").values_list(*_COLUMNS)
    return [Row(*row) for row in rows]


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
