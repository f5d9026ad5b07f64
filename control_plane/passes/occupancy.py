"""Who is inside: live counts, counts by hand, corrections, what a supervisor takes back, and leaving by time.

A zone's `inside` is the sum of its ledger, always: both are written by the same transaction.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import values
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import Invalid, NotAllowed, NotFound
from control_plane.passes.models import (
    Attempt,
    Change,
    Gate,
    Movement,
    MovementKind,
    Pass,
    Program,
    Redemption,
    Zone,
)
from control_plane.passes.reason import Reason

WARN_AT: Final = 90
"""Percent of the capacity."""
LET_OUT_AT_ONCE: Final = 50


def level(inside: int, capacity: int | None, leased: int = 0) -> str:
    """ok, warning from 90 %, or full."""
    if capacity is None:
        return "ok"
    if inside + leased >= capacity:
        return "full"
    return "warning" if (inside + leased) * 100 >= capacity * WARN_AT else "ok"


def count_by_hand(
    *,
    device: DeviceHolder,
    gate_id: int,
    delta: int,
    nonce: UUID,
    note: str = "",
    at: datetime | None = None,
) -> list[Zone]:
    """People who pass a gate without a pass of their own: +1 or -1. The same nonce again counts once.

    `at`: the device was offline then, and used or freed a place that is lent to it. Returns the gate's zones.
    Raises Invalid where a zone is full or empty, or the gate is not the device's.
    """
    if delta not in (1, -1):
        raise Invalid("delta", "Count one person at a time: 1 or -1.")
    if gate_id not in device.gate_ids:
        raise Invalid("gate_id", "This device may not be used at this gate. Choose one of its own.")
    from control_plane.passes import leases  # which locks as we do

    with workspace_scope(device.workspace_id):
        lock_program(device.program_id)
        gate = Gate.objects.select_related("zone").filter(id=gate_id).first()
        if gate is None:
            raise Invalid("gate_id", "This gate was removed. Choose another one.")
        if not Movement.objects.filter(device_id=device.device_id, nonce=nonce).exists():
            try:
                with transaction.atomic():
                    if at is not None and delta > 0:
                        leases.use(device_id=device.device_id, zone_ids=gate.zone.path)
                    _move(
                        gate.zone.path,
                        delta,
                        MovementKind.COUNT,
                        note=values.text("note", note),
                        gate_id=gate_id,
                        device_id=device.device_id,
                        nonce=nonce,
                        at=at or timezone.now(),
                    )
                    if at is not None and delta < 0:
                        leases.give(device=device, freed=dict.fromkeys(gate.zone.path, 1))
            except IntegrityError as error:
                if "movement_nonce_once" not in str(error):
                    raise
        return list(Zone.objects.filter(id__in=gate.zone.path).order_by("id"))


def correct(
    *,
    workspace_id: int,
    zone_id: int,
    inside: int,
    note: str,
    by: User | None = None,
    device: DeviceHolder | None = None,
) -> Zone:
    """Somebody counted heads: the zone has this many now. Zones around it change by as much.

    A device must be a supervisor's. Raises Invalid(inside, note), NotFound, NotAllowed.
    """
    if device is not None and not device.is_supervisor:
        raise NotAllowed("Only a supervisor's device may correct the count.")
    note = values.text("note", note)
    if not note:
        raise Invalid("note", "Say why the count is corrected.")
    if type(inside) is not int or inside < 0 or inside > values.MOST_PEOPLE:
        raise Invalid("inside", "Give the number of people who are inside.")
    with workspace_scope(workspace_id):
        zone = Zone.objects.filter(id=zone_id).first()
        if zone is None or (device is not None and zone.program_id != device.program_id):
            raise NotFound("There is no such zone in this workspace.")
        lock_program(zone.program_id)
        _lock(zone.path)
        zone.refresh_from_db()
        if delta := inside - zone.inside:
            _move(
                zone.path, delta, MovementKind.CORRECTION, note=note, by=by,
                device_id=device.device_id if device else None, field="inside",
            )  # fmt: skip
        zone.refresh_from_db()
    return zone  # type: ignore[no-any-return]


def undo(*, device: DeviceHolder, attempt_id: int) -> Attempt:
    """Takes back the last admission or exit of a pass, as if it had not been scanned; the row stays.

    Raises NotAllowed, NotFound, Invalid where something was done with the pass since.
    """
    if not device.is_supervisor:
        raise NotAllowed("Only a supervisor's device may undo.")
    with workspace_scope(device.workspace_id):
        # Before the program: where the export to ClickHouse has the row, no other scan waits with this.
        mine = Attempt.objects.select_for_update(no_key=True)
        attempt = mine.filter(id=attempt_id, program_id=device.program_id).first()
        lock_program(device.program_id)
        if attempt is None or attempt.of_id is None:
            raise NotFound("There is no such scan.")
        row = Pass.objects.select_for_update(no_key=True).get(id=attempt.of_id)
        attempt.refresh_from_db()
        attempt.of = row
        if attempt.undone_at is not None:
            return attempt  # type: ignore[no-any-return]
        if attempt.reason != Reason.OK:
            raise Invalid("attempt", "This scan was refused: there is nothing to undo.")
        admitted = Attempt.objects.filter(of=row, reason=Reason.OK, undone_at=None)
        last = admitted.order_by("-id").first()
        if last is not None and last.pk != attempt.pk:
            raise Invalid("attempt", "This pass was scanned again since. Undo that scan first.")
        # Who left by time since is counted out already.
        since = Change.objects.filter(of=row, at__gt=attempt.received_at)
        gone = since.filter(what="timed_out").exists()
        moves = [] if gone else list(Movement.objects.filter(attempt=attempt))
        _lock([move.zone_id for move in moves])
        for sign in (1, -1):  # out first, so that what is full has room again
            for move in sorted(moves, key=lambda one: one.zone_id):
                if move.delta == sign:
                    _move(
                        [move.zone_id], -move.delta, MovementKind.UNDO, gate_id=attempt.gate_id,
                        device_id=device.device_id, attempt=attempt,
                    )  # fmt: skip
        before = admitted.exclude(id=attempt.pk).order_by("-id").first()
        if attempt.use_no is not None:
            Redemption.objects.filter(of=row, use_no=attempt.use_no).delete()
            uses = admitted.exclude(id=attempt.pk).exclude(use_no=None).order_by("-id").first()
            row.uses -= 1
            row.last_used_at = uses.at if uses else None
            row.first_used_at = row.first_used_at if uses else None
            if not uses and row.program.use_hours is not None and not since.filter(what="extended").exists():
                row.valid_until = attempt.until_before
        inside = None if gone else _where_after(before)
        row.inside_zone, row.inside_since = inside, before.at if inside and before else None
        row.save(
            update_fields=[
                "uses", "first_used_at", "last_used_at", "inside_zone", "inside_since", "valid_until",
            ]
        )  # fmt: skip
        attempt.undone_at, attempt.exported_at = timezone.now(), None
        attempt.save(update_fields=["undone_at", "exported_at"])
    return attempt  # type: ignore[no-any-return]


def let_out_by_time(workspace_id: int, now: datetime | None = None) -> int:
    """Whoever is inside longer than their program lets them be. Returns how many left."""
    now = now or timezone.now()
    with workspace_scope(workspace_id):
        programs = list(Program.objects.exclude(auto_exit_minutes=None).order_by("id"))
    left = 0
    for program in programs:
        # A few at once: gates wait for the program meanwhile.
        while some := _let_out(program, now):
            left += some
            if some < LET_OUT_AT_ONCE:
                break
    return left


def _let_out(program: Program, now: datetime) -> int:
    with workspace_scope(program.workspace_id):
        lock_program(program.pk)
        since = now - timedelta(minutes=program.auto_exit_minutes)
        free = Pass.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        due = free.select_related("inside_zone").filter(program=program, inside_since__lt=since)
        rows = list(due.order_by("id")[:LET_OUT_AT_ONCE])
        for row in rows:
            _move(row.inside_zone.path, -1, MovementKind.AUTO_EXIT, note=f"No. {row.number}", least=True)
            row.inside_zone = row.inside_since = None
            row.save(update_fields=["inside_zone", "inside_since"])
            after = f"after {program.auto_exit_minutes} minutes inside"
            Change(of=row, at=now, what="timed_out", note=after).save(force_insert=True)
    return len(rows)


def workspaces_with_auto_exit() -> list[int]:
    """Those where somebody is inside for too long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scanway_workspaces_with_auto_exit()")
        return [row[0] for row in cursor.fetchall()]


def _where_after(attempt: Attempt | None) -> Zone | None:
    if attempt is None or attempt.gate is None:
        return None
    zone = attempt.gate.zone
    return zone if attempt.direction == "in" else zone.parent  # type: ignore[no-any-return]


def lock_program(program_id: int) -> None:
    """First, by whoever changes several rows of a program: a redemption does so too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(scanway_program_lock(%s))", [program_id])


def _lock(zone_ids: list[int]) -> None:
    """In one order for everybody, as redemption locks them."""
    list(Zone.objects.select_for_update(no_key=True).filter(id__in=zone_ids).order_by("id").values_list("id"))


def _move(
    path: list[int],
    delta: int,
    kind: str,
    *,
    field: str = "delta",
    note: str = "",
    least: bool = False,
    nonce: UUID | None = None,
    **about: Any,
) -> None:
    """One line of the ledger for each zone of the path. Raises Invalid(field) where a zone has no room, or
    fewer people than leave. With `least`, an empty zone is left as it is: what was corrected to 0."""
    _lock(path)
    zones = {zone.pk: zone for zone in Zone.objects.filter(id__in=path)}
    for zone_id in path:
        zone = zones[zone_id]
        after = zone.inside + delta
        if after < 0 and least:
            continue
        if after < 0:
            raise Invalid(
                field, f"Only {zone.inside:,} are counted inside {zone.name}. Correct its count first."
            )
        if delta > 0 and zone.capacity is not None and after + zone.leased > zone.capacity:
            raise Invalid(
                field, f"{zone.name} has room for {zone.capacity:,}, and {zone.inside:,} are inside."
            )
        Zone.objects.filter(id=zone_id).update(inside=F("inside") + delta)
        # The nonce is of the count, and of one line: that of the innermost zone.
        Movement(
            program_id=zone.program_id, zone=zone, kind=kind, delta=delta, inside=after, note=note,
            nonce=nonce if zone_id == path[-1] else None, **about,
        ).save(force_insert=True)  # fmt: skip
