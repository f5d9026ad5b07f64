"""ClickHouse is down for an hour: the spool takes what its quota allows, what is dropped is counted exactly,
and all the rest arrives when it is back."""

import os
import random
import time

import pytest
from clickhouse_server import ClickHouseServer
from edge_process import EdgeProcess, until
from hammer import Hammer
from ingest_process import IngestProcess, delivered, put, query, scan, segment

from analytics.events.segment import SEALED
from analytics.schema.migrate import migrate
from analytics.verify import verify
from edge.record import Record

HOUR = 3600
PER_SECOND = 10
"""Scans a second of the simulated hour: 36,000 in all."""
SEAL_EVERY = int(os.environ.get("SCANWAY_TEST_SEAL_EVERY", "30"))
"""Seconds of scans in a segment. 1 is what a worker does by itself, and takes minutes to deliver."""
WORKERS = ("0000000a", "0000000b")


@pytest.fixture
def valkey(valkey):
    valkey.publish("spring", Record(7, 11, "https://example.com/spring", version=1))
    return valkey


def test_an_hour_of_scans_arrives_in_order_and_faster_than_five_times_real_time(valkey, tmp_path):
    spool = tmp_path / "spool"
    clickhouse = ClickHouseServer(tmp_path / "clickhouse").start()
    url = clickhouse.url("scanway")
    migrate(url)
    clickhouse.kill()
    ingest = IngestProcess(spool, url, valkey.url)
    try:
        start = time.time() - HOUR
        chance = random.Random(7)
        events = 0
        for second in range(0, HOUR, SEAL_EVERY):
            for worker in WORKERS:
                at, number = start + second, PER_SECOND * SEAL_EVERY // len(WORKERS)
                scans = [scan(each, at=at + SEAL_EVERY * chance.random()) for each in range(number)]
                name = f"{int(at * 1000):013d}-{worker}-{second // SEAL_EVERY:06d}"
                put(spool, name, segment(*scans), age=HOUR - second)
                events += number
        assert not any((spool / "delivered").glob("*"))
        began = time.monotonic()
        clickhouse.start()
        ingest.ready()
        until(lambda: delivered(spool), "everything is delivered", 600)
        took = time.monotonic() - began
        report = verify(url)
        print(
            f"{events} scans of {HOUR} s in segments of {SEAL_EVERY} s arrived in {took:.1f} s, "
            f"{events / took:.0f} a second: clickhouse_back_times_real_time={HOUR / took:.0f}"
        )
        assert (report.rows, report.unique_ids, report.ok) == (events, events, True)
        arrived = query(
            url, "SELECT chunk_id FROM events GROUP BY chunk_id ORDER BY min(ingested_at), chunk_id"
        )
        names = [name for (name,) in arrived]
        for worker in WORKERS:
            of_worker = [name for name in names if worker in name]
            assert of_worker == sorted(of_worker), "a worker's segments overtook each other"
    finally:
        ingest.end()
        clickhouse.stop()


def test_over_its_quota_the_spool_drops_and_counts_exactly_and_goes_on_when_there_is_room(valkey, tmp_path):
    spool = tmp_path / "spool"
    clickhouse = ClickHouseServer(tmp_path / "clickhouse").start()
    url = clickhouse.url("scanway")
    migrate(url)
    clickhouse.kill()
    ingest = IngestProcess(spool, url, valkey.url)
    edge = EdgeProcess(spool, valkey.url, SCANWAY_UNKNOWN_LIMIT="0", SCANWAY_SPOOL_QUOTA="2097152")
    try:
        hammer = Hammer(edge.port, ["spring"], per_second=3_000)
        until(lambda: edge.metric("scanway_edge_spool_dropped_total") > 1_000, "the spool is full", 30)
        assert b"quota" in edge.get("/-/readyz")[2]
        size = sum(path.stat().st_size for path in (spool / SEALED).iterdir())
        assert 2_097_152 <= size < 2 * 2_097_152
        clickhouse.start()
        ingest.ready()
        until(lambda: edge.metric("scanway_edge_spool_full") == 0, "there is room again", 60)
        sealed = edge.metric("scanway_edge_spool_sealed_total")
        until(lambda: edge.metric("scanway_edge_spool_sealed_total") > sealed, "scans are recorded again", 60)
        assert edge.get("/-/readyz")[0] == 200
        books = hammer.stop()
        dropped = edge.metric("scanway_edge_spool_dropped_total")
        assert edge.stop() == 0
        until(lambda: delivered(spool), "everything is delivered", 120)
        report = verify(url)
        print(f"{len(books.answered)} scans answered, {dropped:.0f} dropped, {report.rows} arrived")
        assert set(books.statuses) == {"302"}
        assert len(books.answered) == report.rows + dropped
        assert report.ok, report.differing_days
    finally:
        if edge.process.poll() is None:
            edge.stop()
        ingest.end()
        clickhouse.stop()
