"""`scanway verify` sees any difference between events and rollups, in every dimension, and mends it."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_server import fresh_database

from analytics import verify as module
from analytics.queries import DIMENSIONS
from analytics.schema.migrate import migrate
from analytics.schema.server import Server, connect
from analytics.verify import repair, verify

COLUMNS = (
    "event_id", "chunk_id", "at", "workspace_id", "link_id", "visitor_id", "country", "is_bot",
    "placement", "rule", "variant",
)  # fmt: skip
START = datetime.now(UTC).replace(hour=23, minute=30, second=0, microsecond=0) - timedelta(days=3)
DAY = START.date()
DAYS = [DAY, DAY + timedelta(days=1)]


@pytest.fixture
def database(clickhouse_url):
    url = fresh_database(clickhouse_url)
    migrate(url)
    return url


@pytest.fixture
def client(database):
    with connect(Server.from_url(database)) as made:
        insert(made, rows(3600), "one")
        yield made


def rows(count):
    return [
        [
            uuid.uuid4(),
            "one",
            START + timedelta(seconds=n),
            1 + n % 2,
            n % 3,
            n % 50,
            "DE",
            int(n % 4 == 0),
            f"door {n % 5}",
            n % 4,
            n % 3,
        ]
        for n in range(count)
    ]


def insert(client, data, token):
    settings = {
        "async_insert": 0,
        "insert_deduplication_token": token,
        "deduplicate_blocks_in_dependent_materialized_views": 1,
    }
    client.insert("events", data, column_names=COLUMNS, settings=settings)


def mutate(client, statement):
    client.command(statement, settings={"mutations_sync": 2})


@pytest.mark.parametrize("dimension", DIMENSIONS[-3:])
def test_a_dimension_that_lacks_scans_is_seen_and_mended(client, database, dimension):
    assert verify(database).ok
    mutate(client, f"ALTER TABLE scans_daily DELETE WHERE dimension = '{dimension}' AND link_id = 1")
    assert [day.day for day in verify(database).differing_days] == DAYS
    report = repair(database, DAYS)
    assert (report.ok, report.rows) == (True, 3600)


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE scans_daily UPDATE scans = scans + if(link_id = 1, 5, -5) "
        "WHERE dimension = 'os' AND link_id IN (0, 1) AND workspace_id = 1 AND is_bot = 0",
        "ALTER TABLE scans_hourly UPDATE scans = scans + if(link_id = 1, 5, -5) "
        "WHERE link_id IN (0, 1) AND workspace_id = 1 AND is_bot = 0",
    ],
)
def test_scans_at_the_wrong_link_are_seen_though_the_sums_are_right(client, database, damage):
    before = verify(database)
    mutate(client, damage)
    report = verify(database)
    assert [(day.hourly, day.daily) for day in report.days] == [
        (day.hourly, day.daily) for day in before.days
    ]
    assert [day.day for day in report.differing_days] == DAYS
    assert all(len(day.misplaced) == 1 for day in report.days)
    assert repair(database, DAYS).ok


def double(client):
    client.command("INSERT INTO events SELECT * FROM events WHERE link_id = 1")


def everything(client):
    return client.query("SELECT * FROM events ORDER BY event_id").result_rows


def test_doubled_events_are_seen_and_removed(client, database):
    before = everything(client)
    double(client)
    report = verify(database)
    assert (report.rows, report.unique_ids) == (4800, 3600)
    assert all(day.has_duplicates for day in report.days)
    report = repair(database, DAYS)
    assert (report.ok, report.rows) == (True, 3600)
    assert everything(client) == before


STEPS = (
    "INSERT INTO events_repair_",
    "RENAME",
    "ALTER TABLE events",
    "INSERT INTO events SELECT",
    "DROP TABLE events_repair",
    "ALTER TABLE scans",
)


@pytest.mark.parametrize("statement", STEPS)
def test_a_repair_that_dies_anywhere_is_finished_by_the_next(client, database, monkeypatch, statement):
    before = everything(client)
    double(client)

    class Dying:
        def __init__(self, real):
            self.real, self.query, self.close = real, real.query, real.close

        def command(self, sql, **options):
            if sql.startswith(statement) and "IF EXISTS" not in sql:
                raise KeyboardInterrupt
            return self.real.command(sql, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "connect", lambda server: Dying(connect(server)))
        with pytest.raises(KeyboardInterrupt):
            repair(database, DAYS)
    report = repair(database, DAYS)
    assert (report.ok, report.rows) == (True, 3600)
    assert everything(client) == before
