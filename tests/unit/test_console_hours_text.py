"""Opening hours as text: what is written is read as the same hours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.console.hours_text import DAYS, read_hours, write_hours
from control_plane.passes.errors import Invalid

clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
periods = st.builds(
    lambda days, start, end: {"days": sorted(days), "from": start, "to": end},
    st.sets(st.integers(0, 6), min_size=1),
    clocks,
    clocks | st.just("24:00"),
)


@given(st.lists(periods, max_size=8))
def test_what_is_written_is_read_as_the_same_hours(hours):
    assert read_hours(write_hours(hours)) == hours


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("Mon-Fri 08:00-18:00", [0, 1, 2, 3, 4], "08:00", "18:00"),
        ("saturday, SUN 9.30 – 17", [5, 6], "09:30", "17:00"),
        ("Fri-Mon 22:00-02:00", [0, 4, 5, 6], "22:00", "02:00"),
        ("Mon Wed 8-9", [0, 2], "08:00", "09:00"),
        ("daily 0-24", list(range(7)), "00:00", "24:00"),
        ("10:00-14:00", list(range(7)), "10:00", "14:00"),
    ],
)
def test_how_people_write_hours(text, days, start, end):
    assert read_hours(text) == [{"days": days, "from": start, "to": end}]


@given(st.text(max_size=40))
def test_any_text_is_hours_or_a_sentence_that_names_its_line(text):
    try:
        found = read_hours(text)
    except Invalid as refusal:
        assert refusal.field == "opening_hours"
        assert refusal.message.startswith("Line ")
    else:
        assert all(0 <= day < len(DAYS) for one in found for day in one["days"])
