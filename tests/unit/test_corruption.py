"""A segment that something changed: every byte to every value, every length, every pair of places torn."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from analytics.events import Damage, decode_scan, encode_scan, frame, read_segment, segment_header
from analytics.events.segment import HEADER_SIZE
from analytics.ingest.spool import contents

WRITTEN = [b"first scan", b"second", b"the third"]
WHOLE = segment_header() + b"".join(map(frame, WRITTEN))


def check(data: bytes) -> None:
    """Never an exception, never an event that was not written, never one out of order."""
    for read in (read_segment, contents):
        found = read(data)
        assert found.payloads == WRITTEN[: len(found.payloads)]
        assert found.good_bytes <= len(data)


def test_every_byte_with_every_other_value():
    for at in range(len(WHOLE)):
        for value in range(256):
            if value != WHOLE[at]:
                changed = WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :]
                check(changed)
                assert read_segment(changed).damage is not None


def test_every_length():
    for length in range(len(WHOLE)):
        check(WHOLE[:length])
        check(WHOLE[:length] + bytes(4096))
        torn = read_segment(WHOLE[:length])
        ends = {HEADER_SIZE + len(b"".join(map(frame, WRITTEN[:n]))) for n in range(len(WRITTEN))}
        assert (torn.damage is None) == (length in ends)


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=20))
def test_any_stretch_replaced_by_anything_of_any_length(start, end, other):
    start, end = sorted((start, end))
    changed = WHOLE[:start] + other + WHOLE[end:]
    found = read_segment(changed)
    # A stretch may cut out whole frames; what is left is then a segment that could have been written.
    assert all(payload in WRITTEN for payload in found.payloads) or frame(found.payloads[-1]) in changed


@given(st.binary(max_size=300))
def test_anything_at_all(data):
    assert read_segment(data).damage is Damage.HEADER or data.startswith(b"SCANWAY\0")
    contents(data)


@given(st.binary(max_size=300))
def test_a_payload_that_is_no_scan_is_refused_and_nothing_else(data):
    try:
        scan = decode_scan(data)
    except msgspec.DecodeError:
        return
    assert decode_scan(encode_scan(scan)) == scan
