"""The control room: what happens in a program now, in one read.

Who came and went is read from the ledger, so what gates scanned and what was counted by hand are both in it;
what was taken back is not. A person who enters a zone is one entry of the program, however deep they go.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncHour, TruncMinute
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import forecast as forecasts
from control_plane.passes import occupancy, programs
from control_plane.passes.devices import list_devices
from control_plane.passes.models import (
    Alert,
    Attempt,
    Device,
    Direction,
    Gate,
    Issuer,
    Lease,
    Movement,
    MovementKind,
    Pass,
    PassState,
    Program,
    Zone,
)
from control_plane.passes.reason import SENTENCES, Reason

MINUTES: Final = 60
RECENT: Final = timedelta(minutes=5)
ONLINE_WITHIN: Final = timedelta(seconds=60)
LOW_BATTERY: Final = 20
MANY: Final = 5_000
"""Scans of a day from which on what was counted of it is kept for a while."""
KEEP: Final = 10.0
"""Seconds."""
FLOW: Final = (
    MovementKind.ENTRY,
    MovementKind.EXIT,
    MovementKind.MOVE,
    MovementKind.COUNT,
    MovementKind.AUTO_EXIT,
)
"""Lines of the ledger that are somebody who came or left: not a correction, nor what was taken back."""


@dataclass(frozen=True, slots=True)
class ZoneNow:
    """percent is None without a capacity; depth 0 is outermost. Rates are of the last 5 minutes."""

    zone: Zone
    depth: int
    percent: int | None
    level: str
    came_a_minute: float
    left_a_minute: float
    forecast: forecasts.Forecast
    words: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Who came and who left in the minute or hour that begins at `at`."""

    at: datetime
    came: int
    left: int


@dataclass(frozen=True, slots=True)
class IssuerNow:
    """id is None for passes that nobody in particular issued."""

    id: int | None
    name: str
    issued: int
    used: int


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class GateNow:
    """Who came and left at a gate in the last 15 minutes, scanned or counted by hand."""

    gate: Gate
    came: int
    left: int


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """state: online, away, or waiting for its phone. offline: scans of today that it made without a network.
    lent: places that it may fill while it is offline."""

    device: Device
    state: str
    battery_low: bool
    offline: int
    lent: int


@dataclass(frozen=True, slots=True)
class Room:
    """`minutes`: the last 60, oldest first, the present one last. `hours`: those of the whole day, of the
    program's time zone. What has no other time is of this day."""

    at: datetime
    since: datetime
    zones: list[ZoneNow]
    minutes: list[Flow]
    hours: list[Flow]
    came_a_minute: float
    left_a_minute: float
    by_supervisor: int
    refused: list[Refused]
    issuers: list[IssuerNow]
    gates: list[GateNow]
    devices: list[DeviceNow]
    alerts: list[Alert]

    @property
    def came(self) -> int:
        """Today, into the outermost zones."""
        return sum(one.came for one in self.hours)

    @property
    def left(self) -> int:
        return sum(one.left for one in self.hours)

    @property
    def refusals(self) -> int:
        return sum(one.count for one in self.refused)

    @property
    def online(self) -> int:
        return sum(one.state == "online" for one in self.devices)


@dataclass(frozen=True, slots=True)
class _Today:
    """What is counted since midnight. offline: device → scans that it made without a network."""

    hours: list[Flow]
    counted: list[dict[str, Any]]
    issuers: list[IssuerNow]
    offline: dict[int, int]


_kept: dict[tuple[int, datetime], tuple[float, _Today]] = {}
"""Program and midnight → until when (monotonic), and what was counted."""
_gates_kept: dict[int, tuple[float, list[GateNow]]] = {}


def load(*, program: Program, now: datetime | None = None) -> Room:
    """Everything at once, in a fixed number of queries. Of a day of many scans, what is of today is up to 10
    seconds old: each screen asks every two, and 100,000 scans take a good part of a second to count."""
    fresh = now is not None
    now = now or timezone.now()
    zone = ZoneInfo(program.time_zone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    own = {"workspace_id": program.workspace_id, "program_id": program.pk}
    with workspace_scope(program.workspace_id):
        found = programs.list_zones(**own)
        rates = _rates(program, now)
        zones = [_zone(one, rates.get(one.pk, {}), now, program.time_zone) for one in found]
        outermost = [one for one in found if one.parent_id is None]
        recent = [rates[one.pk] for one in outermost if one.pk in rates]
        minutes = RECENT / timedelta(minutes=1)
        today = _today(program, outermost, midnight, now, fresh=fresh)
        return Room(
            at=now,
            since=midnight,
            zones=zones,
            minutes=_minutes(program, outermost, now),
            hours=today.hours,
            came_a_minute=sum(row["came_5"] for row in recent) / minutes,
            left_a_minute=sum(row["left_5"] for row in recent) / minutes,
            by_supervisor=sum(row["overridden"] for row in today.counted),
            refused=_refused(today.counted),
            issuers=today.issuers,
            gates=_gates(program, now),
            devices=_devices(program, today.offline, now),
            alerts=list(
                Alert.objects.filter(program=program, cleared_at=None, zone__capacity__gt=0)
                .select_related("zone")
                .order_by("-percent", "-id")
            ),
        )


def gates_lately(*, workspace_id: int, program_id: int) -> list[GateNow]:
    """All gates of a program, by name; up to 5 seconds old, as each phone at a gate asks. Raises NotFound."""
    kept = _gates_kept.get(program_id)
    if kept is None or time.monotonic() >= kept[0]:
        program = programs.get_program(workspace_id=workspace_id, program_id=program_id)
        with workspace_scope(workspace_id):
            kept = time.monotonic() + KEEP / 2, _gates(program, timezone.now())
        if len(_gates_kept) > 100:
            _gates_kept.clear()
        _gates_kept[program_id] = kept
    return kept[1]


def percent(taken: int, capacity: int | None) -> int | None:
    """Rounded down, so that 100 is only what is full."""
    if capacity is None:
        return None
    return min(100, taken * 100 // capacity) if capacity else 100


def device_state(device: Device, now: datetime) -> str:
    """online, away, or waiting for its phone."""
    if device.paired_at is None:
        return "waiting"
    return "online" if device.seen_at is not None and now - device.seen_at <= ONLINE_WITHIN else "away"


def battery_low(device: Device) -> bool:
    return device.battery is not None and device.battery <= LOW_BATTERY


def _today(
    program: Program, outermost: list[Zone], midnight: datetime, now: datetime, *, fresh: bool
) -> _Today:
    kept = _kept.get((program.pk, midnight))
    if kept is not None and not fresh and time.monotonic() < kept[0]:
        return kept[1]
    found = _Today(
        _hours(program, outermost, midnight, now),
        _attempts(program, midnight),
        _issuers(program, midnight),
        _offline(program, midnight),
    )
    if sum(row["count"] for row in found.counted) > MANY and not fresh:
        if len(_kept) > 100:
            _kept.clear()
        _kept[program.pk, midnight] = (time.monotonic() + KEEP, found)
    return found


def _flow(program: Program, since: datetime) -> QuerySet[Movement]:
    return Movement.objects.filter(  # type: ignore[no-any-return]
        program=program, at__gte=since, kind__in=FLOW, attempt__undone_at=None
    )


_CAME, _LEFT = Count("id", filter=Q(delta__gt=0)), Count("id", filter=Q(delta__lt=0))


def _rates(program: Program, now: datetime) -> dict[int, dict[str, Any]]:
    """Zone → who came and left in the last 5 and 15 minutes, and since when anybody did within the hour."""
    rows = _flow(program, now - timedelta(minutes=MINUTES)).values("zone_id")
    window, recent = Q(at__gt=now - forecasts.WINDOW), Q(at__gt=now - RECENT)
    found = rows.annotate(
        first=Min("at"),
        came_5=Count("id", filter=recent & Q(delta__gt=0)),
        left_5=Count("id", filter=recent & Q(delta__lt=0)),
        came_15=Count("id", filter=window & Q(delta__gt=0)),
        left_15=Count("id", filter=window & Q(delta__lt=0)),
    )
    return {row["zone_id"]: row for row in found.order_by()}


def _zone(zone: Zone, rate: dict[str, Any], now: datetime, time_zone: str) -> ZoneNow:
    minutes = RECENT / timedelta(minutes=1)
    level = occupancy.level(zone.inside, zone.capacity, zone.leased)
    found = forecasts.forecast(
        # What is lent to phones is not taken, but where the rest is, nobody can enter.
        taken=zone.inside + (zone.leased if level == "full" else 0),
        capacity=zone.capacity,
        came=rate.get("came_15", 0),
        left=rate.get("left_15", 0),
        span=min(now - rate.get("first", now), forecasts.WINDOW),
        now=now,
    )
    return ZoneNow(
        zone,
        len(zone.path) - 1,
        percent(zone.inside, zone.capacity),
        level,
        rate.get("came_5", 0) / minutes,
        rate.get("left_5", 0) / minutes,
        found,
        forecasts.words(found, now, time_zone),
    )


def _minutes(program: Program, outermost: list[Zone], now: datetime) -> list[Flow]:
    last = now.replace(second=0, microsecond=0)
    first = last - timedelta(minutes=MINUTES - 1)
    rows = _flow(program, first).filter(zone__in=outermost, at__lte=now)
    found = rows.annotate(bar=TruncMinute("at")).values("bar").annotate(came=_CAME, left=_LEFT)
    by_bar = {row["bar"]: row for row in found.order_by()}
    bars = [first + timedelta(minutes=number) for number in range(MINUTES)]
    return [_bar(at, by_bar.get(at)) for at in bars]


def _hours(program: Program, outermost: list[Zone], midnight: datetime, now: datetime) -> list[Flow]:
    rows = _flow(program, midnight).filter(zone__in=outermost, at__lte=now)
    zone = ZoneInfo(program.time_zone)
    found = rows.annotate(bar=TruncHour("at", tzinfo=zone)).values("bar").annotate(came=_CAME, left=_LEFT)
    by_bar = {row["bar"].timestamp(): row for row in found.order_by()}
    bars, at = [], midnight
    while at.date() == midnight.date():
        bars.append(_bar(at, by_bar.get(at.timestamp())))
        # By the instant, so that a day of 23 or 25 hours has as many bars.
        at = datetime.fromtimestamp(at.timestamp() + 3600, tz=zone)
    return bars


def _bar(at: datetime, row: dict[str, Any] | None) -> Flow:
    return Flow(at, row["came"], row["left"]) if row else Flow(at, 0, 0)


def _attempts(program: Program, since: datetime) -> list[dict[str, Any]]:
    rows = Attempt.objects.filter(program=program, at__gte=since, undone_at=None)
    overridden = Count("id", filter=Q(reason=Reason.OK, conflict=False) & ~Q(refused_as=""))
    counted = rows.values("reason").annotate(count=Count("id"), overridden=overridden)
    return list(counted.order_by())


def _refused(counted: list[dict[str, Any]]) -> list[Refused]:
    found: dict[str, int] = {}
    for row in counted:
        if row["reason"] != Reason.OK:
            found[row["reason"]] = found.get(row["reason"], 0) + row["count"]
    return [
        Refused(reason, SENTENCES[Reason(reason)], count)
        for reason, count in sorted(found.items(), key=lambda one: (-one[1], one[0]))
    ]


def _issuers(program: Program, since: datetime) -> list[IssuerNow]:
    """Those who issued passes today or whose passes were used today, the most used first."""
    uses = Attempt.objects.filter(
        program=program, at__gte=since, undone_at=None, reason=Reason.OK, direction=Direction.IN
    ).exclude(use_no=None)
    used = {
        row["of__issuer_id"]: row["count"]
        for row in uses.values("of__issuer_id").annotate(count=Count("id")).order_by()
    }
    made = Pass.objects.filter(program=program, created_at__gte=since).exclude(state=PassState.REPLACED)
    issued = {
        row["issuer_id"]: row["count"]
        for row in made.values("issuer_id").annotate(count=Count("id")).order_by()
    }
    names: dict[int | None, str] = dict(Issuer.objects.filter(program=program).values_list("id", "name"))
    names[None] = "Without an issuer"
    rows = [
        IssuerNow(key, names[key], issued.get(key, 0), used.get(key, 0))
        for key in names
        if key in used or key in issued
    ]
    return sorted(rows, key=lambda one: (-one.used, -one.issued, one.name))


def _gates(program: Program, now: datetime) -> list[GateNow]:
    # Of a pass that goes through several zones, the line of the gate's own. Whoever enters anew where exits
    # are not scanned gives up the old place: nobody left by this gate.
    lines = _flow(program, now - forecasts.WINDOW).filter(zone_id=F("gate__zone_id"))
    went = Q(attempt=None) | Q(attempt__direction=Direction.OUT)
    counted = lines.values("gate_id").annotate(
        came=Count("id", filter=Q(delta__gt=0)), left=Count("id", filter=Q(delta__lt=0) & went)
    )
    found = {row["gate_id"]: row for row in counted.order_by()}
    gates = programs.list_gates(workspace_id=program.workspace_id, program_id=program.pk)
    return [
        GateNow(gate, found.get(gate.pk, {}).get("came", 0), found.get(gate.pk, {}).get("left", 0))
        for gate in gates
    ]


def _offline(program: Program, since: datetime) -> dict[int, int]:
    alone = Attempt.objects.filter(program=program, at__gte=since, offline=True)
    return {
        row["device_id"]: row["count"]
        for row in alone.values("device_id").annotate(count=Count("id")).order_by()
    }


def _devices(program: Program, offline: dict[int, int], now: datetime) -> list[DeviceNow]:
    # A zone's places are lent together with those of the zones around it: the outermost say how many.
    leases = Lease.objects.filter(device__program=program, zone__parent=None)
    lent = {
        row["device_id"]: row["places"]
        for row in leases.values("device_id").annotate(places=Sum("places")).order_by()
    }
    rows = list_devices(workspace_id=program.workspace_id, program_id=program.pk)
    return [
        DeviceNow(
            device, device_state(device, now), battery_low(device),
            offline.get(device.pk, 0), lent.get(device.pk, 0),
        )
        for device in rows
    ]  # fmt: skip
