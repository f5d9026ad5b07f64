import errno
import fcntl
import os
import sys
import time

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edge.spool
from analytics.events import read_segment
from edge.metrics import SLOT
from edge.spool import Spool


def make(folder, quota=1 << 30):
    return Spool(folder, quota, "0badcafe", memoryview(bytearray(4096)).cast("Q"))


def count(spool, name):
    return spool._counters[SLOT[f"scanway_edge_spool_{name}"]]


def segments(folder, where):
    return sorted((folder / where).glob("*.seg"))


def events(folder):
    found = []
    for where in ("sealed", "open"):
        for path in segments(folder, where):
            found += read_segment(path.read_bytes()).payloads
    return found


def finish(spool):
    if spool._settled:
        spool._settled.result(timeout=5)


def test_an_event_is_in_the_file_before_append_returns(tmp_path):
    spool = make(tmp_path)
    assert spool.append(b"one")
    assert events(tmp_path) == [b"one"]
    (path,) = segments(tmp_path, "open")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with path.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    spool.close()


def test_a_tick_seals_what_there_is_and_nothing_else(tmp_path):
    spool = make(tmp_path)
    spool.tick()
    assert not segments(tmp_path, "sealed")
    spool.append(b"one")
    spool.tick()
    finish(spool)
    assert [read_segment(path.read_bytes()).payloads for path in segments(tmp_path, "sealed")] == [[b"one"]]
    assert count(spool, "sealed") == 1
    spool.close()
    assert not segments(tmp_path, "open")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's advice")
def test_the_pages_of_a_new_segment_are_there_before_a_scan_needs_them(tmp_path):
    """As many as the segment before took. The negative control is the first one, which has none before it."""

    def resident():
        (path,) = segments(tmp_path, "open")
        maps = psutil.Process().memory_maps(grouped=False)
        return next(area.rss for area in maps if area.path == str(path.resolve()))

    spool = make(tmp_path)
    assert resident() < 100_000
    for _ in range(1_000):
        spool.append(bytes(300))
    spool.tick()
    finish(spool)
    assert 300_000 < resident() < 400_000
    spool.close()


def test_ids_say_when_who_and_which(tmp_path):
    before = time.time_ns() // 1_000_000
    spool = make(tmp_path)
    spool.append(b"one")
    spool.close()
    moment, worker, sequence = segments(tmp_path, "sealed")[0].stem.split("-")
    assert (len(moment), worker, sequence) == (13, "0badcafe", "000000")
    assert before <= int(moment) <= time.time_ns() // 1_000_000


def test_a_segment_is_sealed_when_it_holds_its_most(tmp_path, monkeypatch):
    monkeypatch.setattr(edge.spool, "SEAL_EVENTS", 100)
    spool = make(tmp_path)
    for number in range(250):
        spool.append(b"%d" % number)
    spool.close()
    sizes = [len(read_segment(path.read_bytes()).payloads) for path in segments(tmp_path, "sealed")]
    assert sizes == [100, 100, 50]
    assert events(tmp_path) == [b"%d" % number for number in range(250)]


class Disk:
    """Replaces the calls with which the spool makes and seals segments by ones that fail as told."""

    def __init__(self, plan):
        self.plan = list(plan)

    def _failing(name):
        def call(self, *arguments):
            what = self.plan.pop(0) if self.plan else None
            if what is not None:
                raise OSError(what, os.strerror(what))
            return getattr(os, name)(*arguments)

        return call

    write = _failing("write")
    posix_fallocate = _failing("posix_fallocate")
    ftruncate = _failing("ftruncate")
    fsync = _failing("fsync")

    def __getattr__(self, name):
        return getattr(os, name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    plan=st.lists(st.none() | st.sampled_from([errno.ENOSPC, errno.EROFS, errno.EIO]), max_size=40),
    most=st.integers(1, 9),
    ticks=st.sets(st.integers(0, 40)),
)
def test_whatever_the_disk_does_each_event_is_whole_in_the_spool_or_counted(
    tmp_path_factory, monkeypatch, plan, most, ticks
):
    folder = tmp_path_factory.mktemp("spool")
    with monkeypatch.context() as patch:
        patch.setattr(edge.spool, "os", Disk(plan))
        patch.setattr(edge.spool, "SEAL_EVENTS", most)
        patch.setattr(edge.spool, "SEGMENT_BYTES", 4096)
        spool = make(folder)
        kept = []
        for number in range(40):
            payload = b"event %d" % number
            if spool.append(payload):
                kept.append(payload)
            if number in ticks:
                spool.tick()
                finish(spool)
        spool._sealer.submit(lambda: None).result(timeout=5)
        assert sorted(events(folder)) == sorted(kept)
        assert count(spool, "written") == len(kept)
        assert count(spool, "dropped") == 40 - len(kept)
        spool.close()
    assert sorted(events(folder)) == sorted(kept)


def test_recording_goes_on_when_the_disk_is_back(tmp_path, monkeypatch):
    spool = make(tmp_path)
    spool.append(b"before")
    with monkeypatch.context() as patch:
        patch.setattr(edge.spool, "os", Disk([errno.ENOSPC] * 100))
        # What was reserved can still be written, whatever the disk says by now.
        assert spool.append(b"also")
        spool.tick()
        finish(spool)
        assert not spool.append(b"lost")
        assert "No space left" in spool.trouble
    spool.tick()
    assert spool.trouble is None
    assert spool.append(b"after")
    spool.close()
    assert sorted(events(tmp_path)) == [b"after", b"also", b"before"]
    assert count(spool, "dropped") == 1


def test_a_full_segment_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(edge.spool, "SEGMENT_BYTES", 4096)
    spool = make(tmp_path)
    payloads = [bytes([65 + number]) * 1500 for number in range(7)]
    assert all(spool.append(payload) for payload in payloads)
    spool.close()
    assert events(tmp_path) == payloads
    assert len(segments(tmp_path, "sealed")) == 4
    assert all(path.stat().st_size <= 4096 for path in segments(tmp_path, "sealed"))


def test_over_the_quota_scans_are_dropped_until_ingest_has_made_room(tmp_path):
    spool = make(tmp_path, quota=1000)
    spool.append(bytes(2000))
    spool.tick()
    finish(spool)
    assert not spool.append(b"lost")
    assert "quota" in spool.trouble
    assert count(spool, "full") == 1
    segments(tmp_path, "sealed")[0].unlink()
    spool.tick()
    finish(spool)
    assert spool.trouble is None
    assert spool.append(b"kept")
    spool.close()
    assert count(spool, "dropped") == 1


def test_a_segment_that_cannot_be_sealed_is_left_unlocked_for_ingest(tmp_path):
    spool = make(tmp_path)
    spool.append(b"one")
    (path,) = segments(tmp_path, "open")
    (tmp_path / "sealed").rmdir()
    spool.tick()
    finish(spool)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert read_segment(path.read_bytes()).payloads == [b"one"]
    spool.close()


def test_a_spool_that_cannot_be_made_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    spool = make(tmp_path / "file")
    assert not spool.append(b"lost")
    assert spool.trouble
    spool.tick()
    spool.close()
    assert not spool.append(b"lost")
    assert count(spool, "dropped") == 2


def test_leftovers_of_a_dead_writer_are_removed(tmp_path):
    (tmp_path / "open").mkdir()
    leftover = tmp_path / "open" / "1-x-0.seg.tmp"
    leftover.write_bytes(b"")
    os.utime(leftover, (1, 1))
    make(tmp_path).close()
    assert not leftover.exists()
