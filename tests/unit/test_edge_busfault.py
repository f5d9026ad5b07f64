"""A mapping whose file is cut short under it: the write goes on, and says that it reached no file."""

import mmap
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from edge import busfault
from edge.metrics import SLOT, Metrics

ROOT = Path(__file__).parents[2]
SIZE = 1 << 20


@pytest.fixture(autouse=True)
def installed():
    busfault.install()


@pytest.fixture
def mapped(tmp_path):
    fd = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    os.posix_fallocate(fd, 0, SIZE)
    mapping = mmap.mmap(fd, SIZE)
    yield fd, mapping
    mapping.close()
    os.close(fd)


def test_a_write_beyond_the_files_end_goes_into_memory_and_is_told(mapped):
    fd, mapping = mapped
    watched = busfault.Watched(mapping)
    mapping[:4] = b"kept"
    os.ftruncate(fd, 4096)
    mapping[4:8] = b"also"
    assert not watched.broken
    mapping[SIZE - 4 :] = b"lost"
    assert watched.broken
    assert mapping[SIZE - 4 :] == b"lost"
    assert os.pread(fd, 8, 0) == b"keptalso"
    watched.forget()


def test_the_memory_holds_what_it_is_told_to(mapped):
    fd, mapping = mapped
    watched = busfault.Watched(mapping, lambda: b"read again")
    os.ftruncate(fd, 0)
    mapping[20:24] = b"more"
    assert watched.broken
    assert mapping[:24] == b"read again" + bytes(10) + b"more"
    watched.forget()


def test_only_the_mapping_that_fails_is_replaced(mapped, tmp_path):
    _, whole = mapped
    fd = os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR)
    os.posix_fallocate(fd, 0, SIZE)
    other = mmap.mmap(fd, SIZE)
    first, second = busfault.Watched(whole), busfault.Watched(other)
    os.ftruncate(fd, 0)
    other[0] = 1
    assert (first.broken, second.broken) == (False, True)
    first.forget()
    second.forget()
    other.close()
    os.close(fd)


def test_counters_go_on_in_memory_when_their_file_is_lost(tmp_path):
    metrics = Metrics(tmp_path, "0badcafe")
    slot = SLOT["scanway_edge_spool_dropped"]
    metrics.counters[slot] += 5
    (path,) = (tmp_path / "metrics").glob("*.live")
    os.truncate(path, 0)
    for _ in range(3):
        metrics.counters[slot] += 1
    assert metrics.counters[slot] == 3
    totals, running = metrics.totals()
    assert (totals[slot], running) == (3, 1)
    metrics.close()


def test_a_fault_elsewhere_still_ends_the_process(tmp_path):
    """The negative control: the handler does not hide what it does not know."""
    program = f"""
        import mmap, os
        from edge import busfault
        busfault.install()
        fd = os.open({str(tmp_path / "file")!r}, os.O_CREAT | os.O_RDWR)
        os.posix_fallocate(fd, 0, {SIZE})
        mapping = mmap.mmap(fd, {SIZE})
        os.ftruncate(fd, 0)
        mapping[0] = 1
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, check=False)
    assert done.returncode == -7
