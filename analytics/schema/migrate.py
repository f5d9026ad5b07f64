"""Brings a ClickHouse database to this version's schema, and remembers what ran.

Each file runs once, in order. ClickHouse has no transactions around DDL and no locks, so every statement is
written to be repeatable (IF NOT EXISTS): a run that died in the middle is simply repeated, and two at once do
each other no harm.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from analytics.schema.render import on_cluster, render
from analytics.schema.server import Server, connect, quote_name

_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations {on_cluster}
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {replicated}ReplacingMergeTree
ORDER BY name
"""


class SchemaError(Exception):
    """The database and this version's migrations contradict each other; the message says how."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    """The file's name without its suffix."""
    template: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.template.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All of them, in order."""
    found = [entry for entry in files("analytics.schema").iterdir() if entry.name.endswith(".sql")]
    return [
        Migration(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def migrate(url: str, cluster: str | None = None) -> list[str]:
    """Applies what is missing to the database in the URL's path, creating it first where need be.

    Returns the names of the migrations that ran now. Raises SchemaError where a migration was edited after
    it ran, or the database is newer than this version; ValueError for an unusable URL or cluster name;
    clickhouse_connect's errors for what the server refuses.
    """
    server = Server.from_url(url)
    wanted = migrations()
    # Rendered first: an unusable cluster name changes nothing.
    statements = {migration.name: render(migration.template, cluster) for migration in wanted}
    root = connect(server, database="default")
    try:
        # Asked first: CREATE DATABASE needs a right that an existing database does not.
        exists = root.command(f"EXISTS DATABASE {quote_name(server.database)}")
        if str(exists) != "1":
            root.command(f"CREATE DATABASE IF NOT EXISTS {quote_name(server.database)} {on_cluster(cluster)}")
    finally:
        root.close()
    client = connect(server)
    try:
        client.command(
            _LEDGER.format(on_cluster=on_cluster(cluster), replicated="Replicated" if cluster else "")
        )
        applied = _applied(client)
        _check(wanted, applied)
        done = []
        for migration in wanted:
            if migration.name in applied:
                continue
            for statement in statements[migration.name]:
                client.command(statement)
            client.command(
                "INSERT INTO schema_migrations (name, checksum) VALUES ({name:String}, {checksum:String})",
                parameters={"name": migration.name, "checksum": migration.checksum},
            )
            done.append(migration.name)
        return done
    finally:
        client.close()


def pending(url: str) -> list[str]:
    """Names of the migrations that the database lacks; all of them where it does not exist."""
    server = Server.from_url(url)
    root = connect(server, database="default")
    try:
        ledger = f"{quote_name(server.database)}.schema_migrations"
        if str(root.command(f"EXISTS TABLE {ledger}")) != "1":
            return [migration.name for migration in migrations()]
        applied = _applied(root, ledger)
        return [migration.name for migration in migrations() if migration.name not in applied]
    finally:
        root.close()


def _applied(client: Any, ledger: str = "schema_migrations") -> dict[str, str]:
    return dict(client.query(f"SELECT name, checksum FROM {ledger} FINAL").result_rows)  # noqa: S608


def _check(wanted: list[Migration], applied: Mapping[str, str]) -> None:
    for migration in wanted:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise SchemaError(
                f"The migration {migration.name} was edited after it ran on this database: "
                "undo the edit, and put the change into a new file."
            )
    unknown = sorted(applied.keys() - {migration.name for migration in wanted})
    if unknown:
        raise SchemaError(
            f"The database has the migration {unknown[0]}, which this version of scanway does not know: "
            "upgrade scanway, or use another database."
        )
