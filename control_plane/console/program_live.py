"""What happens in a program now: who is inside, what gates said today, which devices are there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Q
from django.utils import timezone

from control_plane.passes import devices, occupancy, programs, room
from control_plane.passes.models import Attempt, Device, Direction, Gate, Program, Zone
from control_plane.passes.reason import SENTENCES, Reason

LAST: Final = 8


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """A zone and how full it is. percent: None without a capacity; depth: 0 is outermost."""

    zone: Zone
    depth: int
    percent: int | None
    level: str
    gates: list[Gate]


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class LastScan:
    attempt: Attempt
    sentence: str


@dataclass(frozen=True, slots=True)
class Today:
    """Since midnight of the program's time zone. What was taken back does not count."""

    admitted: int
    left: int
    by_supervisor: int
    refused: list[Refused]
    last: list[LastScan]

    @property
    def refusals(self) -> int:
        return sum(one.count for one in self.refused)


@dataclass(frozen=True, slots=True)
class DeviceState:
    """state: online, away, waiting for its phone."""

    device: Device
    state: str
    battery_low: bool


def zones(program: Program) -> list[ZoneCount]:
    """Outermost first, each followed by what is inside of it."""
    by_zone: dict[int, list[Gate]] = {}
    for gate in programs.list_gates(workspace_id=program.workspace_id, program_id=program.pk):
        by_zone.setdefault(gate.zone_id, []).append(gate)
    return [
        ZoneCount(
            zone,
            len(zone.path) - 1,
            room.percent(zone.inside, zone.capacity),
            occupancy.level(zone.inside, zone.capacity, zone.leased),
            by_zone.get(zone.pk, []),
        )
        for zone in programs.list_zones(workspace_id=program.workspace_id, program_id=program.pk)
    ]


def today(program: Program, now: datetime | None = None) -> Today:
    """In the current time zone, which is the program's on its pages."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Attempt.objects.filter(program=program, at__gte=midnight)
    standing = Q(undone_at=None)
    overridden = standing & Q(conflict=False) & ~Q(refused_as="")
    counted = rows.values("reason", "direction").annotate(
        standing=Count("id", filter=standing), overridden=Count("id", filter=overridden)
    )
    found = {(row["reason"], row["direction"]): row for row in counted.order_by()}
    ok_in = found.get((Reason.OK, Direction.IN), {"standing": 0, "overridden": 0})
    ok_out = found.get((Reason.OK, Direction.OUT), {"standing": 0})
    refused: dict[str, int] = {}
    for (reason, _), row in found.items():
        if reason != Reason.OK:
            refused[reason] = refused.get(reason, 0) + row["standing"]
    return Today(
        ok_in["standing"],
        ok_out["standing"],
        ok_in["overridden"],
        [
            Refused(reason, SENTENCES[Reason(reason)], count)
            for reason, count in sorted(refused.items(), key=lambda one: (-one[1], one[0]))
        ],
        [LastScan(one, SENTENCES[Reason(one.reason)]) for one in _last(program)],
    )


def _last(program: Program) -> list[Attempt]:
    rows = Attempt.objects.filter(program=program).select_related("of", "gate", "device")
    return list(rows.order_by("-at", "-id")[:LAST])


def device_states(program: Program, now: datetime | None = None) -> list[DeviceState]:
    """By name, without those that were removed."""
    now = now or timezone.now()
    rows = devices.list_devices(workspace_id=program.workspace_id, program_id=program.pk)
    return [device_state(device, now) for device in rows]


def device_state(device: Device, now: datetime) -> DeviceState:
    return DeviceState(device, room.device_state(device, now), room.battery_low(device))


def load(program: Program) -> dict[str, Any]:
    """Everything the overview shows."""
    states = device_states(program)
    return {
        "zones": zones(program),
        "today": today(program),
        "devices": states,
        "online": sum(one.state == "online" for one in states),
    }
