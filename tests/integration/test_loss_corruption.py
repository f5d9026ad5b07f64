"""Segments with flipped bytes, torn tails and a newer version, through the real ingest into ClickHouse."""

import os
import signal
import subprocess
import sys

import pytest
from clickhouse_server import fresh_database, wait_until
from ingest_process import ROOT, IngestProcess, Valkey, put, query, scan, segment

from analytics.events import encode_scan, frame, read_segment
from analytics.events.segment import DAMAGED, DELIVERED, OPEN, SEALED
from analytics.ingest.status import read_status
from analytics.schema.migrate import migrate
from analytics.verify import verify

EVENTS = 8


@pytest.fixture(scope="module")
def valkey():
    server = Valkey().start()
    yield server
    server.stop()


@pytest.fixture
def database(clickhouse_url):
    url = fresh_database(clickhouse_url)
    migrate(url)
    return url


def files(spool, folder):
    return sorted(path.stem for path in (spool / folder).glob("*.seg"))


def test_flipped_bytes_are_set_aside_and_reported_and_the_good_events_counted_once(
    valkey, database, tmp_path
):
    spool = tmp_path / "spool"
    expected, newer, damaged = set(), set(), set()
    whole = segment(*(scan(each) for each in range(EVENTS)))
    for at in range(0, len(whole), len(whole) // 60):
        scans = [scan(each) for each in range(EVENTS)]
        data = bytearray(segment(*scans))
        data[at] ^= 1 << at % 8
        name = f"{at:08d}"
        put(spool, name, bytes(data))
        found = read_segment(bytes(data))
        assert found.damage is not None
        expected |= {(name, each.event_id) for each in scans[: len(found.payloads)]}
        (newer if found.damage == "newer" else damaged).add(name)
    ingest = IngestProcess(spool, database, valkey.url).ready()
    try:
        wait_until(lambda: set(files(spool, SEALED)) == newer, 60)
        assert set(files(spool, DAMAGED)) == damaged
        stored = query(database, "SELECT chunk_id, event_id FROM events")
        assert sorted((chunk, event.bytes) for chunk, event in stored) == sorted(expected)
        wait_until(lambda: read_status(spool).segments_damaged == len(damaged))
        assert verify(database).ok
        assert ingest.said().count("is damaged") == len(damaged)
    finally:
        assert ingest.end() == 0


def test_a_tail_torn_at_any_length_costs_the_torn_event_alone(valkey, database, tmp_path):
    spool = tmp_path / "spool"
    expected = set()
    last = frame(encode_scan(scan(99)))
    for length in range(0, len(last), len(last) // 25):
        scans = [scan(each) for each in range(EVENTS)]
        name = f"{length:08d}"
        # As a worker leaves it that is killed: the rest of the reserved space is zeros.
        reserved = bytes(4096) if length % 2 else b""
        put(spool, name, segment(*scans) + last[:length] + reserved, folder=OPEN, age=10)
        expected |= {(name, each.event_id) for each in scans}
    ingest = IngestProcess(spool, database, valkey.url).ready()
    try:
        wait_until(lambda: not files(spool, SEALED) and not files(spool, OPEN), 60)
        stored = query(database, "SELECT chunk_id, event_id FROM events")
        assert sorted((chunk, event.bytes) for chunk, event in stored) == sorted(expected)
        assert set(files(spool, DELIVERED)) | set(files(spool, DAMAGED)) == {name for name, _ in expected}
    finally:
        assert ingest.end() == 0


def test_a_newer_segment_waits_for_the_upgrade_and_is_delivered_by_it(valkey, database, tmp_path):
    spool = tmp_path / "spool"
    old = segment(scan(1), scan(2))
    put(spool, "00000000", old[:8] + b"\2\0\0\0" + old[12:])
    put(spool, "00000001", segment(scan(3)))
    ingest = IngestProcess(spool, database, valkey.url).ready()
    wait_until(lambda: files(spool, DELIVERED) == ["00000001"])
    wait_until(lambda: read_status(spool).segments_newer == 1)
    assert "upgrade ingest and it is delivered" in ingest.said()
    assert files(spool, SEALED) == ["00000000"]
    assert ingest.end() == 0

    upgraded = (
        "import analytics.events.segment as s; s.VERSION = 2; import analytics.ingest.main as m; m.run()"
    )
    environment = os.environ | {
        "SCANWAY_SPOOL": str(spool),
        "SCANWAY_CLICKHOUSE_URL": database,
        "SCANWAY_REDIS_URL": valkey.url,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", upgraded], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: not files(spool, SEALED))
        assert query(database, "SELECT chunk_id, count() FROM events GROUP BY 1 ORDER BY 1") == [
            ("00000000", 2),
            ("00000001", 1),
        ]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
