"""Statistics from a real ClickHouse: the right workspace, the right zone, and a sentence when it is away."""

import dataclasses
import itertools
import uuid
from datetime import UTC, date, datetime, timedelta

import clickhouse_connect
import pytest

from deploy.ports import free_port

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SPAN = {"since": AT - timedelta(hours=2), "until": AT + timedelta(hours=1)}
COLUMNS = ["event_id", "at", "workspace_id", "link_id", "reason", "status", "country", "is_bot", "visitor_id"]


def use(monkeypatch, url):
    from django.conf import settings

    from control_plane.campaigns import stats

    monkeypatch.setattr(settings, "CONFIG", dataclasses.replace(settings.CONFIG, clickhouse_url=url))
    monkeypatch.setattr(stats, "_client", None)
    return stats


@pytest.fixture
def stats(console, clickhouse_database, monkeypatch):
    """Workspace 1: two people and a bot on link 10. Workspace 2: one person on a link of the same number."""
    rows = [
        [uuid.uuid4(), AT + timedelta(minutes=n), workspace, 10, "ok", 302, country, bot, n + 1]
        for n, (workspace, country, bot) in enumerate(
            [(1, "ES", 0), (1, "DE", 0), (1, "US", 1), (2, "FR", 0)]
        )
    ]
    with clickhouse_connect.get_client(dsn=clickhouse_database) as client:
        if client.query("SELECT count() FROM events").first_row == (0,):
            client.insert("events", rows, column_names=COLUMNS)
    module = use(monkeypatch, clickhouse_database)
    yield module
    module.client().close()


def test_totals_are_those_of_the_workspace(stats):
    mine = stats.link_totals(workspace_id=1, link_id=10, **SPAN)
    assert (mine.humans, mine.bots, mine.visitors) == (2, 1, 2)
    assert mine.last_at == AT + timedelta(minutes=2)
    theirs = stats.workspace_totals(workspace_id=2, **SPAN)
    assert (theirs.humans, theirs.bots) == (1, 0)
    assert stats.link_totals(workspace_id=3, link_id=10, **SPAN) == stats.Totals()


def test_a_span_may_come_in_any_zone(stats):
    from zoneinfo import ZoneInfo

    tokyo = {name: at.astimezone(ZoneInfo("Asia/Tokyo")) for name, at in SPAN.items()}
    assert stats.workspace_totals(workspace_id=1, **tokyo) == stats.workspace_totals(workspace_id=1, **SPAN)


@pytest.mark.parametrize("unit", ["minute", "hour"])
def test_bars_are_utc_instants_without_gaps(stats, unit):
    points = stats.link_series(workspace_id=1, link_id=10, unit=unit, **SPAN)
    assert (sum(p.humans for p in points), sum(p.bots for p in points)) == (2, 1)
    steps = {after.bucket - before.bucket for before, after in itertools.pairwise(points)}
    assert steps == {timedelta(minutes=1) if unit == "minute" else timedelta(hours=1)}
    assert all(point.bucket.utcoffset() == timedelta(0) for point in points)


def test_days_are_those_of_the_zone(stats):
    for zone, day in (("UTC", date(2026, 3, 1)), ("Pacific/Auckland", date(2026, 3, 2))):
        points = stats.workspace_series(workspace_id=1, unit="day", time_zone=zone, **SPAN)
        assert [(p.bucket, p.humans, p.bots) for p in points if p.humans] == [(day, 2, 1)]


def test_breakdowns_lists_and_recent_scans(stats):
    found = stats.link_breakdowns(workspace_id=1, link_id=10, dimensions=["country", "city"], **SPAN)
    assert list(found) == ["country", "city"]
    assert [row.value for row in found["city"]] == [""]
    countries = {(row.value, row.humans, row.bots) for row in found["country"]}
    assert countries == {("ES", 1, 0), ("DE", 1, 0), ("US", 0, 1)}
    assert len(stats.workspace_breakdown(workspace_id=1, dimension="country", limit=1, **SPAN)) == 1
    assert stats.workspace_top_links(workspace_id=1, **SPAN) == [stats.LinkCount(10, 2, 1)]
    assert stats.links_totals(workspace_id=1, link_ids=[10, 11]) == {
        10: stats.LinkCount(10, 2, 1),
        11: stats.LinkCount(11, 0, 0),
    }
    recent = stats.recent_scans(workspace_id=1, link_id=10, limit=2)
    assert [(scan.country, bool(scan.is_bot)) for scan in recent] == [("US", True), ("DE", False)]
    with pytest.raises(ValueError, match="no dimension"):
        stats.link_breakdowns(workspace_id=1, link_id=10, dimensions=["x' OR 1"], **SPAN)
    assert stats.link_breakdowns(workspace_id=3, link_id=10, dimensions=["os"], **SPAN) == {"os": []}
    assert stats.link_breakdowns(workspace_id=1, link_id=10, dimensions=[], **SPAN) == {}


def test_no_query_without_a_workspace_is_asked(stats):
    from analytics import queries

    for name in queries.names():
        if queries.get(name).is_operator_only:
            with pytest.raises(ValueError, match="no workspace"):
                stats.ask(name)


def test_a_clickhouse_that_is_away_is_a_sentence(console, monkeypatch):
    from control_plane.campaigns.errors import StatsUnavailable

    stats = use(monkeypatch, f"http://127.0.0.1:{free_port()}/scanway")
    with pytest.raises(StatsUnavailable, match="links keep working"):
        stats.workspace_totals(workspace_id=1, **SPAN)


def test_a_clickhouse_that_goes_away_is_a_sentence_and_comes_back(stats, monkeypatch):
    from control_plane.campaigns.errors import StatsUnavailable

    with monkeypatch.context() as outage:
        use(outage, "http://127.0.0.1:9/scanway")
        with pytest.raises(StatsUnavailable):
            stats.workspace_totals(workspace_id=1, **SPAN)
    assert stats.workspace_totals(workspace_id=1, **SPAN).humans == 2
