"""Exactly once, and why: the token, the count, and what happens without either."""

import os
import time
import uuid

import pytest
import redis
from clickhouse_server import fresh_database
from ingest_process import Totals, put, query, scan, segment

from analytics.events import decode_scan, encode_scan, frame, read_segment
from analytics.ingest.attempt import Attempt, AttemptFile
from analytics.ingest.deliver import TOKEN_AGE, Deliverer, Outcome
from analytics.ingest.failpoint import Failpoint
from analytics.ingest.rows import Enricher
from analytics.ingest.salts import Salts
from analytics.ingest.spool import Spool
from analytics.ingest.warehouse import Warehouse
from analytics.schema.migrate import migrate
from analytics.visitors.geo import Geo
from analytics.visitors.networks import known_networks

MONTH = 31 * 86_400


class TokenlessWarehouse(Warehouse):
    """The negative control: every try has a token of its own."""

    def insert(self, rows, token):
        super().insert(rows, uuid.uuid4().hex)


class DiesAfterInsert(Failpoint):
    """As `after_insert_before_rename`, within one test process."""

    def __init__(self):
        self.alive = False

    def reach(self, name):
        if name == "after_insert_before_rename" and not self.alive:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def enricher():
    return Enricher(Geo(), known_networks())


@pytest.fixture
def database(clickhouse_url):
    url = fresh_database(clickhouse_url)
    migrate(url)
    return url


@pytest.fixture
def spool(tmp_path):
    found = Spool(tmp_path / "spool")
    found.claim()
    return found


@pytest.fixture
def deliverer(spool, database, enricher):
    """Makes a deliverer as a fresh process would have it."""
    valkey = redis.Redis(port=1, socket_connect_timeout=0.1, retry=None)
    made = []

    def make(kind=Warehouse, failpoint=None):
        warehouse = kind(database)
        made.append(warehouse)
        return Deliverer(
            spool, warehouse, enricher, Salts(valkey, spool.root), failpoint or Failpoint("", spool.root)
        )

    yield make
    for warehouse in made:
        warehouse.close()
    valkey.close()


def deliver_and_die(deliverer, kind, times):
    for _ in range(times):
        with pytest.raises(KeyboardInterrupt):
            deliverer(kind, DiesAfterInsert()).deliver("seg")


def test_delivered_over_and_over_under_its_token_it_counts_once(spool, deliverer, database):
    put(spool.root, "seg", segment(*(scan(each) for each in range(100))))
    deliver_and_die(deliverer, Warehouse, 3)
    assert deliverer().deliver("seg").outcome is Outcome.DELIVERED
    assert Totals(database).all_are(100), Totals(database)


def test_without_the_token_the_same_doubles(spool, deliverer, database):
    put(spool.root, "seg", segment(*(scan(each) for each in range(100))))
    deliver_and_die(deliverer, TokenlessWarehouse, 1)
    deliverer(TokenlessWarehouse).deliver("seg")
    totals = Totals(database)
    assert (totals.rows, totals.unique, totals.hourly) == (200, 100, 200)
    assert set(totals.daily.values()) == {200}


def test_a_full_segment_of_only_different_values_is_one_block_in_every_view(spool, deliverer, database):
    # 120,000 groups in the daily view: above what makes ClickHouse aggregate in several blocks by default.
    scans = [
        scan(
            each,
            link_id=each,
            workspace_id=each,
            query=f"utm_source=s{each}&utm_medium=m{each}&utm_campaign=c{each}",
        )
        for each in range(10_000)
    ]
    put(spool.root, "seg", segment(*scans))
    deliver_and_die(deliverer, Warehouse, 1)
    deliverer().deliver("seg")
    assert Totals(database).all_are(10_000), Totals(database)


def test_a_segment_over_the_end_of_a_month_counts_once(spool, deliverer, database):
    now = time.time()
    put(spool.root, "seg", segment(*(scan(each, at=now - MONTH * (each % 3)) for each in range(90))))
    deliver_and_die(deliverer, Warehouse, 2)
    deliverer().deliver("seg")
    assert Totals(database).all_are(90), Totals(database)


def stored_under_a_forgotten_token(spool, database, enricher, scans, keep=None):
    """As if `scans` had been inserted so long ago that ClickHouse no longer knows the token."""
    put(spool.root, "seg", segment(*scans), age=TOKEN_AGE + 60)
    warehouse = Warehouse(database)
    rows = [enricher.row(each, "seg", b"s" * 16) for each in scans]
    warehouse.insert(rows[:keep], "forgotten")
    warehouse.close()


def test_an_old_segment_that_is_there_is_not_sent_again(spool, deliverer, database, enricher):
    scans = [scan(each) for each in range(50)]
    stored_under_a_forgotten_token(spool, database, enricher, scans)
    assert deliverer().deliver("seg").outcome is Outcome.ALREADY_THERE
    assert Totals(database).all_are(50)
    assert spool.sealed() == []


def test_an_old_segment_that_is_half_there_is_completed(spool, deliverer, database, enricher):
    scans = [scan(each) for each in range(50)]
    stored_under_a_forgotten_token(spool, database, enricher, scans, keep=20)
    assert deliverer().deliver("seg").outcome is Outcome.COMPLETED
    assert Totals(database).all_are(50), Totals(database)


def test_an_old_segment_that_is_not_there_is_sent_once_even_when_killed(spool, deliverer, database):
    put(spool.root, "seg", segment(*(scan(each) for each in range(50))), age=TOKEN_AGE + 60)
    deliver_and_die(deliverer, Warehouse, 2)
    assert deliverer().deliver("seg").outcome is Outcome.DELIVERED
    assert Totals(database).all_are(50), Totals(database)


def test_an_attempt_too_old_for_its_token_is_counted_first(spool, deliverer, database, enricher):
    scans = [scan(each) for each in range(50)]
    stored_under_a_forgotten_token(spool, database, enricher, scans)
    os.utime(spool.path("sealed", "seg"))
    AttemptFile(spool.root).note("seg", time.time() - TOKEN_AGE - 1)
    assert deliverer().deliver("seg").outcome is Outcome.ALREADY_THERE
    assert Totals(database).all_are(50)


def test_a_backlog_of_old_segments_is_counted_in_one_query(spool, deliverer, database):
    names = [f"{each:04d}" for each in range(12)]
    for name in names:
        put(spool.root, name, segment(scan(1)), age=TOKEN_AGE + 60)
    asked = []

    class Counting(Warehouse):
        def counts(self, chunk_ids):
            asked.append(len(chunk_ids))
            return super().counts(chunk_ids)

    deliver = deliverer(Counting)
    for position, name in enumerate(names):
        deliver.deliver(name, names[position + 1 :])
    assert asked == [12]
    assert Totals(database).all_are(12)


def test_what_an_earlier_process_was_sending_goes_first(spool, deliverer):
    assert deliverer().unsettled == ""
    AttemptFile(spool.root).note("seg", 1.5)
    assert deliverer().unsettled == "seg"
    assert AttemptFile(spool.root).read() == Attempt("seg", 1.5)
    (spool.root / "attempt.json").write_text("{torn")
    assert deliverer().unsettled == ""


def test_frames_that_are_no_events_are_counted_and_kept_and_the_others_delivered(spool, deliverer, database):
    odd = frame(b"\x00") + frame(encode_scan(scan(1, event_id=b"short")))
    path = put(spool.root, "seg", segment(scan(1)) + odd + frame(encode_scan(scan(2))))
    assert len(read_segment(path.read_bytes()).payloads) == 4
    delivery = deliverer().deliver("seg")
    assert (delivery.undecodable, delivery.damaged, len(delivery.rows)) == (2, True, 2)
    assert Totals(database).all_are(2)
    assert spool.path("damaged", "seg").exists()


def test_what_is_stored_is_what_was_scanned(spool, deliverer, database):
    one = decode_scan(encode_scan(scan(3, at=1_767_225_600.123456, workspace_id=1, ip="81.2.69.142")))
    put(spool.root, "seg", segment(one))
    deliverer().deliver("seg")
    ((event, at, workspace, country, signals),) = query(
        database,
        "SELECT event_id, toUnixTimestamp64Micro(at), workspace_id, country, bot_signals FROM events",
    )
    assert (event.bytes, at, workspace, country, signals) == (one.event_id, one.at, 1, "GB", [])
