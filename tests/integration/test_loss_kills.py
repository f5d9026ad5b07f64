"""Workers, ingest and ClickHouse die under 5,000 scans a second: each answered scan is counted once."""

import contextlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from clickhouse_server import ClickHouseServer
from edge_process import EdgeProcess, Valkey, until
from hammer import Books, Hammer
from ingest_process import IngestProcess, delivered, query

from analytics.ingest.failpoint import POINTS
from analytics.schema.migrate import migrate
from analytics.verify import verify
from edge.record import Record

PER_SECOND = 5_000
KILLS = 20
CODES = [f"code{number}" for number in range(50)]


@pytest.fixture
def valkey(valkey):
    for number, code in enumerate(CODES):
        valkey.publish(code, Record(1 + number % 3, 1 + number, f"https://example.com/{code}", version=1))
    return valkey


@pytest.fixture
def edge(valkey, tmp_path):
    process = EdgeProcess(tmp_path / "spool", valkey.url, SCANWAY_UNKNOWN_LIMIT="0", SCANWAY_EDGE_WORKERS="2")
    yield process
    if process.process.poll() is None:
        process.stop()


def kill_workers(edge: EdgeProcess, times: int, chance: random.Random) -> None:
    """Each at a random moment; the next when the last is replaced, which takes about a second."""
    killed: set[int] = set()
    while len(killed) < times:
        time.sleep(chance.uniform(0.1, 0.9))
        with contextlib.suppress(psutil.Error):
            alive = [worker for worker in edge.workers() if worker.pid not in killed]
            if alive:
                worker = chance.choice(alive)
                worker.kill()
                killed.add(worker.pid)


class Deliverers:
    """Ingest processes one after the other: one dies at each named failpoint, then they die at random."""

    def __init__(self, spool: Path, url: str, valkey: Valkey, chance: random.Random) -> None:
        self.died: list[str] = []
        self._over = threading.Event()
        self._chance = chance
        self._start = lambda **environment: IngestProcess(spool, url, valkey.url, **environment)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for point in POINTS:
            process = self._start(SCANWAY_FAILPOINT=point)
            while process.process.poll() is None and not self._over.wait(0.05):
                pass
            if process.end(signal.SIGKILL) == -signal.SIGKILL and not self._over.is_set():
                self.died.append(point)
        while not self._over.is_set():
            process = self._start()
            self._over.wait(self._chance.uniform(1.5, 4.0))
            process.end(signal.SIGKILL)
            self.died.append("random")

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def lost_and_doubled(books: Books, hammer: Hammer, url: str) -> tuple[int, int, int]:
    """Scans that were answered and are in no event; in more than one; events of scans that nobody sent."""
    counts = dict(
        query(
            url, f"SELECT utm_content, count() FROM events WHERE utm_content LIKE '{hammer.run}-%' GROUP BY 1"
        )
    )
    lost = sum(hammer.marker(number) not in counts for number in books.answered)
    invented = len(counts.keys() - {hammer.marker(number) for number in range(books.sent)})
    return lost, sum(number > 1 for number in counts.values()), invented


def test_20_dead_workers_dead_ingests_and_dead_clickhouses_lose_and_double_nothing(edge, valkey, tmp_path):
    chance = random.Random(20260101)
    clickhouse = ClickHouseServer(tmp_path / "clickhouse").start()
    url = clickhouse.url("scanway")
    migrate(url)
    deliverers = Deliverers(edge.spool, url, valkey, chance)
    hammer = Hammer(edge.port, CODES, per_second=PER_SECOND)
    over = threading.Event()

    def kill_clickhouse() -> None:
        while not over.wait(chance.uniform(4.0, 8.0)):
            clickhouse.kill()
            time.sleep(chance.uniform(0.0, 1.0))
            clickhouse.start()

    thread = threading.Thread(target=kill_clickhouse)
    thread.start()
    began = time.monotonic()
    try:
        kill_workers(edge, KILLS, chance)
        until(lambda: set(deliverers.died) >= set(POINTS), "each failpoint was reached", 60)
        lasted = time.monotonic() - began
        books = hammer.stop()
        assert edge.stop() == 0
    finally:
        over.set()
        thread.join()
        deliverers.end()
    ingest = IngestProcess(edge.spool, url, valkey.url).ready()
    try:
        until(lambda: delivered(edge.spool), "everything is delivered", 120)
        report = verify(url)
        found = lost_and_doubled(books, hammer, url)
        print(
            f"{KILLS} workers and {len(deliverers.died)} ingests killed in {lasted:.0f} s; "
            f"{books.sent} scans sent, {len(books.answered)} answered, {report.rows} events; "
            f"lost, doubled, invented: {found}"
        )
        assert set(books.statuses) == {"302"}
        assert len(books.answered) > PER_SECOND * lasted / 4, "the load was not what it should be"
        assert found == (0, 0, 0)
        assert report.ok, report.differing_days
        assert not list((edge.spool / "damaged").iterdir())
    finally:
        assert ingest.end() == 0
        clickhouse.stop()


def test_without_writing_before_the_answer_a_killed_worker_loses_scans(valkey, tmp_path, monkeypatch):
    """The negative control: an edge that keeps scans in memory until the next tick."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())]))
    edge = EdgeProcess(tmp_path / "spool", valkey.url, program="careless_edge", SCANWAY_UNKNOWN_LIMIT="0")
    try:
        hammer = Hammer(edge.port, CODES, per_second=2_000)
        time.sleep(2.5)
        kill_workers(edge, 1, random.Random(3))
        until(lambda: edge.workers(), "the worker is replaced")
        books = hammer.stop()
        edge.stop()
        recorded = {scan.query.removeprefix("utm_content=") for scan in edge.scans()}
        assert [number for number in books.answered if hammer.marker(number) not in recorded]
    finally:
        if edge.process.poll() is None:
            edge.stop()
