"""Two threads answer scans in one worker: the spool's end and the counters are behind one lock."""

import contextlib
import sys
import threading
import time

import pytest

from analytics.events import read_segment
from edge.decide import UNKNOWN
from edge.metrics import Metrics, scans_of
from edge.recorder import Recorder
from edge.spool import Spool

THREADS, SCANS = 4, 2_000


@pytest.fixture
def impatient():
    """Threads give way all the time, so that what can go wrong does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def hammer(folder, locked=True):
    """(events that can be read back, scans counted, scans put) after all threads put theirs at once."""
    metrics = Metrics(folder, "0000abcd")
    recorder = Recorder(Spool(folder, 1 << 30, "0000abcd", metrics.counters), metrics.counters)
    if not locked:
        recorder._acquire = recorder._release = lambda: None

    def answer(number):
        # A write that meets another's may well fail; what counts is what can be read afterwards.
        with contextlib.suppress(Exception):
            for scan in range(SCANS):
                recorder.put(b"%d:%d" % (number, scan) * 20, UNKNOWN.reason, time.monotonic())

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    counted = scans_of(list(metrics.counters), UNKNOWN.reason)
    metrics.close()
    paths = (*folder.glob("sealed/*.seg"), *folder.glob("open/*.seg"))
    found = [payload for path in paths for payload in read_segment(path.read_bytes()).payloads]
    return len(set(found)), counted, THREADS * SCANS


def test_no_scan_of_two_threads_is_lost_or_miscounted(tmp_path, impatient):
    written, counted, put = hammer(tmp_path)
    assert written == counted == put


def test_without_the_lock_scans_are_lost(tmp_path, impatient):
    written, counted, put = hammer(tmp_path, locked=False)
    assert written < put or counted < put
