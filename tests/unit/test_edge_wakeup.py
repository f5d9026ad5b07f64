"""The edge's parent and its signals: a handler may come between any two instructions of the main thread."""

import subprocess
import sys
import threading

from edge.server import Wakeup

# One signal a round, at any moment of a loop like the parent's.
STORM = """
import random, signal, threading
from edge.server import Wakeup
handled = 0
wakeup = {wakeup}()
def on_signal(*_):
    global handled
    handled += 1
    wakeup.set()
signal.signal(signal.SIGALRM, on_signal)
print("begins", flush=True)
while handled < 4_000:
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 40e-6))
    wakeup.clear()
    wakeup.wait(0.001)
signal.setitimer(signal.ITIMER_REAL, 0)
print("done", flush=True)
"""


def storm(wakeup: str, seconds: float) -> list[str]:
    """The lines that it printed in this time."""
    script = STORM.format(wakeup=wakeup)
    try:
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, timeout=seconds, check=True, text=True
        )
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode().split()
    return result.stdout.split()


def test_a_handler_that_sets_it_never_locks_up_the_thread_it_runs_in() -> None:
    assert storm("Wakeup", 120) == ["begins", "done"]


def test_negative_control_pythons_own_event_locks_up() -> None:
    assert storm("threading.Event", 6) == ["begins"]


def test_it_is_set_until_it_is_cleared() -> None:
    wakeup = Wakeup()
    assert not wakeup.wait(0)
    wakeup.set()
    wakeup.set()
    assert wakeup.wait(60)
    assert wakeup.wait(60)
    wakeup.clear()
    assert not wakeup.wait(0.01)


def test_a_full_pipe_is_no_fault() -> None:
    wakeup = Wakeup()
    for _ in range(100_000):
        wakeup.set()
    assert wakeup.wait(0)
    while wakeup.wait(0):
        wakeup.clear()


def test_another_thread_wakes_it_at_once() -> None:
    wakeup = Wakeup()
    timer = threading.Timer(0.05, wakeup.set)
    timer.start()
    assert wakeup.wait(60)
    timer.join()
