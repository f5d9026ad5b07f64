"""Real servers for the integration tests, one of each for the whole run."""

import pytest
from clickhouse_server import ClickHouseServer, fresh_database
from console_stack import console, filled, postgres_server, tenant, valkey_server  # noqa: F401 (fixtures)
from edge_process import EdgeProcess, Valkey

from analytics.schema.migrate import migrate


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory):
    """A running `scanway clickhouse`, stopped at the end."""
    server = ClickHouseServer(tmp_path_factory.mktemp("clickhouse") / "data").start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def clickhouse_url(clickhouse_server):
    """Its URL, with the default database. Make your own with `fresh_database(clickhouse_url)`."""
    return clickhouse_server.url("scanway")


@pytest.fixture(scope="module")
def clickhouse_database(clickhouse_url):
    """The URL of a new, migrated database for this test module."""
    url = fresh_database(clickhouse_url)
    migrate(url)
    return url


@pytest.fixture
def valkey(tmp_path):
    """A Valkey of the test's own."""
    server = Valkey(tmp_path)
    server.complete()
    yield server
    server.stop()


@pytest.fixture
def start(valkey, tmp_path):
    """`start(SCANWAY_…=…)`: an edge of the test's own, which must end with status 0."""
    running = []

    def start(**environment):
        environment = {
            "SCANWAY_UNKNOWN_LIMIT": "0",
            "SCANWAY_SHORT_URL": "https://go.example.com",
        } | environment
        running.append(EdgeProcess(tmp_path / "spool", valkey.url, **environment))
        return running[-1]

    yield start
    for process in running:
        assert process.stop() == 0
