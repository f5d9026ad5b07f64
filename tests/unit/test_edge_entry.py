import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.entry import Entry, read
from edge.record import Record, RecordError, encode


@given(st.text())
def test_no_stored_destination_brings_a_control_character_into_location(tail):
    try:
        entry = Entry(read(encode(Record(1, 1, "https://example.com/" + tail))), 0.0)
    except RecordError:
        return
    if entry.always is None:  # it may hold a placeholder, and is filled in scan by scan
        assert "{" in tail
        return
    (location,) = [value for name, value in entry.always.headers if name == "location"]
    assert all("!" <= character <= "~" for character in location)


@pytest.mark.parametrize(
    "record",
    [
        Record(1, 1, "https://example.com/\r\nset-cookie: a=b"),
        Record(1, 1, "https://example.com/\x00"),
        Record(1, 1, "https://example.com/ü"),
        Record(1, 1, "javascript:alert(1)"),
        Record(1, 1, "//example.com/"),
        Record(1, 1, ""),
        Record(1, 1, "https://example.com/", state="?"),
        Record(1, 1, "https://example.com/", status=200),
        Record(-1, 1, "https://example.com/"),
    ],
)
def test_a_record_that_must_not_be_answered_with_is_refused(record):
    with pytest.raises(RecordError):
        read(encode(record))
