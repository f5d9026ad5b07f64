"""Periods, bars and breakdowns of the console: pure functions, and the places where clocks are odd."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from control_plane.console import breakdowns, signals
from control_plane.console.periods import DEFAULT, PERIODS, buckets, end, read_period
from control_plane.console.series import series

ZONES = ["UTC", "Europe/Madrid", "America/St_Johns", "Asia/Kolkata", "Pacific/Chatham"]
# The hour that happens twice, the one that does not, and a plain noon.
MOMENTS = [
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    datetime(2026, 7, 1, 12, 0, tzinfo=UTC),
]


@dataclass(frozen=True)
class Slice:
    value: str
    humans: int
    bots: int = 0


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("now", MOMENTS)
@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.key)
def test_bars_are_distinct_ascend_and_hold_now(period, now, zone):
    starts = buckets(period, now, ZoneInfo(zone))
    instants = [start.timestamp() for start in starts]
    assert len(starts) == period.count
    assert instants == sorted(set(instants))
    assert starts[-1] <= now < end(period, starts)
    if period.unit == "hour":
        assert all(start.astimezone(UTC).minute == 0 for start in starts)
    if period.unit == "day":
        assert all((start.hour, start.minute) == (0, 0) for start in starts)


def test_days_of_25_hours_count_once():
    zone = ZoneInfo("Europe/Madrid")
    period = read_period("30d")
    starts = buckets(period, datetime(2026, 10, 26, 9, tzinfo=UTC), zone)
    autumn = starts[-2]
    assert starts[-1].timestamp() - autumn.timestamp() == 25 * 3600


def test_an_unknown_period_is_the_default():
    assert read_period("../../etc") is DEFAULT
    assert read_period("30d").count == 30


@pytest.mark.parametrize("zone", ZONES)
def test_points_land_in_their_bars_and_gaps_are_zeros(zone):
    tz = ZoneInfo(zone)
    for key in ("1h", "24h", "90d"):
        period = read_period(key)
        starts = buckets(period, MOMENTS[3], tz)
        bucket = starts[-2].date() if period.unit == "day" else starts[-2].astimezone(UTC)
        shown = series([(bucket, 3, 1)], starts, period, tz)
        assert shown.data["humans"][-2:] == [3, 0]
        assert shown.data["bots"][-2:] == [1, 0]
        assert sum(shown.data["humans"]) == 3
        assert shown.rows[1].humans == 3
        assert "3 by people and 1 by bots" in shown.summary


def test_points_outside_of_the_bars_are_left_out():
    starts = buckets(DEFAULT, MOMENTS[3], ZoneInfo("UTC"))
    shown = series([(starts[0] - timedelta(hours=5), 9, 9)], starts, DEFAULT, ZoneInfo("UTC"))
    assert sum(shown.data["humans"]) == 0


def test_a_breakdown_names_orders_and_shares_by_people():
    rows = [Slice("ES", 30), Slice("DE", 70, 5), Slice("US", 0, 900), Slice("", 1)]
    panel = breakdowns.panel("country", "Countries", "Country", "", rows=rows)
    assert [row.label for row in panel.rows] == ["Germany", "Spain", "Unknown"]
    assert [row.share for row in panel.rows] == ["69 %", "30 %", "<1 %"]
    assert panel.rows[0].width == 100
    assert panel.flags


def test_a_city_shows_its_countrys_flag():
    (row,) = breakdowns.panel("city", "Cities", "City", "", rows=[Slice("Washington, D.C., US", 2)]).rows
    assert row.country == "US"


def test_utm_rows_without_a_value_are_left_out_but_count_in_the_shares():
    (row,) = breakdowns.panel("utm_source", "Source", "", "", rows=[Slice("", 75), Slice("mail", 25)]).rows
    assert (row.label, row.share) == ("mail", "25 %")


def test_every_dimension_that_is_asked_for_is_one_that_statistics_know():
    from analytics.queries import DIMENSIONS

    assert set(breakdowns.DIMENSIONS) <= set(DIMENSIONS)


def test_every_signal_of_the_bot_verdict_is_explained():
    from analytics.visitors.bots import SIGNALS

    assert set(signals.SIGNALS) == set(SIGNALS)


def test_signals_are_counted_once_a_scan():
    found = signals.explain([("link_preview", "hosting_ip"), ("link_preview", "link_preview"), ("newer",)])
    assert [(one.label, one.scans) for one in found][:1] == [("Link preview", 2)]
    assert found[-1].label == "newer"
