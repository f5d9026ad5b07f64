"""The numbers on a link's page, ready to be rendered; or the sentence why they cannot be had."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from control_plane.accounts.models import Workspace
from control_plane.campaigns import stats
from control_plane.campaigns.errors import StatsUnavailable
from control_plane.campaigns.models import Link
from control_plane.console import breakdowns, names, signals
from control_plane.console.periods import Period, buckets, end
from control_plane.console.series import Series, series

RECENT = 12
SIGNAL_SAMPLE = 200


@dataclass(frozen=True)
class Totals:
    """None: not known."""

    humans: int | None = None
    bots: int | None = None
    visitors: int | None = None
    last_at: datetime | None = None


@dataclass(frozen=True)
class ShownScan:
    """One line of the latest scans. key: the same for the same scan when the page asks again."""

    key: str
    at: datetime
    is_bot: bool
    bot_name: str
    country: str
    place: str
    detail: str
    icon: str
    reason: str
    reason_label: str


@dataclass(frozen=True)
class LinkStats:
    """problem: a sentence, where ClickHouse does not answer; then the rest is empty.

    visitors_since, days_since: where the rollups count more than the chart shows, from when they do.
    """

    totals: Totals = Totals()
    series: Series | None = None
    cards: list[breakdowns.Card] = field(default_factory=list)
    recent: list[ShownScan] = field(default_factory=list)
    bot_signals: list[signals.Signal] = field(default_factory=list)
    bot_sample: int = 0
    visitors_since: datetime | None = None
    days_since: date | None = None
    problem: str = ""


def load(workspace: Workspace, link: Link, period: Period) -> LinkStats:
    zone = ZoneInfo(workspace.time_zone)
    starts = buckets(period, timezone.now(), zone)
    span = {
        "workspace_id": workspace.pk,
        "link_id": link.pk,
        "since": starts[0],
        "until": end(period, starts),
    }
    try:
        totals = stats.link_totals(**span)
        points = stats.link_series(**span, unit=period.unit, time_zone=workspace.time_zone)
        found = stats.link_breakdowns(**span, dimensions=breakdowns.DIMENSIONS, limit=50)
        latest = stats.recent_scans(workspace_id=workspace.pk, link_id=link.pk, limit=SIGNAL_SAMPLE)
    except StatsUnavailable as error:
        return LinkStats(problem=error.message)
    last_at = latest[0].at if latest else None
    shown = series(((point.bucket, point.humans, point.bots) for point in points), starts, period, zone)
    return LinkStats(
        # The chart and the number above it are the same count: the rollup's totals start at a whole hour.
        totals=Totals(sum(shown.data["humans"]), sum(shown.data["bots"]), totals.visitors, last_at),
        series=shown,
        cards=breakdowns.cards(found, rule_labels(link.rules)),
        recent=[_shown(scan) for scan in latest[:RECENT]],
        bot_signals=signals.explain(scan.bot_signals for scan in latest if scan.is_bot),
        bot_sample=len(latest),
        visitors_since=starts[0].replace(minute=0) if period.unit == "minute" else None,
        days_since=starts[0].astimezone(UTC).date() if period.unit != "day" else None,
    )


def rule_labels(rules: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What the link's rules and variants are called now, by dimension and recorded value."""
    called: dict[str, str] = {}
    variants: dict[str, str] = {}
    for number, rule in enumerate(rules, start=1):
        name = rule.get("name", "")
        called[str(number)] = f"Rule {number}: {name}" if name else f"Rule {number}"
        for index, variant in enumerate(rule.get("then", {}).get("variants", []), start=1):
            shown = variant.get("name") or variant.get("to", "").split("://", 1)[-1]
            variants[f"{number}.{index}"] = f"{name or f'Rule {number}'}: {shown}"
    return {"rule": called, "variant": variants}


def _shown(scan: stats.RecentScan) -> ShownScan:
    place = ", ".join(part for part in (scan.city, names.country(scan.country)) if part)
    device = scan.device_model or names.device(scan.device)
    via = scan.in_app or scan.browser
    if scan.is_bot:
        parts = [signals.label(word) for word in scan.bot_signals]
    else:
        parts = [device, scan.os, f"in {via}" if scan.in_app else via]
    if scan.placement:
        parts.append(f"at “{scan.placement}”")
    if scan.referrer_host:
        parts.append(f"from {scan.referrer_host}")
    return ShownScan(
        key=f"{scan.at.timestamp():.6f}",
        at=scan.at,
        is_bot=bool(scan.is_bot),
        bot_name=scan.bot_name or "Bot",
        country=scan.country,
        place=place if scan.country else "Unknown place",
        detail=" · ".join(part for part in parts if part and part != names.UNKNOWN) or "Nothing known",
        icon=breakdowns.device_icon(scan.device),
        reason=scan.reason,
        reason_label=names.reason(scan.reason),
    )
