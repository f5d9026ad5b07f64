"""The spans of time a person can look at, and their buckets. Pure: the clock is an argument."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Period:
    """unit: minute, hour or day, the width of a bar. count: how many bars."""

    key: str
    short: str
    label: str
    unit: str
    count: int


PERIODS: Final = (
    Period("1h", "1 h", "Last 60 minutes", "minute", 60),
    Period("24h", "24 h", "Last 24 hours", "hour", 24),
    Period("7d", "7 d", "Last 7 days", "hour", 168),
    Period("30d", "30 d", "Last 30 days", "day", 30),
    Period("90d", "90 d", "Last 90 days", "day", 90),
)
DEFAULT: Final = PERIODS[1]
STEPS: Final = {"minute": 60, "hour": 3600, "day": 86_400}


def read_period(key: str) -> Period:
    """The period of that key; an unknown key is the default."""
    return next((period for period in PERIODS if period.key == key), DEFAULT)


def buckets(period: Period, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The start of each bar in the zone, oldest first; the last one holds `now`.

    Days are the zone's own, 23 to 25 hours long. Hours are UTC's, as in the rollups: where a zone is half an
    hour off, its bars begin at half past.
    """
    if period.unit == "day":
        today = now.astimezone(zone).date()
        days = (today - timedelta(days=back) for back in reversed(range(period.count)))
        return [datetime.combine(day, time(), zone) for day in days]
    last = now.astimezone(UTC).replace(second=0, microsecond=0)
    if period.unit == "hour":
        last = last.replace(minute=0)
    step = timedelta(seconds=STEPS[period.unit])
    return [(last - step * back).astimezone(zone) for back in reversed(range(period.count))]


def end(period: Period, starts: list[datetime]) -> datetime:
    """Where the last bar ends. Asking until there counts this very second's scans too."""
    last = starts[-1]
    if period.unit == "day":
        return datetime.combine(last.date() + timedelta(days=1), time(), last.tzinfo)
    return (last.astimezone(UTC) + timedelta(seconds=STEPS[period.unit])).astimezone(last.tzinfo)
