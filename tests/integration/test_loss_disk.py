"""The spool's disk fills up, turns read-only, or fails: redirects go on, and what is not recorded is counted.

These run as root: they mount file systems of their own.
"""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from disks import Ext4, small_disk
from edge_process import EdgeProcess, Valkey, until
from hammer import Books, Hammer

from analytics.events import read_segment
from edge.record import Record
from edge.spool import SEGMENT_BYTES

PER_SECOND = 2_000


@pytest.fixture
def valkey(valkey):
    valkey.publish("spring", Record(7, 11, "https://example.com/spring", version=1))
    return valkey


@pytest.fixture
def ext4(tmp_path):
    disk = Ext4(tmp_path / "ext4")
    yield disk
    disk.remove()


@contextlib.contextmanager
def loaded(spool: Path, valkey: Valkey, **options: str):
    """An edge on this spool under load."""
    edge = EdgeProcess(spool, valkey.url, SCANWAY_UNKNOWN_LIMIT="0", **options)
    try:
        hammer = Hammer(edge.port, ["spring"], per_second=PER_SECOND)
        until(lambda: edge.metric("scanway_edge_spool_sealed_total") >= 2, "segments are sealed")
        yield edge, hammer
    finally:
        if edge.process.poll() is None:
            edge.stop()


def check_redirects(books: Books) -> None:
    assert set(books.statuses) == {"302"}
    assert len(books.unanswered) <= books.sent // 10_000
    print(f"{books.sent} scans, {len(books.unanswered)} without an answer", end="; ")


def counted(edge: EdgeProcess, name: str) -> int:
    return int(edge.metric(f"scanway_edge_spool_{name}_total"))


def dropping(edge: EdgeProcess, *, since: int = 0) -> None:
    until(lambda: counted(edge, "dropped") > since + 1_000, "scans are dropped")
    status, _, body = edge.get("/-/readyz")
    assert status == 503
    assert b"The spool cannot be written" in body


def test_on_a_full_disk_redirects_go_on_and_each_dropped_scan_is_counted(valkey, tmp_path):
    # Room for the segments of a few seconds; nobody delivers them.
    megabytes = 4 * SEGMENT_BYTES >> 20
    with small_disk(tmp_path / "disk", megabytes) as disk, loaded(disk / "spool", valkey) as (edge, hammer):
        (disk / "ballast").write_bytes(bytes(2 * SEGMENT_BYTES))
        dropping(edge)
        assert b"No space left" in edge.get("/-/readyz")[2]
        (disk / "ballast").unlink()
        sealed = counted(edge, "sealed")
        until(lambda: counted(edge, "sealed") > sealed, "scans are recorded again")
        assert edge.get("/-/readyz")[0] == 200
        books = hammer.stop()
        dropped, workers = counted(edge, "dropped"), edge.workers()
        assert len(workers) == 1
        edge.stop()
        check_redirects(books)
        recorded = edge.scans()
        print(f"{dropped} dropped, {len(recorded)} recorded")
        assert len(books.answered) == len(recorded) + dropped
        assert len({scan.event_id for scan in recorded}) == len(recorded)


@pytest.mark.parametrize("fault", ["break_down", "turn_read_only"])
def test_when_the_disk_fails_redirects_go_on_and_each_dropped_scan_is_counted(valkey, ext4, fault):
    with loaded(ext4.path / "spool", valkey) as (edge, hammer):
        before = edge.workers()
        getattr(ext4, fault)()
        dropping(edge)
        time.sleep(2)
        books = hammer.stop()
        assert edge.workers() == before
        check_redirects(books)
        dropped, written = counted(edge, "dropped"), counted(edge, "written")
        print(f"{dropped} dropped, {written} written, {counted(edge, 'unsealed')} of them unsealed ({fault})")
        assert len(books.answered) == written + dropped
        assert 0 < counted(edge, "unsealed") < 3 * PER_SECOND
        assert edge.stop() == 0


def test_a_segment_cut_short_under_a_worker_costs_one_scan_and_no_worker(valkey, tmp_path):
    with loaded(tmp_path / "spool", valkey) as (edge, hammer):
        before, cut = edge.workers(), 0
        while cut < 3:
            cut += cut_open_segments(edge.spool)
            time.sleep(0.3)
        until(lambda: counted(edge, "dropped") > 0, "the worker noticed")
        books = hammer.stop()
        assert edge.workers() == before
        assert books.resets == 0
        check_redirects(books)
        dropped, written = counted(edge, "dropped"), counted(edge, "written")
        print(f"{cut} segments cut, {dropped} dropped, {written} written")
        assert dropped <= cut
        assert len(books.answered) == written + dropped
        assert edge.get("/-/readyz")[0] == 200
        assert edge.stop() == 0


def test_without_the_handler_a_segment_cut_short_kills_the_worker(valkey, tmp_path, monkeypatch):
    """The negative control."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())]))
    with loaded(tmp_path / "spool", valkey, program="unguarded_edge") as (edge, hammer):
        before = edge.workers()
        while edge.workers() == before:
            cut_open_segments(edge.spool)
            time.sleep(0.2)
        assert hammer.stop().resets > 0


def cut_open_segments(spool: Path) -> int:
    cut = 0
    for path in (spool / "open").glob("*.seg"):
        with contextlib.suppress(FileNotFoundError):
            os.truncate(path, 4096)
            cut += 1
    return cut


def test_after_a_power_cut_every_sealed_segment_is_whole(valkey, ext4):
    with loaded(ext4.path / "spool", valkey) as (edge, hammer):
        time.sleep(2)
        sealed = {path.name: path.read_bytes() for path in (edge.spool / "sealed").glob("*.seg")}
        ext4.break_down()
        hammer.stop()
        edge.stop()
    assert len(sealed) >= 3
    ext4.mend()
    for name, content in sealed.items():
        assert (edge.spool / "sealed" / name).read_bytes() == content
        assert read_segment(content).damage is None


def test_without_fsync_a_power_cut_takes_sealed_segments(tmp_path, ext4):
    """The negative control: the same sealing without its fsync of file and folders."""
    program = """
import os, sys, time
from pathlib import Path
import edge.spool
class NoSync:
    def __getattr__(self, name): return (lambda fd: None) if name == "fsync" else getattr(os, name)
edge.spool.os = NoSync()
spool = edge.spool.Spool(Path(sys.argv[1]), 1 << 30, "0badcafe", memoryview(bytearray(4096)).cast("Q"))
spool.append(b"scan" * 1000)
spool.tick()
spool._settled.result()
print(spool._sealed_folder, flush=True)
"""
    spool = ext4.path / "spool"
    done = subprocess.run([sys.executable, "-c", program, spool], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == spool / "sealed"
    (name,) = [path.name for path in (spool / "sealed").iterdir()]
    ext4.break_down()
    ext4.mend()
    after = spool / "sealed" / name
    assert not after.exists() or read_segment(after.read_bytes()).damage is not None


def test_a_spool_that_is_taken_away_and_put_back_is_used_again(valkey, tmp_path):
    with loaded(tmp_path / "spool", valkey) as (edge, hammer):
        away = tmp_path / "away"
        edge.spool.rename(away)
        edge.spool.write_text("a file where the folder was")
        dropping(edge)
        edge.spool.unlink()
        away.rename(edge.spool)
        until(lambda: edge.get("/-/readyz")[0] == 200, "the spool is used again")
        books = hammer.stop()
        dropped = counted(edge, "dropped")
        assert edge.stop() == 0
        check_redirects(books)
        print(f"{dropped} dropped")
        assert len(books.answered) == len(edge.scans()) + dropped
