"""Opening hours of a program: what may be written, and whether it is open at a moment. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from control_plane.passes.errors import Invalid

MOST: Final = 50
_clock = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def check_hours(value: Any) -> list[dict[str, Any]]:
    """[{"days": [0, 1], "from": "08:00", "to": "18:00"}, …] in order; Monday is 0.

    A `to` that is not after `from` is on the next day: "18:00" to "02:00" is an evening. Raises
    Invalid(opening_hours).
    """
    if not isinstance(value, list) or len(value) > MOST:
        raise Invalid("opening_hours", f"Give a list of at most {MOST} periods.")
    found = []
    for number, period in enumerate(value, 1):
        where = f"Period {number}"
        if not isinstance(period, dict) or set(period) != {"days", "from", "to"}:
            raise Invalid("opening_hours", f"{where} needs days, from and to, and nothing else.")
        days = period["days"]
        if (
            not isinstance(days, list)
            or not days
            or any(type(day) is not int or not 0 <= day <= 6 for day in days)
        ):
            raise Invalid("opening_hours", f"{where}: give days as numbers, 0 for Monday to 6 for Sunday.")
        for end in ("from", "to"):
            if not isinstance(period[end], str) or not _clock.fullmatch(period[end]):
                raise Invalid("opening_hours", f"{where}: write “{end}” as a time of day, such as 08:00.")
        if period["from"] in ("24:00", period["to"]):
            raise Invalid("opening_hours", f"{where} has no length. For a whole day, write 00:00 to 24:00.")
        found.append({"days": sorted(set(days)), "from": period["from"], "to": period["to"]})
    return sorted(found, key=lambda one: (one["days"], one["from"], one["to"]))


def is_open(hours: Sequence[dict[str, Any]], time_zone: str, now: datetime) -> bool:
    """Whether `now` is in one of the periods; without any it is always open."""
    if not hours:
        return True
    local = now.astimezone(ZoneInfo(time_zone))
    clock, today = f"{local:%H:%M}", local.weekday()
    yesterday = (local - timedelta(days=1)).weekday()
    for period in hours:
        overnight = period["to"] <= period["from"]
        if today in period["days"] and clock >= period["from"] and (overnight or clock < period["to"]):
            return True
        if overnight and yesterday in period["days"] and clock < period["to"]:
            return True
    return False
