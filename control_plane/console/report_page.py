"""What the report's page shows beside its tables: bars by hour or day, and a week's hours in shades."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from control_plane.console.flow_chart import flow_chart
from control_plane.passes.report import Report
from control_plane.passes.report_tables import DAYS, tables
from control_plane.passes.room import Flow

MOST_ROWS: Final = 100
"""Of one table on the page; the files have more."""
HOURS_UP_TO: Final = timedelta(days=4)
SHADES: Final = 5
_OWN: Final = ("summary", "hours", "weekdays")


def shown(report: Report) -> dict[str, Any]:
    """For the template, in the program's time zone."""
    made = [
        replace(one, rows=one.rows[:MOST_ROWS], more=one.more + max(len(one.rows) - MOST_ROWS, 0))
        for one in tables(report, short=True)
    ]
    most = max(map(max, report.by_weekday))
    return {
        "tables": [one for one in made if one.name not in _OWN],
        "chart": _chart(report) if report.hours else None,
        "by_day": report.period.until - report.period.since > HOURS_UP_TO,
        "week": [
            (DAYS[day], [(hour, came, _shade(came, most)) for hour, came in enumerate(row)])
            for day, row in enumerate(report.by_weekday)
            if any(row)
        ],
        "unused_share": report.total.unused / report.total.issued if report.total.issued else None,
    }


def _shade(came: int, most: int) -> int:
    """0 for nobody, to 5 for the most."""
    return -(-came * SHADES // most) if most else 0


def _chart(report: Report) -> Any:
    period = report.period
    by_hour = period.until - period.since <= HOURS_UP_TO
    zone = period.since.tzinfo
    found: dict[Any, list[int]] = {}
    for one in report.hours:
        local = one.at.astimezone(zone)
        bar = found.setdefault(one.at.timestamp() if by_hour else local.date(), [0, 0])
        bar[0] += one.came
        bar[1] += one.left
    bars = []
    if by_hour:
        at = period.since.timestamp()
        # From two hours before the first to two after the last: an evening is not lost in a day.
        first = max(at, report.hours[0].at.timestamp() - 7200)
        last = min(period.until.timestamp(), report.hours[-1].at.timestamp() + 10_800)
        while at < last:
            if at >= first:
                bars.append(Flow(datetime.fromtimestamp(at, tz=zone), *found.get(at, (0, 0))))
            at += 3600
    else:
        for number in range((period.last - period.first).days + 1):
            day = period.first + timedelta(days=number)
            start = datetime(day.year, day.month, day.day, tzinfo=zone)
            bars.append(Flow(start, *found.get(day, (0, 0))))
    every = max(-(-len(bars) // 4), 1)
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    # Whole quarters, so that each label stands below its bar.
    bars += [Flow(bars[-1].at + step * (number + 1), 0, 0) for number in range(-len(bars) % every)]
    unit = "hour" if by_hour else "day"
    return flow_chart(bars, unit=unit, period=f"{period.first} to {period.last}", every=every)
