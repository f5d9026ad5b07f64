"""GET /links/{id}/stats: how often a link was scanned, when, and by whom."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from ninja import Query, Router

from control_plane.accounts.models import Workspace
from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api.auth import ApiKey
from control_plane.api.problem import FieldError, invalid
from control_plane.api.schemas import PointOut, SliceOut, StatsOut, StatsQuery, TotalsOut
from control_plane.campaigns import selectors, stats

router = Router(tags=["Statistics"])

PERIODS: Final[dict[str, tuple[stats.Unit, int]]] = {
    "1h": ("minute", 60),
    "24h": ("hour", 24),
    "7d": ("hour", 168),
    "30d": ("day", 30),
    "90d": ("day", 90),
}
"""Period → the width of a bar, and how many of them."""

DEFAULT_BREAKDOWNS: Final = ("country", "city", "device", "os", "browser", "referrer")
LONGEST: Final = timedelta(days=800)
"""Somewhat more than the 25 months for which scans are kept."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` until before `until`, in bars of `unit`."""

    since: datetime
    until: datetime
    unit: stats.Unit


@router.get(
    "/{int:link_id}/stats",
    auth=ApiKey(KeyScope.STATS_READ),
    response=StatsOut,
    operation_id="get_link_stats",
    summary="Statistics of a link",
)
def get_link_stats(request: HttpRequest, link_id: int, where: Query[StatsQuery]) -> StatsOut:
    """Totals, a series over time and breakdowns, people and robots apart. Scans are in within seconds.

    Totals and hours count whole UTC hours; breakdowns whole UTC days, both ends included.
    """
    workspace_id = request.auth.workspace_id  # type: ignore[attr-defined]
    dimensions = _dimensions(where.by)
    with workspace_scope(workspace_id):
        link = selectors.get_link(workspace_id=workspace_id, link_id=link_id)
        zone = _zone(where.tz or Workspace.objects.get().time_zone)
    span = read_span(where, datetime.now(UTC), zone)
    asked = {"workspace_id": workspace_id, "link_id": link.pk, "since": span.since, "until": span.until}
    totals = stats.link_totals(**asked)
    series = stats.link_series(**asked, unit=span.unit, time_zone=zone.key)
    slices = stats.link_breakdowns(**asked, dimensions=dimensions, limit=where.top)
    return StatsOut(
        link_id=link.pk,
        since=span.since,
        until=span.until,
        tz=zone.key,
        unit=span.unit,
        totals=TotalsOut(
            humans=totals.humans, bots=totals.bots, visitors=totals.visitors, last_at=totals.last_at
        ),
        series=[PointOut(at=point.bucket, humans=point.humans, bots=point.bots) for point in series],
        breakdowns={
            name: [
                SliceOut(value=one.value, humans=one.humans, bots=one.bots, visitors=one.visitors)
                for one in found
            ]
            for name, found in slices.items()
        },
    )


def read_span(where: StatsQuery, now: datetime, zone: ZoneInfo) -> Span:
    """The span asked for; `period` ends with the bar that holds `now`. Raises Problem."""
    if where.since is None and where.until is None:
        unit, count = PERIODS[where.period or "24h"]
        if unit == "day":
            tomorrow = (now.astimezone(zone) + timedelta(days=1)).date()
            until = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
            first = tomorrow - timedelta(days=count)
            since = datetime(first.year, first.month, first.day, tzinfo=zone)
            return Span(since.astimezone(UTC), until.astimezone(UTC), unit)
        step = timedelta(minutes=1) if unit == "minute" else timedelta(hours=1)
        until = now.replace(second=0, microsecond=0) + step
        if unit == "hour":
            until = until.replace(minute=0)
        return Span(until - step * count, until, unit)
    if where.period is not None:
        raise invalid(FieldError("period", "Give either a period, or since and until."))
    if where.since is None:
        raise invalid(FieldError("since", "Give the beginning too, such as 2027-03-01T00:00:00Z."))
    until = where.until or now
    if until <= where.since:
        raise invalid(FieldError("until", "The end has to come after the beginning."))
    length = until - where.since
    if length > LONGEST:
        raise invalid(FieldError("since", f"Ask for at most {LONGEST.days} days at once."))
    unit = "minute" if length <= timedelta(hours=3) else "hour" if length <= timedelta(days=14) else "day"
    return Span(where.since, until, unit)


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise invalid(FieldError("tz", "Give a time zone by its IANA name, such as Europe/Berlin."))
    return ZoneInfo(name)


def _dimensions(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if unknown := [name for name in names if name not in stats.DIMENSIONS]:
        choice = ", ".join(stats.DIMENSIONS)
        raise invalid(FieldError("by", f"There is no breakdown by “{unknown[0][:40]}”. Choose of {choice}."))
    return names or DEFAULT_BREAKDOWNS
