"""What the pages of the control room show: its state, with charts, and what stands out on a wall."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from control_plane.console.flow_chart import flow_chart
from control_plane.passes import room
from control_plane.passes.models import Program
from control_plane.passes.room import Room, ZoneNow

MOST_CARDS: Final = 4
MOST_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class Wall:
    """What fits on a screen that is read from ten metres: the outermost zones large, the fullest of the
    others as rows; `more` are not shown."""

    cards: list[ZoneNow]
    rows: list[ZoneNow]
    more: int


def load(program: Program) -> dict[str, Any]:
    """For the room's templates, in the program's time zone."""
    now = room.load(program=program)
    return {
        "room": now,
        "minutes": flow_chart(now.minutes, unit="minute", period="the last 60 minutes", every=15),
        "hours": flow_chart(now.hours, unit="hour", period="today", every=6),
        "busiest": max(now.hours, key=lambda one: one.came, default=None),
        "issued_most": max([one.used for one in now.issuers], default=0),
        "refused_most": max([one.count for one in now.refused], default=0),
    }


def wall(now: Room) -> Wall:
    outermost = [one for one in now.zones if one.depth == 0]
    cards = sorted(outermost, key=_fullest)[:MOST_CARDS] if len(outermost) > MOST_CARDS else outermost
    others = sorted((one for one in now.zones if one not in cards), key=_fullest)
    rows = others[:MOST_ROWS]
    return Wall(cards, rows, len(others) - len(rows))


def levels(now: Room) -> dict[str, Any]:
    """What the pages say aloud when it changes, and when this was."""
    return {
        "full": [one.zone.name for one in now.zones if one.level == "full"],
        "warning": [one.zone.name for one in now.zones if one.level == "warning"],
        "at": timezone.localtime(now.at).strftime("%H:%M"),
    }


def _fullest(one: ZoneNow) -> tuple[int, str]:
    return -(one.percent or 0), one.zone.name
