"""Opening hours as people write them: "Mon-Fri 08:00-18:00", one period a line. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Final

from control_plane.passes.errors import Invalid

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EXAMPLE: Final = "such as Mon-Fri 08:00-18:00"
_period = re.compile(r"(?P<days>.*?)\s*(?P<from>\d{1,2}(?:[:.]\d\d)?)\s*-\s*(?P<to>\d{1,2}(?:[:.]\d\d)?)")
_clock = re.compile(r"(\d{1,2})(?:[:.](\d\d))?")


def read_hours(text: str) -> list[dict[str, Any]]:
    """What `hours.check_hours` takes. Raises Invalid(opening_hours) that names the line."""
    lines = [line.strip() for line in re.split(r"[\n;]", re.sub(r"[‐-―]", "-", text))]
    return [_read(line, number) for number, line in enumerate(filter(None, lines), 1)]


def write_hours(hours: Sequence[dict[str, Any]]) -> str:
    """The text that `read_hours` reads as these hours."""
    return "\n".join(f"{_days_text(one['days'])} {one['from']}-{one['to']}" for one in hours)


def _read(line: str, number: int) -> dict[str, Any]:
    match = _period.fullmatch(line)
    if match is None:
        raise Invalid("opening_hours", f"Line {number}: write days and times, {_EXAMPLE}.")
    return {
        "days": _days(match["days"], number),
        "from": _time(match["from"], number),
        "to": _time(match["to"], number),
    }


def _days(text: str, number: int) -> list[int]:
    if not text or text.casefold() in ("daily", "every day"):
        return list(range(7))
    found: set[int] = set()
    for part in re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", text).strip(" ,:")):
        first, _, last = part.partition("-")
        start, end = _day(first, number), _day(last or first, number)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return sorted(found)


def _day(text: str, number: int) -> int:
    short = text[:3].capitalize()
    if short not in DAYS:
        raise Invalid(
            "opening_hours", f"Line {number}: “{text}” is no day. Use {', '.join(DAYS)}, {_EXAMPLE}."
        )
    return DAYS.index(short)


def _time(text: str, number: int) -> str:
    match = _clock.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise Invalid("opening_hours", f"Line {number}: “{text}” is no time of day. Write 00:00 to 24:00.")
    return f"{hour:02}:{minute:02}"


def _days_text(days: Sequence[int]) -> str:
    if len(days) == 7:
        return "Daily"
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        "-".join(DAYS[end] for end in ((run[0], run[-1]) if len(run) > 2 else run[:1]))
        if len(run) != 2
        else f"{DAYS[run[0]]}, {DAYS[run[1]]}"
        for run in runs
    )
