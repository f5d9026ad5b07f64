"""Workers are replaced under load: no client sees a connection break, and no scan is lost."""

import os
import signal
import time

import pytest
from edge_process import EdgeProcess, until
from hammer import Books, Hammer

from edge.record import Record

PER_SECOND = 3_000


@pytest.fixture
def valkey(valkey):
    valkey.publish("spring", Record(7, 11, "https://example.com/spring", version=1))
    return valkey


@pytest.fixture
def start(valkey, tmp_path):
    """Starts an edge, and ends what is left of it."""
    started = []

    def one(workers: int, **environment: str) -> EdgeProcess:
        settings = {"SCANWAY_UNKNOWN_LIMIT": "0", "SCANWAY_EDGE_WORKERS": str(workers)} | environment
        started.append(EdgeProcess(tmp_path / "spool", valkey.url, **settings))
        return started[-1]

    yield one
    for edge in started:
        if edge.process.poll() is None:
            edge.stop()


def pids(edge: EdgeProcess) -> set[int]:
    return {worker.pid for worker in edge.workers()}


def check_nothing_broke(edge: EdgeProcess, hammer: Hammer, books: Books) -> None:
    assert edge.stop() == 0
    recorded = sorted(scan.query.removeprefix("utm_content=") for scan in edge.scans("sealed"))
    print(
        f"{books.sent} scans, {books.resets} resets, {books.refused} refused, {len(books.unanswered)} "
        f"without an answer, {len(recorded)} recorded; the slowest took {books.slowest():.0f} ms"
    )
    assert set(books.statuses) == {"302"}
    assert (books.resets, books.refused, books.unanswered) == (0, 0, [])
    assert recorded == sorted(hammer.marker(number) for number in range(books.sent))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_rolling_restart_breaks_no_connection_and_loses_no_scan(start, workers, keep_alive):
    edge = start(workers)
    hammer = Hammer(edge.port, ["spring"], per_second=PER_SECOND, keep_alive=keep_alive)
    time.sleep(1)
    before = pids(edge)
    edge.process.send_signal(signal.SIGHUP)
    until(lambda: len(pids(edge) - before) == workers == len(pids(edge)), "all are replaced", 60)
    time.sleep(1)
    check_nothing_broke(edge, hammer, hammer.stop())


def test_sigterm_to_one_worker_after_the_other_breaks_no_connection_and_loses_no_scan(start):
    edge = start(2)
    hammer = Hammer(edge.port, ["spring"], per_second=PER_SECOND)
    time.sleep(1)
    for pid in pids(edge):
        os.kill(pid, signal.SIGTERM)
        until(lambda pid=pid: len(pids(edge) - {pid}) == 2, "it is replaced", 30)
        time.sleep(1)
    check_nothing_broke(edge, hammer, hammer.stop())


def test_without_the_drain_a_worker_that_leaves_breaks_connections(start):
    """The negative control: SIGINT is the server's own stop. Tried until a connection breaks."""
    edge = start(2)
    for _ in range(6):
        hammer = Hammer(edge.port, ["spring"], per_second=PER_SECOND, connections=64)
        time.sleep(1)
        for _ in range(3):
            for pid in pids(edge):
                os.kill(pid, signal.SIGINT)
                until(lambda pid=pid: len(pids(edge) - {pid}) == 2, "it is replaced", 30)
                time.sleep(1)
        if hammer.stop().resets > 0:
            return
    pytest.fail("No connection broke.")


def test_a_worker_that_cannot_be_replaced_stays(start, valkey, tmp_path, capfd):
    where = tmp_path / "valkey.url"
    where.write_text(valkey.url)
    edge = start(2, SCANWAY_REDIS_URL="", SCANWAY_REDIS_URL_FILE=str(where))
    before = pids(edge)
    where.write_text("ftp://nothing")
    edge.process.send_signal(signal.SIGHUP)
    until(lambda: "cannot be replaced" in capfd.readouterr().err, "it is said", 40)
    assert pids(edge) == before
    assert edge.location("spring") == "https://example.com/spring"
    where.write_text(valkey.url)
    edge.process.send_signal(signal.SIGHUP)
    until(lambda: len(pids(edge) - before) == 2 == len(pids(edge)), "all are replaced", 60)
    assert edge.location("spring") == "https://example.com/spring"


def test_a_quiet_edge_is_replaced_and_stopped_in_between(start):
    edge = start(2)
    edge.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert edge.stop() == 0


def test_a_worker_that_dies_while_another_is_being_replaced_is_started_again(valkey, start, tmp_path):
    where = tmp_path / "url"
    where.write_text(valkey.url)
    edge = start(2, SCANWAY_REDIS_URL="", SCANWAY_REDIS_URL_FILE=str(where))
    first, second = (worker.pid for worker in edge.workers())
    # Who reads its settings now waits for somebody to write them.
    where.unlink()
    os.mkfifo(where)
    edge.process.send_signal(signal.SIGHUP)
    until(lambda: len(edge.workers()) == 3, "the first one's replacement starts")
    os.kill(second, signal.SIGKILL)
    until(lambda: second not in pids(edge) and len(edge.workers()) == 3, "the second is started again", 10)
    assert first in pids(edge)
