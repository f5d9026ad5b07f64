"""The spool's file format: whatever happens to the bytes, never a wrong event and never a crash."""

from hypothesis import given
from hypothesis import strategies as st

from analytics.events import (
    Damage,
    Reason,
    Scan,
    decode_scan,
    encode_scan,
    frame,
    put_frame,
    read_segment,
    segment_header,
)
from analytics.events.segment import HEADER_SIZE, MAX_PAYLOAD

payloads = st.lists(st.binary(min_size=1, max_size=80), max_size=8)


def segment(of: list[bytes]) -> bytes:
    return segment_header() + b"".join(map(frame, of))


@given(payloads)
def test_what_was_written_is_read_back(written: list[bytes]) -> None:
    contents = read_segment(segment(written))
    assert contents.payloads == written
    assert contents.damage is None


@given(payloads, st.data())
def test_a_torn_tail_costs_only_the_torn_frame(written: list[bytes], data: st.DataObject) -> None:
    whole = segment(written)
    cut = data.draw(st.integers(HEADER_SIZE, len(whole)))
    contents = read_segment(whole[:cut])
    assert contents.payloads == written[: len(contents.payloads)]
    assert read_segment(whole[: contents.good_bytes]).damage is None
    assert (contents.damage is None) == (contents.good_bytes == cut)


def test_every_flipped_byte_is_noticed_and_yields_no_wrong_event() -> None:
    written = [b"first scan", b"second scan", b"third scan"]
    whole = segment(written)
    for at in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[at] ^= 1 << bit
            contents = read_segment(bytes(changed))
            assert contents.damage is not None, (at, bit)
            assert contents.payloads == written[: len(contents.payloads)], (at, bit)


def test_a_segment_of_a_newer_version_is_told_apart_from_damage() -> None:
    newer = bytearray(segment([b"scan"]))
    newer[8] = 2
    assert read_segment(bytes(newer)).damage is Damage.NEWER
    assert read_segment(b"something else entirely").damage is Damage.HEADER
    assert read_segment(b"").damage is Damage.HEADER


def test_an_impossible_length_does_not_make_us_read_on() -> None:
    huge = segment([b"good"]) + (MAX_PAYLOAD + 1).to_bytes(4, "little") + b"\0" * 4 + b"x" * (MAX_PAYLOAD + 1)
    contents = read_segment(huge)
    assert contents.payloads == [b"good"]
    assert contents.damage is Damage.CHECKSUM


def test_an_older_and_a_newer_scan_can_be_read() -> None:
    import msgspec

    scan = Scan(b"\1" * 16, 1, 2, 3, 4, Reason.OK, 302, "GET", "host", "code", "", "192.0.2.1")
    fields = msgspec.msgpack.decode(encode_scan(scan))
    assert decode_scan(msgspec.msgpack.encode(fields[:12])) == scan
    assert decode_scan(msgspec.msgpack.encode([*fields, "a field of tomorrow"])) == scan


@given(payloads, st.integers(0, 200))
def test_reserved_space_behind_the_last_frame_is_no_event(written: list[bytes], reserved: int) -> None:
    whole = segment(written)
    contents = read_segment(whole + bytes(reserved))
    assert contents.payloads == written
    assert contents.good_bytes == len(whole)
    assert contents.damage is (Damage.TORN if reserved else None)


@given(payloads, st.binary(min_size=1, max_size=80), st.integers(0, 80))
def test_a_frame_put_in_place_reads_as_one_appended(written: list[bytes], last: bytes, copied: int) -> None:
    buffer = bytearray(segment(written)) + bytearray(400)
    at = len(segment(written))
    # Killed in the middle of it: some of the payload is there, and no header.
    buffer[at + 8 : at + 8 + copied] = (last * 80)[:copied]
    assert read_segment(bytes(buffer)).payloads == written
    buffer[at:] = bytes(len(buffer) - at)
    assert put_frame(buffer, at, last) == at + 8 + len(last)
    assert read_segment(bytes(buffer)).payloads == [*written, last]


def test_a_zeroed_header_with_more_behind_it_is_damage_not_an_end() -> None:
    whole = bytearray(segment([b"first", b"x" * MAX_PAYLOAD, b"y" * MAX_PAYLOAD]))
    at = len(segment([b"first"]))
    whole[at : at + 8] = bytes(8)
    contents = read_segment(bytes(whole))
    assert contents.payloads == [b"first"]
    assert contents.damage is Damage.CHECKSUM
