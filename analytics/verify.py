"""Whether the rollups hold exactly what the events hold, and rebuilding them where they do not.

Rows, unique event ids, the hourly sum and the sum of each dimension of the daily rollup must be one number on
every day. Events are kept 25 months and rollups for good, so only days that still have events are compared.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from analytics import queries
from analytics.schema.migrate import SchemaError, pending
from analytics.schema.server import Server, connect

DIMENSIONS: Final = (
    "country",
    "city",
    "device",
    "os",
    "browser",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "language",
    "reason",
    "in_app",
    "placement",
    "rule",
    "variant",
)
_ROLLUPS: Final = (("scans_hourly", "toDate(hour, 'UTC')"), ("scans_daily", "day"))


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day's counts, over all workspaces."""

    day: date
    rows: int
    unique_ids: int
    hourly: int
    daily: dict[str, int]

    @property
    def has_duplicates(self) -> bool:
        """Events that are there twice. Rebuilding rollups does not remove them."""
        return self.unique_ids != self.rows

    @property
    def rollups_differ(self) -> bool:
        wanted = dict.fromkeys(DIMENSIONS, self.rows) if self.rows else {}
        return self.hourly != self.rows or self.daily != wanted


@dataclass(frozen=True, slots=True)
class Report:
    days: list[Day]

    @property
    def rows(self) -> int:
        return sum(day.rows for day in self.days)

    @property
    def unique_ids(self) -> int:
        return sum(day.unique_ids for day in self.days)

    @property
    def differing_days(self) -> list[Day]:
        return [day for day in self.days if day.has_duplicates or day.rollups_differ]

    @property
    def ok(self) -> bool:
        return not self.differing_days


def verify(url: str, since: date | None = None, until: date | None = None) -> Report:
    """Compares every UTC day from `since` to `until`, both included; without them, all that have events.

    Raises ValueError for an unusable URL, SchemaError for a database that a migration is missing from,
    clickhouse_connect's errors for what the server says.
    """
    _check_schema(url)
    client = connect(Server.from_url(url))
    try:
        return _verify(client, since, until)
    finally:
        client.close()


def repair(url: str, days: Sequence[date]) -> Report:
    """Rebuilds the rollups of these UTC days from the events, and returns what they are like now.

    A scan that arrives while its own day is rebuilt could be counted twice or not at all. So today is
    refused, and ingest should be stopped where older days may still arrive. Raises ValueError for today,
    and as `verify`.
    """
    today = datetime.now(UTC).date()
    if any(day >= today for day in days):
        raise ValueError("Today's rollups are still being written: repair that day tomorrow.")
    _check_schema(url)
    client = connect(Server.from_url(url))
    try:
        for day in days:
            for table, column in _ROLLUPS:
                _rebuild(client, table, column, day)
        return _verify(client, min(days), max(days)) if days else Report([])
    finally:
        client.close()


def _check_schema(url: str) -> None:
    """An older schema lacks dimensions, which would look like counts that were lost."""
    if missing := pending(url):
        raise SchemaError(
            f"The migration {missing[0]} has not run on this database: run scanway migrate first."
        )


def _verify(client: Any, since: date | None, until: date | None) -> Report:
    first, last = client.query(
        "SELECT toDate(min(at), 'UTC'), toDate(max(at), 'UTC') FROM events"
    ).result_rows[0]
    parameters = {"since": since or first, "until": until or last}
    rows = client.query(queries.get("reconcile_days").sql, parameters=parameters).result_rows
    return Report([Day(*row) for row in rows])


def _rebuild(client: Any, table: str, column: str, day: date) -> None:
    """The view's own SELECT fills the table again, so the two can never drift apart."""
    select = client.query(
        "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        parameters={"name": f"{table}_mv"},
    ).first_row[0]
    client.command(
        f"ALTER TABLE {table} DELETE WHERE {column} = {{day:Date}} SETTINGS mutations_sync = 2",
        parameters={"day": day},
    )
    client.command(
        f"INSERT INTO {table} SELECT * FROM ({select}) WHERE {column} = {{day:Date}}",  # noqa: S608
        parameters={"day": day},
        # A second repair of the same day inserts the same rows, and must not be taken for a retry.
        settings={"insert_deduplication_token": f"repair-{uuid.uuid4()}"},
    )
