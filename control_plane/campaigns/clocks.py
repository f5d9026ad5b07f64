"""Times in a draft rule: time zones, hours of the day, dates with their offset."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones

from control_plane.campaigns.draft import Draft, shown
from edge.rules import Dates, Time

_clock = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_moment = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def check_time(draft: Draft) -> Time:
    """Weekdays and hours in a time zone. Raises InvalidLink."""
    draft.only(("type", "zone", "days", "start", "end"))
    zone = zones().get(draft.text("zone", 64).lower())
    if zone is None:
        raise draft.refuse("Give the time zone by its IANA name, such as Europe/Berlin.", "zone")
    days = set()
    for day in draft.items("days", needed=False):
        if not isinstance(day, int) or isinstance(day, bool) or not 1 <= day <= 7:
            raise draft.refuse(f"{shown(day)} is not a weekday. Use 1 (Monday) to 7 (Sunday).", "days")
        days.add(day)
    start, end = _hour(draft, "start"), _hour(draft, "end")
    return Time(zone=zone, days=tuple(sorted(days)), start=start, end=end)


def _hour(draft: Draft, field: str) -> str:
    text = draft.text(field, 64) or "00:00"
    found = _clock.fullmatch(text)
    if found is None or not (int(found[1]) < 24 and int(found[2]) < 60):
        # Midnight at the end of a day is the next one's beginning.
        if field == "end" and text == "24:00":
            return "00:00"
        raise draft.refuse(f"{shown(text)} is not a time of day. Write it as 08:30 or 22:00.", field)
    return f"{int(found[1]):02}:{found[2]}"


def check_dates(draft: Draft) -> Dates:
    """From a start, until before an end. Raises InvalidLink."""
    draft.only(("type", "start", "end"))
    start, end = read_moment(draft, "start"), read_moment(draft, "end")
    if start is None and end is None:
        raise draft.refuse("Give a start, an end, or both, such as 2027-03-01T09:00:00Z.")
    if start and end and end <= start:
        raise draft.refuse("The end has to come after the start.", "end")
    return Dates(start=written(start), end=written(end))


def read_moment(draft: Draft, field: str) -> datetime | None:
    """RFC 3339 with an offset, to the second; None for ''. Raises InvalidLink."""
    text = draft.text(field, 64)
    if not text:
        return None
    try:
        if not _moment.fullmatch(text):
            raise ValueError(text)
        at = datetime.fromisoformat(text[:19] + re.sub(r"^\.\d+", "", text[19:]).upper())
    except ValueError:
        raise draft.refuse(
            f"{shown(text)} is not a date and time with its offset, such as 2027-03-01T09:00:00+01:00.", field
        ) from None
    if not 2000 <= at.year <= 9000:
        raise draft.refuse("Choose a date between the years 2000 and 9000.", field)
    return at


def written(at: datetime | None) -> str:
    """With the offset it came with; Z for UTC."""
    if at is None:
        return ""
    return at.isoformat().replace("+00:00", "Z") if at.utcoffset() == UTC.utcoffset(None) else at.isoformat()


@cache
def zones() -> Mapping[str, str]:
    """Every IANA time zone, by its name in lower case. A walk through files, so once."""
    return {name.lower(): name for name in available_timezones()}
