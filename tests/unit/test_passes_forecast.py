"""When it is full: never before now, sooner for more people, and nothing where nothing can be said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.passes.forecast import FARTHEST, FEWEST, SHORTEST, Forecast, forecast, rounded, words

NOW = datetime(2027, 6, 1, 13, 20, tzinfo=UTC)
people = st.integers(0, 100_000)
spans = st.timedeltas(timedelta(0), timedelta(minutes=15))


def at(**given: object) -> Forecast:
    start = {"taken": 100, "capacity": 400, "came": 0, "left": 0, "span": timedelta(minutes=15), "now": NOW}
    return forecast(**(start | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        # 300 places are left. 75 in 15 minutes are 5 a minute: an hour.
        ({"came": 75}, "Full at about 16:20 at this rate."),
        # 30 more than left: 2 a minute, two hours and a half.
        ({"came": 90, "left": 60}, "Full at about 17:50 at this rate."),
        # The gates opened a minute ago: 25 are counted as 5 a minute, not as 25.
        ({"came": 25, "span": timedelta(minutes=1)}, "Full at about 16:20 at this rate."),
        # 3 places, 5 a minute: 36 seconds, up to the next minute.
        ({"taken": 397, "came": 75}, "Full at about 15:21 at this rate."),
        ({"taken": 10, "capacity": 8_000, "came": 170}, "Full at about tomorrow 03:05 at this rate."),
        ({"capacity": 100_000, "came": 75}, "Not full within 12 hours at this rate."),
        ({"came": 5, "left": 4}, "Too few came or left in the last 15 minutes to say."),
        ({"came": 50, "left": 48}, "Steady: about as many leave as come."),
        ({"came": 10, "left": 55}, "Emptying: 3 fewer a minute."),
        ({"left": 37}, "Emptying: 2.5 fewer a minute."),
        ({"taken": 400, "left": 90}, "Full now."),
        ({"taken": 0, "capacity": 0}, "Full now."),
        ({"capacity": None, "came": 900}, "No limit: it is counted, and never full."),
    ],
)
def test_what_is_said(given, said):
    assert words(at(**given), NOW, "Europe/Berlin") == said


@given(taken=people, capacity=st.none() | people, came=people, left=people, span=spans)
def test_a_forecast_is_later_than_now_and_within_12_hours(taken, capacity, came, left, span):
    found = forecast(taken=taken, capacity=capacity, came=came, left=left, span=span, now=NOW)
    assert (found.at is not None) == (found.trend == "filling")
    assert words(found, NOW, "Asia/Kathmandu").endswith((".", "say."))
    if found.at is not None:
        assert NOW < found.at <= NOW + FARTHEST
        assert came > left
        assert came + left >= FEWEST
        shown = rounded(found.at, NOW)
        assert found.at <= shown < found.at + timedelta(minutes=5)
    if capacity is not None and taken >= capacity:
        assert found.trend == "full"
    if found.trend == "emptying":
        assert left > came


@given(taken=st.integers(0, 5_000), room=st.integers(1, 5_000), came=st.integers(50, 2_000), more=people)
def test_more_who_come_are_never_later_and_more_room_is_never_sooner(taken, room, came, more):
    def when(came: int, room: int) -> float:
        found = forecast(
            taken=taken, capacity=taken + room, came=came, left=0, span=timedelta(minutes=15), now=NOW
        )
        return found.at.timestamp() if found.at else float("inf")

    assert when(came + more, room) <= when(came, room)
    assert when(came, room + more) >= when(came, room)


@given(came=st.integers(FEWEST, 2_000), span=spans)
def test_a_crowd_of_the_first_minute_is_no_rate(came, span):
    found = at(came=came, capacity=10**6, span=span)
    minutes = max(span, SHORTEST) / timedelta(minutes=1)
    assert found.per_minute == pytest.approx(came / minutes)
