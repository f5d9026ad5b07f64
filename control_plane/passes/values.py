"""What each value of programs, zones, gates and issuers may be, and the sentence where it may not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from django.db import models

from control_plane.passes.errors import Invalid
from control_plane.passes.hours import check_hours
from control_plane.passes.models import Gate, Program, ProgramKind, ProgramState, Reentry

MOST_PEOPLE: Final = 10_000_000
_LONGEST: Final = {"name": 80, "place": 120, "note": 200}


def text(field: str, value: Any, *, required: bool = False) -> str:
    """One line without odd white space. Raises Invalid(field)."""
    if not isinstance(value, str):
        raise Invalid(field, "Write a text.")
    line = " ".join(value.split())
    longest = _LONGEST.get(field, 200)
    if required and not line:
        raise Invalid(field, f"Give a {field} of 1 to {longest} characters.")
    if len(line) > longest:
        raise Invalid(field, f"Use at most {longest} characters; this has {len(line)}.")
    if not line.isprintable():
        raise Invalid(field, "Leave out the control characters.")
    return line


def number(field: str, value: Any, *, least: int = 1, most: int = MOST_PEOPLE) -> int | None:
    """A whole number, or None. Raises Invalid(field)."""
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        raise Invalid(field, f"Give a whole number from {least:,} to {most:,}, or nothing.")
    return value


def one_of(field: str, value: Any, choices: type[models.TextChoices]) -> str:
    """Raises Invalid(field)."""
    if value not in choices.values:
        raise Invalid(field, f"Choose one of: {', '.join(choices.values)}.")
    return str(value)


def moment(field: str, value: Any) -> datetime | None:
    """Raises Invalid(field)."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Invalid(field, "Give date, time and time zone.")
    if not 2020 < value.year < 2051:
        raise Invalid(field, "Choose a date between the years 2021 and 2050.")
    return value


def flag(field: str, value: Any) -> bool:
    """Raises Invalid(field)."""
    if not isinstance(value, bool):
        raise Invalid(field, "Choose yes or no.")
    return value


def zone_name(value: Any) -> str:
    """An IANA time zone. Raises Invalid(time_zone)."""
    if value not in available_timezones():
        raise Invalid("time_zone", "Choose a time zone, such as Europe/Berlin.")
    return ZoneInfo(value).key


PROGRAM: Final[Mapping[str, Any]] = {
    "name": lambda value: text("name", value, required=True),
    "kind": lambda value: one_of("kind", value, ProgramKind),
    "state": lambda value: one_of("state", value, ProgramState),
    "place": lambda value: text("place", value),
    "time_zone": zone_name,
    "starts_at": lambda value: moment("starts_at", value),
    "ends_at": lambda value: moment("ends_at", value),
    "opening_hours": check_hours,
    "reentry": lambda value: one_of("reentry", value, Reentry),
    "max_uses": lambda value: number("max_uses", value, most=100_000),
    "use_hours": lambda value: number("use_hours", value, most=24 * 366),
    "auto_exit_minutes": lambda value: number("auto_exit_minutes", value, most=60 * 24 * 31),
    "offline": lambda value: flag("offline", value),
    "rotating": lambda value: flag("rotating", value),
    "show_holder": lambda value: flag("show_holder", value),
    "keep_plates": lambda value: flag("keep_plates", value),
}
"""Field of a program → what makes a good value of it."""


def apply_program(program: Program, values: Mapping[str, Any]) -> bool:
    """Set the values on the program. Returns whether anything differs. Raises Invalid(field, message)."""
    if unknown := values.keys() - PROGRAM.keys():
        raise Invalid(min(unknown), "This cannot be changed.")
    before = {field: getattr(program, field) for field in PROGRAM}
    for field, value in values.items():
        setattr(program, field, PROGRAM[field](value))
    if program.starts_at and program.ends_at and program.ends_at <= program.starts_at:
        raise Invalid("ends_at", "The end must come after the start.")
    if program.reentry == Reentry.COUNT and not program.max_uses:
        raise Invalid("max_uses", "Say how many times a pass may be used.")
    if program.reentry == Reentry.NONE and (program.max_uses or 1) > 1:
        raise Invalid("max_uses", "A pass that admits once has no maximum; choose another re-entry rule.")
    return before != {field: getattr(program, field) for field in PROGRAM}


def gate_way(value: Any) -> str:
    """Raises Invalid(way)."""
    return one_of("way", value, Gate.Way)
