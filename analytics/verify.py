"""Whether each event is there once and the rollups hold what the events hold, and mending what is not so.

Rows, unique event ids, the hourly sum and the sum of each dimension of the daily rollup must be one number on
every day; on days that are over, each must also stand where it belongs: at its link, its hour and its value.
Events are kept 25 months and rollups for good, so only days that still have events are compared.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from analytics import queries
from analytics.queries import DIMENSIONS
from analytics.schema.migrate import SchemaError, pending
from analytics.schema.server import Server, connect

_ROLLUPS: Final = (
    ("scans_hourly", "toDate(hour, 'UTC')", "workspace_id, link_id, hour, is_bot, reason"),
    ("scans_daily", "day", "workspace_id, link_id, day, toString(dimension), value, is_bot"),
)
"""Name, UTC day of a row, and what tells its rows apart."""
_COPY: Final = "events_repair"
"""Holds a day's events, each once, while they are exchanged. It has this name when it is complete."""
_UNFINISHED: Final = "events_repair_unfinished"


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day's counts, over all workspaces."""

    day: date
    rows: int
    unique_ids: int
    hourly: int
    daily: dict[str, int]
    misplaced: tuple[str, ...] = ()
    """Rollups whose sums may be right, but do not stand where the events say. Not looked at for today."""

    @property
    def has_duplicates(self) -> bool:
        """Events that are there twice."""
        return self.unique_ids != self.rows

    @property
    def rollups_differ(self) -> bool:
        wanted = dict.fromkeys(DIMENSIONS, self.rows) if self.rows else {}
        return self.hourly != self.rows or self.daily != wanted or bool(self.misplaced)


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
    """Removes doubled events of these UTC days, rebuilds their rollups from the events, and returns what they
    are like now. A repair that was cut off is finished by the next.

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
        _finish_exchange(client)
        for day in _doubled(client, days):
            _copy_once(client, day)
            _finish_exchange(client)
        for day in days:
            for table, column, _ in _ROLLUPS:
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
    views = {table: _view(client, table) for table, *_ in _ROLLUPS}
    return Report([replace(Day(*row), misplaced=_misplaced(client, row[0], views)) for row in rows])


def _misplaced(client: Any, day: date, views: dict[str, str]) -> tuple[str, ...]:
    """The sum of each row's hash times its scans is the same for both, in whatever pieces the scans lie."""
    found: list[str] = []
    if day >= datetime.now(UTC).date():
        return ()  # scans arrive between two questions
    for table, column, names in _ROLLUPS:
        prints = [
            client.query(
                f"SELECT sum(cityHash64({names}) * scans) FROM {source} WHERE {column} = {{day:Date}}",  # noqa: S608
                parameters={"day": day},
            ).first_row
            for source in (table, f"({views[table]})")
        ]
        if prints[0] != prints[1]:
            found.append(table)
    return tuple(found)


def _doubled(client: Any, days: Sequence[date]) -> list[date]:
    rows = client.query(
        "SELECT toDate(at, 'UTC') AS day FROM events WHERE day IN {days:Array(Date)} "
        "GROUP BY day HAVING count() != uniqExact(event_id) ORDER BY day",
        parameters={"days": list(days)},
    ).result_rows
    return [day for (day,) in rows]


def _copy_once(client: Any, day: date) -> None:
    """Each event of the day once, the one that came first, into a table beside."""
    client.command(f"DROP TABLE IF EXISTS {_UNFINISHED}")
    client.command(f"CREATE TABLE {_UNFINISHED} AS events ENGINE = MergeTree ORDER BY event_id")
    client.command(
        f"INSERT INTO {_UNFINISHED} SELECT * FROM events WHERE toDate(at, 'UTC') = {{day:Date}} "  # noqa: S608
        "ORDER BY ingested_at LIMIT 1 BY event_id",
        parameters={"day": day},
    )
    client.command(f"RENAME TABLE {_UNFINISHED} TO {_COPY}")


def _finish_exchange(client: Any) -> None:
    """Puts the copied events in the place of the same ones. Whatever dies in between, the copy is there.

    The views count the events once more; rebuilding the day's rollups sets that right.
    """
    if not int(client.command(f"EXISTS TABLE {_COPY}")):
        return
    client.command(
        f"ALTER TABLE events DELETE WHERE event_id IN (SELECT event_id FROM {_COPY}) "  # noqa: S608
        "SETTINGS mutations_sync = 2"
    )
    client.command(
        f"INSERT INTO events SELECT * FROM {_COPY}",  # noqa: S608
        settings={"insert_deduplication_token": f"repair-{uuid.uuid4()}"},
    )
    client.command(f"DROP TABLE {_COPY}")


def _view(client: Any, table: str) -> str:
    """The SELECT of the view that fills a rollup, or of the views, one after the other."""
    selects = client.query(
        "SELECT as_select FROM system.tables WHERE database = currentDatabase() "
        "AND engine = 'MaterializedView' AND startsWith(name, {table:String}) ORDER BY name",
        parameters={"table": table},
    ).result_rows
    return " UNION ALL ".join(select for (select,) in selects)


def _rebuild(client: Any, table: str, column: str, day: date) -> None:
    """The views' own SELECTs fill the table again, so the two can never drift apart."""
    select = _view(client, table)
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
