"""Cars that are known by their plate: typed by a steward, or read by a camera, which is a device too.

Plates count, and prove nothing. One that belongs to a pass is a scan of that pass; any other is somebody
without a pass, counted by hand. What was read is encrypted, and deleted when its day is over, unless the
program keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import holder as holders
from control_plane.passes import occupancy, redeem, vault
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import Invalid
from control_plane.passes.models import (
    Attempt,
    Direction,
    Gate,
    Movement,
    Pass,
    PassState,
    PlateReading,
    Program,
)
from control_plane.passes.models.gates import DeviceGate
from control_plane.passes.reason import Reason

LONGEST: Final = 20
OLDEST: Final = timedelta(hours=24)
AHEAD: Final = timedelta(minutes=2)
_SAME: Final = 50
"""Passes with one plate that are looked at."""
_LISTED: Final = 500
_PURPOSE: Final = "plate"


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a plate."""

    admitted: bool
    """False where the pass with this plate was refused: nobody was counted."""
    reason: Reason
    sentence: str
    direction: str
    number: int | None
    """Of the pass; None where somebody without one was counted."""
    replayed: bool
    zones: list[dict[str, Any]]
    """Of the gate, outermost first: id, name, inside, capacity, leased."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A plate that was kept."""

    at: datetime
    plate: str
    direction: str
    gate: str | None


@dataclass(frozen=True, slots=True)
class Hour:
    at: datetime
    entries: int
    exits: int


def normal(text: Any) -> str:
    """A plate as it is compared: without case, accents, spaces and dashes. Raises Invalid(plate)."""
    fits = isinstance(text, str) and len(text) <= 4 * LONGEST and text.isprintable()
    plate = "".join(vault.parts(text)) if fits else ""
    if not 2 <= len(plate) <= LONGEST:
        raise Invalid("plate", f"Give the plate's letters and digits, 2 to {LONGEST} of them.")
    return plate


def read(
    *,
    device: DeviceHolder,
    gate_id: int,
    plate: str,
    nonce: UUID,
    direction: str = "auto",
    at: datetime | None = None,
    now: datetime | None = None,
) -> Reading:
    """Count who drives in or out with this plate. The same nonce again counts once.

    `direction` is in, out or auto, which lets out whoever is inside, or came in when the plate was read last;
    an entrance or an exit has its own.
    Of several passes with one plate, the one that is inside leaves, and the one that is valid and outside
    enters; where that leaves more than one, none is used, and somebody without a pass is counted.
    Raises Invalid(field), DeviceRefused.
    """
    text, now = normal(plate), now or timezone.now()
    at = at or now
    if direction not in redeem.WAYS:
        raise Invalid("direction", f"Choose one of: {', '.join(redeem.WAYS)}.")
    if gate_id not in device.gate_ids:
        raise Invalid("gate_id", redeem.NOT_ITS_GATE)
    if not now - OLDEST <= at <= now + AHEAD:
        raise Invalid("at", "This is not a time of the last 24 hours. Set the clock of this device.")
    with workspace_scope(device.workspace_id):
        occupancy.lock_program(device.program_id)
        gate = Gate.objects.select_related("zone").filter(id=gate_id).first()
        if gate is None:
            raise Invalid("gate_id", "This gate was removed. Choose another one.")
        if not DeviceGate.objects.filter(device_id=device.device_id, gate=gate).exists():
            raise Invalid("gate_id", redeem.NOT_ITS_GATE)
        own = {Gate.Way.ENTRANCE: "in", Gate.Way.EXIT: "out"}.get(gate.way)
        reading = _read(device, gate, text, nonce, own or direction, at, now)
        if not PlateReading.objects.filter(program_id=device.program_id, nonce=nonce).exists():
            PlateReading(
                program_id=device.program_id,
                gate=gate,
                device_id=device.device_id,
                nonce=nonce,
                at=at,
                direction=reading.direction,
                plate=_locked(" ".join(plate.upper().split()), device.workspace_id),
                word=_word(text, device.workspace_id),
            ).save(force_insert=True)
    return reading


def forget_old(workspace_id: int, now: datetime | None = None) -> int:
    """Deletes what was read before today, by each program's clock, unless it keeps it. Returns how many."""
    now, gone = now or timezone.now(), 0
    with workspace_scope(workspace_id):
        for program in Program.objects.filter(keep_plates=False):
            today = now.astimezone(ZoneInfo(program.time_zone)).date()
            old = PlateReading.objects.filter(program=program, at__lt=_midnight(today, program))
            gone += old.delete()[0]
    return gone


def workspaces_with_plates() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scanway_workspaces_with_plates()")
        return [row[0] for row in cursor.fetchall()]


def hours(program: Program, day: date) -> list[Hour]:
    """How many were read in each hour of a day, by the program's clock; hours without any are left out."""
    zone = ZoneInfo(program.time_zone)
    with workspace_scope(program.workspace_id):
        rows = list(
            _of_day(program, day)
            .annotate(hour=TruncHour("at", tzinfo=zone))
            .values("hour", "direction")
            .annotate(count=Count("id"))
            .order_by("hour")
        )
    found: dict[datetime, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["hour"], {})[row["direction"]] = row["count"]
    return [Hour(at, one.get("in", 0), one.get("out", 0)) for at, one in found.items()]


def seen(program: Program, day: date) -> list[Seen]:
    """The last 500 plates of a day, newest first; none where the program does not keep them."""
    if not program.keep_plates:
        return []
    with workspace_scope(program.workspace_id):
        rows = list(_of_day(program, day).select_related("gate").order_by("-at", "-id")[:_LISTED])
    return [
        Seen(
            row.at,
            vault.unlock(bytes(row.plate), workspace_id=program.workspace_id, purpose=_PURPOSE).decode(),
            row.direction,
            row.gate.name if row.gate else None,
        )
        for row in rows
    ]


def _read(
    device: DeviceHolder, gate: Gate, plate: str, nonce: UUID, direction: str, at: datetime, now: datetime
) -> Reading:
    """The program is locked: nothing changes in between."""
    again = Attempt.objects.filter(device_id=device.device_id, nonce=nonce).select_related("of").first()
    if again is not None:
        uid = bytes(again.of.uid) if again.of else b""
        return _redeemed(device, gate, uid, nonce, again.direction, now)
    counted = Movement.objects.filter(device_id=device.device_id, nonce=nonce).first()
    if counted is not None:
        direction = "in" if counted.delta > 0 else "out"
        return _counted(device, gate, nonce, direction, f"Counted {direction}.", replayed=True)
    passes = _passes(device, plate)
    inside = [one for one in passes if one.inside_zone and gate.zone_id in one.inside_zone.path]
    if direction == "auto":
        direction = "out" if inside or (not passes and _came_last(gate, plate, device, at)) else "in"
    fitting = inside if direction == "out" else _to_enter(passes, inside, now)
    if len(fitting) == 1:
        return _redeemed(device, gate, bytes(fitting[0].uid), nonce, direction, now)
    said = "Several passes have this plate, so none of them was used." if fitting else ""
    if not fitting:
        said = "The pass with this plate is not inside." if passes else "No pass has this plate."
    return _counted(device, gate, nonce, direction, f"Counted {direction}. {said}", replayed=False)


def _came_last(gate: Gate, plate: str, device: DeviceHolder, at: datetime) -> bool:
    """Whether this plate, which no pass has, came in when it was read last, within a day."""
    word = _word(plate, device.workspace_id)
    rows = PlateReading.objects.filter(program_id=device.program_id, word=word, at__gt=at - OLDEST)
    last = rows.order_by("-at", "-id").first()
    return last is not None and last.direction == Direction.IN


def _passes(device: DeviceHolder, plate: str) -> list[Pass]:
    word = _word(plate, device.workspace_id)
    rows = Pass.objects.filter(program_id=device.program_id, words__contains=[word])
    return [
        # The word may be another of the holder's: a name, a number.
        row
        for row in rows.select_related("inside_zone").order_by("-number")[:_SAME]
        if "".join(vault.parts(holders.opened(row.holder, device.workspace_id).get("plate", ""))) == plate
    ]


def _to_enter(passes: Sequence[Pass], inside: Sequence[Pass], at: datetime) -> Sequence[Pass]:
    """Where none is valid, the last one that was issued: it is refused, with its reason."""
    valid = [
        one
        for one in passes
        if one.state == PassState.ACTIVE
        and (one.valid_from is None or one.valid_from <= at)
        and (one.valid_until is None or at < one.valid_until)
    ]
    return [one for one in valid if one not in inside] or valid or passes[:1]


def _redeemed(
    device: DeviceHolder, gate: Gate, uid: bytes, nonce: UUID, direction: str, now: datetime
) -> Reading:
    # Judged by our clock: a device does not say what time it is.
    scan = redeem.of_pass(device=device, gate_id=gate.pk, uid=uid, nonce=nonce, way=direction, now=now)
    (verdict,) = redeem.redeem_all([scan])
    return Reading(
        verdict.admitted, verdict.reason, verdict.sentence, verdict.direction,
        verdict.found["number"] if verdict.found else None, verdict.replayed, verdict.zones,
    )  # fmt: skip


def _counted(
    device: DeviceHolder, gate: Gate, nonce: UUID, direction: str, sentence: str, *, replayed: bool
) -> Reading:
    delta = 1 if direction == Direction.IN else -1
    zones = occupancy.count_by_hand(device=device, gate_id=gate.pk, delta=delta, nonce=nonce)
    rows = [
        {
            "id": zone.pk,
            "name": zone.name,
            "inside": zone.inside,
            "capacity": zone.capacity,
            "leased": zone.leased,
        }
        for zone in sorted(zones, key=lambda zone: len(zone.path))
    ]
    return Reading(True, Reason.OK, sentence, direction, None, replayed, rows)


def _of_day(program: Program, day: date) -> Any:
    start, end = _midnight(day, program), _midnight(day + timedelta(days=1), program)
    return PlateReading.objects.filter(program=program, at__gte=start, at__lt=end)


def _midnight(day: date, program: Program) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(program.time_zone))


def _word(plate: str, workspace_id: int) -> str:
    (word,) = vault.words([plate], workspace_id=workspace_id)
    return word


def _locked(plate: str, workspace_id: int) -> bytes:
    return vault.lock(plate.encode(), workspace_id=workspace_id, purpose=_PURPOSE)
