"""The reading end of the spool: torn, flipped, foreign and locked segments."""

import fcntl
import os
import time

import pytest

from analytics.events import Damage, Scan, decode_scan, encode_scan, frame, segment_header
from analytics.events.segment import DAMAGED, DELIVERED, OPEN, SEALED
from analytics.ingest.spool import KEEP_DELIVERED, Spool, SpoolError, contents


def scan(number):
    return Scan(bytes([number]) * 16, number, 1, 2, 1, "ok", 302, "GET", "h", "c", "", "10.0.0.1")


SCANS = [encode_scan(scan(number)) for number in range(3)]
SEGMENT = segment_header() + b"".join(frame(each) for each in SCANS)


@pytest.fixture
def spool(tmp_path):
    found = Spool(tmp_path / "spool")
    found.claim()
    return found


def left_open(spool, name, data, age=10.0):
    path = spool.path(OPEN, name)
    path.write_bytes(data)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_whatever_byte_is_flipped_no_wrong_event_comes_out():
    for position in range(len(SEGMENT)):
        for bit in range(8):
            damaged = bytearray(SEGMENT)
            damaged[position] ^= 1 << bit
            found = contents(bytes(damaged))
            assert found.damage is not None
            # What is read is a prefix of what was written, and nothing else.
            assert found.payloads == SCANS[: len(found.payloads)]
            for payload in found.payloads:
                decode_scan(payload)


def test_wherever_it_is_torn_the_whole_frames_before_are_read():
    for length in range(len(SEGMENT)):
        found = contents(SEGMENT[:length])
        assert found.payloads == SCANS[: len(found.payloads)]
        assert found.good_bytes <= length
        assert found.damage in (None, Damage.TORN)


@pytest.mark.parametrize("zeros", [1, 7, 8, 9, 4096])
def test_a_tail_of_zeros_is_no_event(zeros):
    found = contents(SEGMENT + b"\0" * zeros)
    assert found.payloads == SCANS
    assert found.good_bytes == len(SEGMENT)


def test_a_torn_tail_is_cut_and_the_rest_is_sealed(spool):
    path = left_open(spool, "a", SEGMENT + frame(SCANS[0])[:-3])
    (adopted,) = spool.adopt()
    assert (adopted.events, adopted.cut) == (3, len(frame(SCANS[0])) - 3)
    assert not path.exists()
    assert spool.path(SEALED, "a").read_bytes() == SEGMENT


def test_a_flipped_byte_is_sealed_as_it_is_for_a_person_to_look_at(spool):
    damaged = SEGMENT[:-1] + bytes([SEGMENT[-1] ^ 1])
    left_open(spool, "a", damaged)
    assert [each.cut for each in spool.adopt()] == [0]
    assert spool.path(SEALED, "a").read_bytes() == damaged


def test_a_live_workers_segment_is_not_touched(spool):
    path = left_open(spool, "a", SEGMENT[:-3])
    with path.open("rb") as worker:
        fcntl.flock(worker, fcntl.LOCK_EX)
        assert list(spool.adopt()) == []
        assert path.read_bytes() == SEGMENT[:-3]
    assert [each.segment_id for each in spool.adopt()] == ["a"]


def test_a_segment_just_made_is_left_to_its_worker(spool):
    left_open(spool, "a", SEGMENT, age=0.0)
    assert list(spool.adopt()) == []


def test_a_newer_segment_stays_open(spool):
    path = left_open(spool, "a", SEGMENT[:8] + b"\2\0\0\0" + SEGMENT[12:])
    assert list(spool.adopt()) == []
    assert path.exists()


def test_a_segment_sealed_between_open_and_lock_is_not_adopted(spool, monkeypatch):
    path = left_open(spool, "a", SEGMENT)
    lock = fcntl.flock

    def seal_first(descriptor, operation):
        if path.exists():
            path.rename(spool.path(SEALED, "a"))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", seal_first)
    assert list(spool.adopt()) == []
    assert spool.path(SEALED, "a").read_bytes() == SEGMENT


def test_one_reader_per_spool(spool):
    with pytest.raises(SpoolError, match=f"process {os.getpid()}"):
        Spool(spool.root).claim()


def test_a_spool_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="cannot be used"):
        Spool(tmp_path / "file" / "spool").claim()


def test_sealed_segments_come_in_the_order_of_their_names(spool):
    for name in ("b", "a", "c"):
        spool.path(SEALED, name).write_bytes(SEGMENT)
    spool.path(SEALED, "x").with_suffix(".tmp").write_bytes(b"")
    assert spool.sealed() == [(name, len(SEGMENT)) for name in "abc"]


def test_delivered_segments_go_after_a_quarter_of_an_hour_and_damaged_ones_stay(spool):
    for folder in (DELIVERED, DAMAGED):
        for name, age in (("old", KEEP_DELIVERED + 5), ("young", 5)):
            path = spool.path(folder, name)
            path.write_bytes(SEGMENT)
            os.utime(path, (time.time() - age,) * 2)
    assert spool.sweep() == 1
    assert not spool.path(DELIVERED, "old").exists()
    assert spool.path(DELIVERED, "young").exists()
    assert spool.path(DAMAGED, "old").exists()


def test_the_quarter_of_an_hour_starts_at_delivery(spool):
    path = spool.path(SEALED, "a")
    path.write_bytes(SEGMENT)
    os.utime(path, (time.time() - 2 * KEEP_DELIVERED,) * 2)
    spool.finish("a", DELIVERED)
    assert spool.sweep() == 0


@pytest.mark.parametrize("folder", [DELIVERED, DAMAGED])
def test_a_folder_that_an_operator_deleted_is_made_again(spool, folder):
    (spool.root / folder).rmdir()
    spool.path(SEALED, "a").write_bytes(SEGMENT)
    spool.finish("a", folder)
    assert spool.sealed() == []
    assert spool.path(folder, "a").read_bytes() == SEGMENT
    assert (spool.root / folder).stat().st_mode & 0o077 == 0


def test_nothing_to_sweep_in_a_deleted_folder(spool):
    (spool.root / DELIVERED).rmdir()
    assert spool.sweep() == 0


def test_the_spool_is_for_its_owner_alone(spool):
    assert spool.root.stat().st_mode & 0o077 == 0
