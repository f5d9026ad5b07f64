"""A workspace at a glance."""

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.models import Workspace
from control_plane.accounts.permissions import Permission, allows
from control_plane.campaigns import selectors, stats
from control_plane.campaigns.errors import StatsUnavailable
from control_plane.campaigns.models import Link
from control_plane.console import breakdowns
from control_plane.console.periods import PERIODS, Period, buckets, end, read_period
from control_plane.console.series import Series, series
from control_plane.console.shell import page, page_view

TOP = 8
# Without the minutes: those are read from the events, one link at a time.
OVERVIEW_PERIODS = PERIODS[1:]


@dataclass(frozen=True)
class Total:
    """None: not known."""

    key: str
    label: str
    humans: int | None = None
    bots: int | None = None


@dataclass(frozen=True)
class TopLink:
    link: Link
    humans: int
    width: float


@dataclass(frozen=True)
class Overview:
    """problem: a sentence, where ClickHouse does not answer; then the rest is empty."""

    totals: list[Total]
    series: Series | None = None
    top_links: list[TopLink] = field(default_factory=list)
    countries: breakdowns.Panel | None = None
    problem: str = ""


@require_GET
@page_view(Permission.WORKSPACE_VIEW)
def overview(request: WorkspaceRequest) -> HttpResponse:
    workspace = request.workspace
    period = read_period(request.GET.get("period", "7d"))
    period = period if period in OVERVIEW_PERIODS else OVERVIEW_PERIODS[0]
    context = {"period": period, "periods": OVERVIEW_PERIODS, "has_links": False}
    if allows(request.membership.role, Permission.STATS_READ):
        latest = selectors.list_links(
            workspace_id=workspace.pk, where=selectors.LinkFilter(order="updated"), limit=6
        ).links
        context |= {"has_links": bool(latest), "recent_links": latest}
        if latest:
            context["stats"] = _load(workspace, period)
    return page(request, "console/overview.html", section="overview", **context)


def _load(workspace: Workspace, period: Period) -> Overview:
    zone = ZoneInfo(workspace.time_zone)
    now = timezone.now()
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = now + timedelta(days=1)
    spans = {
        "Today": midnight,
        "7 days": midnight - timedelta(days=6),
        "30 days": midnight - timedelta(days=29),
    }
    starts = buckets(period, now, zone)
    span = {"workspace_id": workspace.pk, "since": starts[0], "until": end(period, starts)}
    try:
        counted = {
            label: stats.workspace_totals(workspace_id=workspace.pk, since=since, until=tomorrow)
            for label, since in spans.items()
        }
        points = stats.workspace_series(**span, unit=period.unit, time_zone=workspace.time_zone)
        top = stats.workspace_top_links(**span, limit=TOP)
        countries = stats.workspace_breakdown(**span, dimension="country", limit=50)
    except StatsUnavailable as error:
        return Overview([Total(label, label) for label in spans], problem=error.message)
    links = selectors.links_by_id(workspace_id=workspace.pk, link_ids=[row.link_id for row in top])
    known = [row for row in top if row.link_id in links and row.humans]
    most = known[0].humans if known else 1
    return Overview(
        totals=[Total(label, label, found.humans, found.bots) for label, found in counted.items()],
        series=series(((p.bucket, p.humans, p.bots) for p in points), starts, period, zone),
        top_links=[
            TopLink(links[row.link_id], row.humans, round(100 * row.humans / most, 1)) for row in known
        ],
        countries=breakdowns.panel(
            "country", "Countries", "Country", "No scans by people in this period.", rows=countries
        ),
    )
