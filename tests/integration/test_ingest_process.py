"""The ingest process with real servers: whatever dies, every scan is counted once."""

import random
import signal

import pytest
import redis
from clickhouse_server import ClickHouseServer, fresh_database, wait_until
from ingest_process import IngestProcess, Totals, Valkey, delivered, put, put_many, query, scan, segment

from analytics.events import Tick, tick_channel
from analytics.events.segment import DAMAGED, DELIVERED, SEALED
from analytics.ingest.failpoint import POINTS
from analytics.ingest.status import read_status
from analytics.schema.migrate import migrate


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


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def start(spool, database, valkey):
    """Starts ingest processes on the spool, and ends what is left of them."""
    started = []

    def one(**environment):
        process = IngestProcess(spool, database, valkey.url, **environment)
        started.append(process)
        return process

    yield one
    for process in started:
        process.end(signal.SIGKILL)


def test_it_says_ready_delivers_and_stops_cleanly(start, spool, database):
    events = put_many(spool, segments=3, events=50)
    ingest = start().ready()
    wait_until(lambda: delivered(spool))
    assert ingest.end() == 0
    assert Totals(database).all_are(events), Totals(database)
    assert len(list((spool / DELIVERED).glob("*.seg"))) == 4
    status = read_status(spool)
    assert (status.events_delivered, status.segments_delivered, status.segments_adopted) == (events, 4, 1)
    assert (status.backlog_segments, status.last_segment, status.last_error) == (0, "00000003", "")
    assert not status.ready


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_each_scan_counts_once(start, spool, database, point):
    events = put_many(spool, segments=2, events=40)
    assert start(SCANWAY_FAILPOINT=point).wait() == -signal.SIGKILL
    start(SCANWAY_FAILPOINT=point).ready()
    wait_until(lambda: delivered(spool))
    assert Totals(database).all_are(events), Totals(database)


def test_killed_at_random_again_and_again_each_scan_counts_once(start, spool, database):
    events = put_many(spool, segments=40, events=200)

    def left():
        return len(list((spool / SEALED).glob("*.seg")))

    for _ in range(3):
        ingest = start().ready()
        enough = left() - random.randint(1, 10)
        wait_until(lambda enough=enough: left() <= enough)
        ingest.end(signal.SIGKILL)
    start().ready()
    wait_until(lambda: delivered(spool))
    assert Totals(database).all_are(events), Totals(database)


def test_clickhouse_killed_in_the_middle_costs_nothing_and_is_said_once(spool, valkey, tmp_path):
    server = ClickHouseServer(tmp_path / "clickhouse").start()
    url = server.url("scanway")
    migrate(url)
    ingest = IngestProcess(spool, url, valkey.url).ready()
    try:
        events = put_many(spool, segments=20, events=300)
        wait_until(lambda: any((spool / DELIVERED).glob("*.seg")))
        server.kill()
        wait_until(lambda: read_status(spool).retries >= 4)
        server.start()
        wait_until(lambda: delivered(spool), 60)
        assert Totals(url).all_are(events), Totals(url)
        assert ingest.said().count("nothing is lost meanwhile") == 1
        assert "It works again" in ingest.said()
        assert ingest.end() == 0
    finally:
        ingest.end(signal.SIGKILL)
        server.stop()


def test_it_waits_for_the_schema_and_says_what_to_run(spool, clickhouse_url, valkey):
    url = fresh_database(clickhouse_url)
    put(spool, "00000000", segment(scan(1)))
    ingest = IngestProcess(spool, url, valkey.url)
    try:
        wait_until(lambda: "scanway migrate" in ingest.said())
        assert not read_status(spool).ready
        migrate(url)
        ingest.ready()
        wait_until(lambda: delivered(spool))
        assert Totals(url).all_are(1)
    finally:
        ingest.end(signal.SIGKILL)


def test_a_second_ingest_of_a_spool_is_refused(start, spool):
    first = start().ready()
    second = start()
    assert second.wait() == 1
    assert f"Another ingest (process {first.process.pid}) already delivers the spool" in second.said()


def test_bad_settings_are_one_sentence(start):
    ingest = start(SCANWAY_CLICKHOUSE_URL="ftp://x")
    assert ingest.wait() == 1
    assert "SCANWAY_CLICKHOUSE_URL must look like" in ingest.said()
    assert "Traceback" not in ingest.said()


def test_newer_damaged_and_empty_segments_do_not_stop_the_others(start, spool, database):
    good = segment(scan(1), scan(2))
    newer = put(spool, "00000001", good[:8] + b"\2\0\0\0" + good[12:])
    put(spool, "00000002", good[:-1] + bytes([good[-1] ^ 1]))
    put(spool, "00000003", b"this was never a segment")
    put(spool, "00000004", segment())
    put(spool, "00000005", segment(scan(3)))
    start().ready()
    wait_until(lambda: [path.name for path in (spool / SEALED).glob("*.seg")] == [newer.name])
    assert sorted(path.stem for path in (spool / DAMAGED).iterdir()) == ["00000002", "00000003"]
    assert sorted(path.stem for path in (spool / DELIVERED).iterdir()) == ["00000005"]
    assert Totals(database).all_are(2)
    assert query(database, "SELECT chunk_id FROM events ORDER BY chunk_id") == [("00000002",), ("00000005",)]
    wait_until(lambda: read_status(spool).segments_newer == 1 and read_status(spool).segments_damaged == 2)


def test_no_column_in_clickhouse_holds_an_address(start, spool, database):
    ips = ["81.2.69.142", "2a00:1450:4001:80b::200e", "10.11.12.13"]
    scans = [
        scan(
            each,
            ip=ip,
            query=f"utm_source={ip}&ip={ip}",
            referer=f"http://{ip}/x",
            user_agent=f"Mozilla/5.0 {ip} Bot/{ip}",
        )
        for each, ip in enumerate(ips)
    ]
    put(spool, "00000000", segment(*scans))
    start().ready()
    wait_until(lambda: delivered(spool))
    stored = query(database, "SELECT * FROM events")
    assert len(stored) == 3
    for table, without in (
        ("events", ""),
        ("scans_hourly", "EXCEPT visitors"),
        ("scans_daily", "EXCEPT visitors"),
    ):
        everything = repr(query(database, f"SELECT * {without} FROM {table}"))
        assert not [ip for ip in ips if ip in everything]


def test_screens_get_a_tick_per_workspace(start, spool, valkey):
    with redis.Redis.from_url(valkey.url) as client, client.pubsub() as listener:
        listener.subscribe(tick_channel(77))
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        start().ready()
        put(spool, "00000000", segment(scan(1, workspace_id=77, link_id=5), scan(2, workspace_id=78)))
        message = listener.get_message(timeout=20)
        assert Tick.decode(message["data"]).links == {"5": (1, 0)}


def test_without_valkey_scans_arrive_and_the_salt_is_kept_private_and_offered_later(spool, database):
    valkey = Valkey()
    ingest = IngestProcess(spool, database, valkey.url)
    try:
        put(spool, "00000000", segment(scan(1)))
        ingest.ready()
        wait_until(lambda: delivered(spool))
        assert Totals(database).all_are(1)
        (kept,) = (spool / "salts").iterdir()
        assert kept.stat().st_mode & 0o777 == 0o600
        salt = kept.read_bytes()
        valkey.start()
        with redis.Redis.from_url(valkey.url) as client:
            wait_until(lambda: client.keys("scanway:salt:*"), 30)
            (key,) = client.keys("scanway:salt:*")
            assert client.get(key) == salt
            assert 172_000 < client.ttl(key) <= 172_800
            wait_until(lambda: not kept.exists())
            client.flushall()
            wait_until(lambda: client.get(key) == salt, 30)
    finally:
        ingest.end(signal.SIGKILL)
        valkey.stop()
