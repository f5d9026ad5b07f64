"""Migrations, exactly-once effect of tokens, reconciliation and repair, on the real engine."""

import re
import threading
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from clickhouse_server import fresh_database

from analytics.schema.migrate import Migration, SchemaError, migrate, migrations, pending
from analytics.schema.server import Server, connect
from analytics.verify import repair, verify

NAMES = [migration.name for migration in migrations()]
COLUMNS = ["event_id", "chunk_id", "at", "workspace_id", "link_id", "visitor_id", "country", "is_bot"]
START = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def rows(count: int, chunk: str) -> list[list]:
    return [
        [uuid.uuid4(), chunk, START + timedelta(seconds=n), 1, n % 3, n % 50, "DE", int(n % 4 == 0)]
        for n in range(count)
    ]


def insert(client, data, token: str) -> None:
    client.insert(
        "events",
        data,
        column_names=COLUMNS,
        settings={
            "async_insert": 0,
            "insert_deduplication_token": token,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
        },
    )


@pytest.fixture
def database(clickhouse_url):
    url = fresh_database(clickhouse_url)
    migrate(url)
    return url


@pytest.fixture
def client(database):
    with connect(Server.from_url(database)) as made:
        yield made


def test_each_migration_runs_once_and_is_recorded(clickhouse_url):
    url = fresh_database(clickhouse_url)
    assert pending(url) == NAMES
    assert migrate(url) == NAMES
    assert migrate(url) == []
    assert pending(url) == []
    with connect(Server.from_url(url)) as client:
        recorded = client.query(
            "SELECT name, checksum, applied_at FROM schema_migrations ORDER BY name"
        ).result_rows
    assert [row[:2] for row in recorded] == [(one.name, one.checksum) for one in migrations()]
    assert all(row[2].year >= 2026 for row in recorded)


def migrate_four_times_at_once(url: str) -> None:
    failures = []

    def work() -> None:
        try:
            migrate(url)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_four_at_once_agree(clickhouse_url):
    url = fresh_database(clickhouse_url)
    migrate_four_times_at_once(url)
    assert pending(url) == []
    with connect(Server.from_url(url)) as client:
        insert(client, rows(10, "a"), "a")
        assert client.command("SELECT sum(scans) FROM scans_hourly") == 10


def test_a_run_that_died_in_the_middle_is_repeated(database, client):
    client.command("DELETE FROM schema_migrations WHERE name > '0001' SETTINGS mutations_sync = 2")
    client.command("DROP TABLE scans_daily_mv")
    assert migrate(database) == NAMES
    assert pending(database) == []


@pytest.fixture
def before_rules(clickhouse_url, monkeypatch):
    """A database as 0003 left it, with scans of two days, and none of its migrations since."""
    url = fresh_database(clickhouse_url)
    with monkeypatch.context() as old:
        old.setattr("analytics.schema.migrate.migrations", lambda: migrations()[:3])
        assert migrate(url) == NAMES[:3]
    with connect(Server.from_url(url)) as client:
        insert(client, rows(5000, "old"), "old")
    return url


def added(client) -> list[tuple]:
    return client.query(
        "SELECT dimension, value, sum(scans), uniqMergeIf(visitors, is_bot = 0) FROM scans_daily "
        "WHERE dimension IN ('placement', 'rule', 'variant') GROUP BY dimension, value ORDER BY ALL"
    ).result_rows


def test_scans_of_before_have_no_placement_rule_or_variant_and_the_sums_agree(before_rules):
    assert migrate(before_rules) == NAMES[3:]
    report = verify(before_rules)
    assert (report.ok, report.rows, len(report.days)) == (True, 5000, 2)
    with connect(Server.from_url(before_rules)) as client:
        assert added(client) == [(name, "", 5000, 50) for name in ("placement", "rule", "variant")]
        new = [[*row, "window", 2, 1] for row in rows(100, "new")]
        client.insert("events", new, column_names=[*COLUMNS, "placement", "rule", "variant"])
        assert [row[:3] for row in added(client)] == [
            ("placement", "", 5000),
            ("placement", "window", 100),
            ("rule", "", 5000),
            ("rule", "2", 100),
            ("variant", "", 5000),
            ("variant", "2.1", 100),
        ]
        assert verify(before_rules).ok
        # A rebuilt day is made by the new view.
        days = [day.day for day in report.days]
        client.command("ALTER TABLE scans_daily DELETE WHERE dimension = 'rule' SETTINGS mutations_sync = 2")
        assert [day.day for day in verify(before_rules).differing_days] == days
        assert repair(before_rules, days).ok


def test_an_older_schema_is_named_and_not_taken_for_lost_counts(before_rules):
    for ask in (verify, lambda url: repair(url, [date(2026, 3, 1)])):
        with pytest.raises(SchemaError, match=f"{NAMES[3]} has not run .* scanway migrate first"):
            ask(before_rules)


def test_rollups_older_than_the_oldest_scan_get_the_new_dimensions_too(before_rules):
    with connect(Server.from_url(before_rules)) as client:
        client.command("TRUNCATE TABLE events")
        migrate(before_rules)
        assert [row[2] for row in added(client)] == [5000, 5000, 5000]


def test_a_migration_that_died_after_one_month_is_finished(before_rules):
    """Parts are written month by month: what is there already is not filled a second time."""
    migrate(before_rules)
    with connect(Server.from_url(before_rules)) as client:
        insert(client, rows(10, "new"), "new")
        client.command("DELETE FROM schema_migrations WHERE name > '0004' SETTINGS mutations_sync = 2")
        assert migrate(before_rules) == NAMES[3:]
        assert verify(before_rules).ok
        client.command("DELETE FROM schema_migrations WHERE name > '0004' SETTINGS mutations_sync = 2")
        client.command("ALTER TABLE scans_daily DELETE WHERE dimension = 'rule' SETTINGS mutations_sync = 2")
        # Another log of tokens, as if the run had died before it wrote this part.
        client.command("ALTER TABLE scans_daily MODIFY SETTING non_replicated_deduplication_window = 0")
        assert migrate(before_rules) == NAMES[3:]
        assert verify(before_rules).ok


def test_four_at_once_fill_the_new_dimensions_once(before_rules):
    migrate_four_times_at_once(before_rules)
    assert verify(before_rules).ok


def test_negative_control_without_the_token_four_at_once_fill_them_several_times(clickhouse_url, monkeypatch):
    old = migrations()
    careless = re.sub(r"    insert_deduplication_token = .*\n", "", old[3].template)
    careless = careless.replace("insert_deduplicate = 1", "insert_deduplicate = 0")
    assert careless.count("insert_dedup") == 1
    for _ in range(10):  # a race: nearly every time
        url = fresh_database(clickhouse_url)
        monkeypatch.setattr("analytics.schema.migrate.migrations", lambda: old[:3])
        migrate(url)
        with connect(Server.from_url(url)) as client:
            insert(
                client,
                [[*row[:3], *divmod(n, 40), n, *row[6:]] for n, row in enumerate(rows(20_000, "a"))],
                "a",
            )
        monkeypatch.setattr(
            "analytics.schema.migrate.migrations", lambda: [*old[:3], Migration(old[3].name, careless)]
        )
        migrate_four_times_at_once(url)
        if not verify(url).ok:
            return
    raise AssertionError("Four at once never met: the test above proves nothing.")


def test_an_edited_migration_is_refused(database, client):
    client.command(
        "ALTER TABLE schema_migrations UPDATE checksum = 'other' WHERE name = {name:String}",
        parameters={"name": NAMES[0]},
        settings={"mutations_sync": 2},
    )
    with pytest.raises(SchemaError, match=f"{NAMES[0]} was edited after it ran"):
        migrate(database)


def test_a_newer_database_is_refused(database, client):
    client.command("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later', 'x')")
    with pytest.raises(SchemaError, match="9999_later, which this version"):
        migrate(database)


def test_the_same_token_counts_once_everywhere(client, database):
    data = rows(20_000, "one")
    for _ in range(3):
        insert(client, data, "one")
    insert(client, rows(5, "two"), "two")
    report = verify(database)
    assert report.ok
    assert (report.rows, report.unique_ids) == (20_005, 20_005)
    # People are estimated from merged states: a doubled insert would not show here, a lost state would.
    assert client.command("SELECT uniqMergeIf(visitors, is_bot = 0) FROM scans_hourly") == 50


def test_another_token_doubles(client, database):
    """The control: it is the token that does it, and the check that sees it."""
    data = rows(100, "one")
    for token in ("one", "another"):
        insert(client, data, token)
    report = verify(database)
    assert (report.rows, report.unique_ids) == (200, 100)
    assert [day.day for day in report.differing_days] == [date(2026, 3, 1)]
    assert report.differing_days[0].has_duplicates


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE scans_hourly DELETE WHERE link_id = 1 AND toDate(hour) = '2026-03-01'",
        "ALTER TABLE scans_daily DELETE WHERE dimension = 'city' AND day = '2026-03-02'",
        "INSERT INTO scans_hourly SELECT * FROM scans_hourly WHERE toDate(hour) = '2026-03-02'",
        "INSERT INTO scans_daily SELECT * FROM scans_daily WHERE dimension = 'os'",
    ],
)
def test_differing_days_are_found_and_rebuilt(client, database, damage):
    insert(client, rows(5000, "one"), "one")
    states = "SELECT uniqMergeIf(visitors, is_bot = 0), sum(scans) FROM scans_hourly"
    before = client.query(states).first_row
    assert verify(database).ok
    client.command(damage, settings={"mutations_sync": 2})
    differing = [day.day for day in verify(database).differing_days]
    assert differing
    assert set(differing) <= {date(2026, 3, 1), date(2026, 3, 2)}
    assert repair(database, differing).ok
    assert repair(database, differing).ok
    assert verify(database).ok
    assert client.query(states).first_row == before
    # What arrives afterwards is counted as ever.
    insert(client, rows(10, "two"), "two")
    report = verify(database)
    assert (report.ok, report.rows) == (True, 5010)


def test_today_is_not_rebuilt(database):
    with pytest.raises(ValueError, match="Today's rollups"):
        repair(database, [datetime.now(UTC).date()])


def test_an_empty_database_is_whole(database):
    report = verify(database)
    assert (report.ok, report.rows, report.days) == (True, 0, [])
