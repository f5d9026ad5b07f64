"""Numbers from ClickHouse as plain dataclasses, for the console and the API.

Every function takes the workspace, and every query binds it on the server (SECURITY.md 11). Times are aware;
a span holds `since` and ends before `until`. Where ClickHouse does not answer, all of them raise
StatsUnavailable with a sentence for people, so that a page still renders.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from django.conf import settings

from analytics import queries
from analytics.queries import DIMENSIONS
from control_plane.campaigns.errors import StatsUnavailable

log = logging.getLogger("stats")

Unit = Literal["minute", "hour", "day"]
CONNECT_SECONDS: Final = 2
ANSWER_SECONDS: Final = 10

_lock = threading.Lock()
_client: Any = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Scans by people and by robots, unique people per day summed, and the last scan."""

    humans: int = 0
    bots: int = 0
    visitors: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One bar: the start of a minute or hour in UTC, or a date of the asked time zone."""

    bucket: datetime | date
    humans: int
    bots: int


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of a dimension. "" is what is not known; of a referrer, rule, variant or placement, none.

    A rule is its number from 1, of the edit that answered; a variant is "2.1", the first of rule 2.
    """

    value: str
    humans: int
    bots: int
    visitors: int


@dataclass(frozen=True, slots=True)
class LinkCount:
    """All scans of one link in a span, or ever."""

    link_id: int
    humans: int
    bots: int


@dataclass(frozen=True, slots=True)
class RecentScan:
    """One scan, as far as it is kept: no address, nobody's name."""

    at: datetime
    reason: str
    status: int = 0
    country: str = ""
    city: str = ""
    device: str = ""
    device_model: str = ""
    os: str = ""
    browser: str = ""
    in_app: str = ""
    referrer_host: str = ""
    language: str = ""
    is_bot: bool = False
    bot_name: str = ""
    bot_signals: tuple[str, ...] = ()
    placement: str = ""
    rule: int = 0
    """From 1, of the edit that answered; 0 is none."""
    variant: int = 0


def link_totals(*, workspace_id: int, link_id: int, since: datetime, until: datetime) -> Totals:
    """Of one link. Whole UTC hours are counted."""
    return _totals("link_totals", workspace_id=workspace_id, link_id=link_id, since=since, until=until)


def workspace_totals(*, workspace_id: int, since: datetime, until: datetime) -> Totals:
    """Of all links. Whole UTC hours are counted."""
    return _totals("workspace_totals", workspace_id=workspace_id, since=since, until=until)


def link_series(
    *, workspace_id: int, link_id: int, since: datetime, until: datetime, unit: Unit, time_zone: str = "UTC"
) -> list[Point]:
    """By minute (for three hours at most), hour or day of `time_zone`; bars without scans are zeros."""
    rows = ask(
        f"link_series_{unit}",
        workspace_id=workspace_id,
        link_id=link_id,
        since=since,
        until=until,
        tz=time_zone,
    )
    return [_made(Point, row) for row in rows]


def workspace_series(
    *, workspace_id: int, since: datetime, until: datetime, unit: Unit, time_zone: str = "UTC"
) -> list[Point]:
    """By hour or day of `time_zone`; bars without scans are zeros."""
    rows = ask(f"workspace_series_{unit}", workspace_id=workspace_id, since=since, until=until, tz=time_zone)
    return [_made(Point, row) for row in rows]


def link_breakdowns(
    *,
    workspace_id: int,
    link_id: int,
    since: datetime,
    until: datetime,
    dimensions: Sequence[str],
    limit: int = 10,
) -> dict[str, list[Slice]]:
    """By each of some DIMENSIONS, in one question: at most `limit` values each, the most scanned first.

    Whole UTC days are counted, both ends included. A dimension without scans is there, empty.
    """
    found: dict[str, list[Slice]] = {_known(dimension): [] for dimension in dimensions}
    if found:
        for row in ask(
            "link_breakdowns",
            workspace_id=workspace_id,
            link_id=link_id,
            since=_day(since),
            until=_day(until),
            dimensions=list(found),
            limit=limit,
        ):
            found[row["dimension"]].append(_made(Slice, row))
    return found


def workspace_breakdown(
    *, workspace_id: int, since: datetime, until: datetime, dimension: str, limit: int = 10
) -> list[Slice]:
    """By one of DIMENSIONS, the most scanned value first. Whole UTC days are counted, both ends included."""
    rows = ask(
        "workspace_breakdown",
        workspace_id=workspace_id,
        since=_day(since),
        until=_day(until),
        dimension=_known(dimension),
        limit=limit,
    )
    return [_made(Slice, row) for row in rows]


def workspace_top_links(
    *, workspace_id: int, since: datetime, until: datetime, limit: int = 10
) -> list[LinkCount]:
    """The links that people scanned most, deleted ones too."""
    rows = ask("workspace_top_links", workspace_id=workspace_id, since=since, until=until, limit=limit)
    return [_made(LinkCount, row) for row in rows]


def links_totals(*, workspace_id: int, link_ids: Sequence[int]) -> dict[int, LinkCount]:
    """All scans ever, by link. A link that was never scanned is there, with zeros."""
    found = {link_id: LinkCount(link_id, 0, 0) for link_id in link_ids}
    if found:
        for row in ask("links_totals", workspace_id=workspace_id, link_ids=list(found)):
            found[int(row["link_id"])] = _made(LinkCount, row)
    return found


def recent_scans(*, workspace_id: int, link_id: int, limit: int = 20) -> list[RecentScan]:
    """The last scans of one link, the newest first."""
    rows = ask("link_recent", workspace_id=workspace_id, link_id=link_id, limit=limit)
    return [_made(RecentScan, row) for row in rows]


def _totals(name: str, **parameters: Any) -> Totals:
    rows = ask(name, **parameters)
    return _made(Totals, rows[0]) if rows else Totals()


def _known(dimension: str) -> str:
    if dimension not in DIMENSIONS:
        raise ValueError(f"There is no dimension {dimension!r}; choose one of {', '.join(DIMENSIONS)}.")
    return dimension


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


Row = TypeVar("Row")


def _made(kind: type[Row], row: Mapping[str, Any]) -> Row:
    """A dataclass from the columns of its names; columns it does not know are for others."""
    values = {}
    for one in fields(kind):  # type: ignore[arg-type]
        if (value := row.get(one.name)) is None:
            continue
        if isinstance(value, datetime):
            # The driver leaves out the zone where it is UTC.
            value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
            if value.timestamp() <= 0:
                continue
        values[one.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def ask(name: str, **parameters: Any) -> list[dict[str, Any]]:
    """A named query's rows; it has to bind the workspace. Parameters it does not know are left out."""
    query = queries.get(name)
    if "workspace_id" not in query.parameters:
        raise ValueError(f"The query {name} has no workspace and may not be shown to one.")
    bound = {key: _utc(value) for key, value in parameters.items() if key in query.parameters}
    # Imported late: the command line and the worker need no ClickHouse driver.
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3.exceptions import HTTPError

    try:
        return list(client().query(query.sql, parameters=bound).named_results())
    except (ClickHouseError, HTTPError, OSError) as error:
        log.warning(
            "ClickHouse did not answer %s: %s", name, str(error).splitlines()[0] if str(error) else error
        )
        raise StatsUnavailable from error


def _utc(value: Any) -> Any:
    """A time as the text that a `DateTime('UTC')` parameter takes, whatever zone it came in."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value


def client() -> Any:
    """One for the process: without a session it is safe in threads, over a pool of connections.

    Made with the first question, since making it already asks the server something.
    """
    global _client
    with _lock:
        if _client is None:
            import clickhouse_connect

            url = urlsplit(settings.CONFIG.clickhouse_url)
            _client = clickhouse_connect.get_client(
                host=url.hostname,
                port=url.port or {"http": 8123, "https": 8443}[url.scheme],
                interface=url.scheme,
                username=unquote(url.username or "default"),
                password=unquote(url.password or ""),
                database=url.path.strip("/") or "scanway",
                connect_timeout=CONNECT_SECONDS,
                send_receive_timeout=ANSWER_SECONDS,
                autogenerate_session_id=False,
                query_retries=1,
            )
        return _client
