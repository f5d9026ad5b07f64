"""Scans over time, as the chart and its table show them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from control_plane.console.periods import STEPS, Period


@dataclass(frozen=True)
class Bar:
    """The scans of one minute, hour or day, with its label in the workspace's time zone."""

    label: str
    humans: int
    bots: int


@dataclass(frozen=True)
class Series:
    """data: JSON for the chart. rows: the same as a table, newest first. summary: one sentence for ears."""

    unit: str
    rows: list[Bar]
    data: dict[str, Any]
    summary: str

    @property
    def unit_title(self) -> str:
        return self.unit.capitalize()


def series(
    points: Iterable[tuple[datetime | date, int, int]], starts: list[datetime], period: Period, zone: ZoneInfo
) -> Series:
    """`starts` are the bars to show (periods.buckets); `points` are (bucket, humans, bots), gaps allowed."""
    found = {_key(bucket, zone, period.unit): (humans, bots) for bucket, humans, bots in points}
    humans = [found.get(_key(start, zone, period.unit), (0, 0))[0] for start in starts]
    bots = [found.get(_key(start, zone, period.unit), (0, 0))[1] for start in starts]
    form = {"day": "%a %-d %b", "hour": "%a %-d %b, %H:%M", "minute": "%H:%M"}[period.unit]
    rows = [
        Bar(start.strftime(form), people, machines)
        for start, people, machines in zip(starts, humans, bots, strict=True)
    ]
    data = {
        "at": [int(start.timestamp()) for start in starts],
        "humans": humans,
        "bots": bots,
        "unit": period.unit,
        "step": STEPS[period.unit],
        "span": STEPS[period.unit] * period.count,
        "timeZone": str(zone),
    }
    summary = (
        f"Bar chart of scans per {period.unit}, {period.label.lower()}: "
        f"{sum(humans):,} by people and {sum(bots):,} by bots."
    )
    return Series(period.unit, rows[::-1], data, summary)


def _key(bucket: datetime | date, zone: ZoneInfo, unit: str) -> object:
    """A day by its date in the zone, anything finer by its instant."""
    if not isinstance(bucket, datetime):
        return bucket
    at = bucket if bucket.tzinfo else bucket.replace(tzinfo=zone)
    return at.astimezone(zone).date() if unit == "day" else at.timestamp()
