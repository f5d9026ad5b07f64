"""The schema's templates, as text."""

import re

import pytest

from analytics.schema.migrate import Migration, SchemaError, _check, migrations
from analytics.schema.render import TABLES, render
from analytics.schema.server import Server, quote_name

ALL = migrations()


def statements(cluster: str | None) -> list[str]:
    return [statement for migration in ALL for statement in render(migration.template, cluster)]


def test_names_are_numbered_without_gaps():
    assert [int(migration.name[:4]) for migration in ALL] == list(range(1, len(ALL) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", migration.name) for migration in ALL)


@pytest.mark.parametrize("cluster", [None, "prod"])
def test_every_statement_can_be_repeated(cluster):
    for statement in statements(cluster):
        kind = statement.split()[0]
        if kind == "CREATE":
            assert re.match(r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS ", statement), statement[:80]
        elif kind == "ALTER":
            # Not MODIFY QUERY: a retry of an insert from before a restart would be counted again.
            added = re.findall(r"^    ADD COLUMN (IF NOT EXISTS )?", statement, re.M)
            assert added
            assert all(added)
        else:
            # Under its token the same rows go in once.
            assert kind == "INSERT"
            assert re.search(r"insert_deduplication_token = '\d{4}_\w+'", statement)
        assert "$" not in statement
        assert ";" not in statement


def test_plain_text_has_nothing_of_a_cluster():
    text = "\n".join(statements(None))
    for word in (
        "ON CLUSTER",
        "Replicated",
        "Distributed",
        "_local",
        "replicated_deduplication_window = 10000,",
    ):
        assert word not in text.replace("non_replicated_deduplication_window", "window")


def test_every_statement_of_a_cluster_runs_on_it():
    made = statements("prod-1")
    assert all("ON CLUSTER 'prod-1'" in statement for statement in made if not statement.startswith("INSERT"))
    for table in TABLES:
        local = next(one for one in made if one.startswith(f"CREATE TABLE IF NOT EXISTS {table}_local "))
        assert re.search(r"ENGINE = Replicated(Aggregating|Replacing)?MergeTree(\(version\))?\n", local)
        front = next(one for one in made if one.startswith(f"CREATE TABLE IF NOT EXISTS {table} "))
        assert f"ENGINE = Distributed('prod-1', currentDatabase(), {table}_local, sipHash64" in front
    # Rows go through the Distributed table, which is on every host; OK has to mean that the shard has them.
    inserts = [one for one in made if one.startswith("INSERT")]
    assert all(re.match(r"INSERT INTO \w+(?<!_local)\n", one) for one in inserts)
    assert all("distributed_foreground_insert = 1" in one for one in inserts)
    columns = [re.sub(r"^ALTER TABLE \w+", "", one) for one in made if "ADD COLUMN" in one]
    assert len(columns) == 2 * len(set(columns))
    views = [one for one in made if "MATERIALIZED VIEW" in one]
    assert len(views) == 3
    for view in views:
        assert re.search(r" TO scans_(hourly|daily)_local AS\n", view)
        assert "FROM events_local\n" in view


@pytest.mark.parametrize(
    ("cluster", "window"),
    [(None, "non_replicated_deduplication_window"), ("c", " replicated_deduplication_window")],
)
def test_the_deduplication_window_is_on_the_source_and_every_target(cluster, window):
    tables = [one for one in statements(cluster) if "MergeTree" in one]
    assert len(tables) == len(TABLES)
    # A redemption is told by its key and version; a window would leave out what is written again.
    counted = [table for table in tables if "ReplacingMergeTree" not in table]
    assert len(tables) - len(counted) == 1
    assert all(f"{window} = 10000" in table for table in counted)


@pytest.mark.parametrize("name", ["", "a'b", "a b", "x;", "`"])
def test_an_odd_cluster_name_is_refused(name):
    with pytest.raises(ValueError, match="SCANWAY_CLICKHOUSE_CLUSTER"):
        render("SELECT 1", name)


def test_no_column_holds_an_address():
    assert not re.search(r"^\s+(ip|address|user_agent)\b", ALL[0].template, re.M)


def test_an_edited_or_unknown_migration_is_refused():
    wanted = [Migration("0001_a", "x")]
    _check(wanted, {})
    _check(wanted, {"0001_a": wanted[0].checksum})
    with pytest.raises(SchemaError, match="0001_a was edited after it ran"):
        _check(wanted, {"0001_a": "other"})
    with pytest.raises(SchemaError, match="0002_b, which this version of scanway does not know"):
        _check(wanted, {"0002_b": "x"})


def test_urls():
    server = Server.from_url("https://u%40x:p%2Fw@ch.example/db")
    assert (server.secure, server.host, server.port, server.database) == (True, "ch.example", 8443, "db")
    assert (server.user, server.password) == ("u@x", "p/w")
    assert "p/w" not in repr(server)
    for bad in ("clickhouse://x/db", "http:///db", "http://x", "http://x/", "http://x/a/b"):
        with pytest.raises(ValueError, match="SCANWAY_CLICKHOUSE_URL"):
            Server.from_url(bad)
    assert quote_name("a`b\\") == "`a\\`b\\\\`"
