"""Every named query over real data of two workspaces, against numbers computed in Python."""

import random
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics import queries
from analytics.queries import DIMENSIONS
from analytics.schema.server import Server, connect

FIELDS = {
    "event_id": lambda r: uuid.UUID(int=r.getrandbits(128)),
    # Around the night in which clocks in Berlin go forward, microseconds included.
    "at": lambda r: (
        datetime(2026, 3, 27, tzinfo=UTC) + timedelta(microseconds=r.randrange(4 * 86400 * 10**6))
    ),
    "link_id": lambda r: r.choice((1, 1, 1, 2, 3)),
    "country": lambda r: r.choice(("DE", "US", "")),
    "city": lambda r: r.choice(("Berlin", "Paris", "", "It's \\ 漢")),
    "device": lambda r: r.choice(("phone", "tablet", "")),
    "os": lambda r: r.choice(("iOS", "Android")),
    "browser": lambda r: r.choice(("Safari", "Chrome", "")),
    "in_app": lambda r: r.choice(("", "Instagram")),
    "referrer_host": lambda r: r.choice(("", "example.org")),
    "utm_source": lambda r: r.choice(("", "poster")),
    "utm_medium": lambda r: r.choice(("", "print")),
    "utm_campaign": lambda r: r.choice(("", "spring")),
    "language": lambda r: r.choice(("", "de", "en")),
    "reason": lambda r: r.choice(("ok", "ok", "paused")),
    "is_bot": lambda r: int(r.random() < 0.2),
    "visitor_id": lambda r: r.randrange(300),
    "bot_signals": lambda r: r.choice(([], ["ua", "network"])),
    "placement": lambda r: r.choice(("", "window", "table 4")),
    "rule": lambda r: r.choice((0, 1, 12)),
    "variant": lambda r: r.choice((0, 1, 2)),
}
SINCE = datetime(2026, 3, 28, 5, tzinfo=UTC)
UNTIL = datetime(2026, 3, 30, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def make(workspace: int, count: int) -> list[dict]:
    source = random.Random(workspace)
    return [
        {name: value(source) for name, value in FIELDS.items()}
        | {"workspace_id": workspace, "chunk_id": "one"}
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def events():
    return {1: make(1, 3000), 2: make(2, 1000)}


@pytest.fixture(scope="module")
def client(clickhouse_database, events):
    made = connect(Server.from_url(clickhouse_database))
    rows = [row for part in events.values() for row in part]
    columns = list(rows[0])
    for _ in range(2):  # the second time is a retry, and changes nothing
        made.insert(
            "events",
            [[row[name] for name in columns] for row in rows],
            column_names=columns,
            settings={
                "async_insert": 0,
                "insert_deduplication_token": "one",
                "deduplicate_blocks_in_dependent_materialized_views": 1,
            },
        )
    yield made
    made.close()


@pytest.fixture
def ask(client):
    def run(name: str, **given):
        query = queries.get(name)
        assert set(given) == set(query.parameters)
        result = client.query(query.sql, parameters=given)
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    return run


def split(rows) -> dict[str, int]:
    bots = sum(row["is_bot"] for row in rows)
    return {"humans": len(rows) - bots, "bots": bots}


def people(rows) -> int:
    return len({row["visitor_id"] for row in rows if not row["is_bot"]})


def within(rows, since=SINCE, until=UNTIL, link=None):
    return [row for row in rows if since <= row["at"] < until and link in (None, row["link_id"])]


def naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize("workspace", [1, 2])
def test_totals(ask, events, workspace):
    period = {"since": SINCE, "until": UNTIL}
    for link in (1, 2, 3):
        rows = within(events[workspace], link=link)
        [found] = ask("link_totals", workspace_id=workspace, link_id=link, **period)
        assert found == split(rows) | {
            "visitors": people(rows),
            "last_at": naive(max(row["at"] for row in rows)),
        }
    rows = within(events[workspace])
    [found] = ask("workspace_totals", workspace_id=workspace, **period)
    assert found == split(rows) | {"visitors": people(rows), "last_at": naive(max(row["at"] for row in rows))}


def test_totals_of_nothing(ask):
    nothing = {"humans": 0, "bots": 0, "visitors": 0, "last_at": None}
    assert ask("link_totals", workspace_id=3, link_id=1, since=SINCE, until=UNTIL) == [nothing]
    assert ask("link_totals", workspace_id=1, link_id=9, since=SINCE, until=UNTIL) == [nothing]
    assert ask("workspace_totals", workspace_id=3, since=SINCE, until=UNTIL) == [nothing]


def test_series_by_minute_and_hour(ask, events):
    since = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    until = since + timedelta(hours=3)
    found = ask("link_series_minute", workspace_id=1, link_id=1, since=since, until=until)
    rows = within(events[1], since, until, 1)
    assert [row["bucket"] for row in found] == [naive(since + timedelta(minutes=n)) for n in range(180)]
    for bucket in found:
        of = [row for row in rows if naive(row["at"].replace(second=0, microsecond=0)) == bucket["bucket"]]
        assert bucket == {"bucket": bucket["bucket"]} | split(of)
    for name, link, workspace in (("link_series_hour", 1, 1), ("workspace_series_hour", None, 2)):
        given = {"link_id": link} if link else {}
        found = ask(name, workspace_id=workspace, since=SINCE, until=UNTIL, **given)
        assert [row["bucket"] for row in found] == [naive(SINCE + timedelta(hours=n)) for n in range(48)]
        for bucket in found:
            start = bucket["bucket"].replace(tzinfo=UTC)
            of = within(events[workspace], start, start + timedelta(hours=1), link)
            assert bucket == {"bucket": bucket["bucket"]} | split(of)


@pytest.mark.parametrize(
    ("name", "link", "workspace"), [("link_series_day", 1, 1), ("workspace_series_day", None, 2)]
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "UTC"])
def test_series_by_day_of_a_zone(ask, events, name, link, workspace, zone):
    tz = ZoneInfo(zone)
    since = datetime(2026, 3, 26, tzinfo=tz)
    until = datetime(2026, 4, 3, tzinfo=tz)
    given = {"link_id": link} if link else {}
    found = ask(name, workspace_id=workspace, since=since, until=until, tz=zone, **given)
    assert [row["bucket"] for row in found] == [date(2026, 3, 26) + timedelta(days=n) for n in range(8)]
    for bucket in found:
        of = [
            row
            for row in events[workspace]
            if row["at"].astimezone(tz).date() == bucket["bucket"] and link in (None, row["link_id"])
        ]
        assert bucket == {"bucket": bucket["bucket"]} | split(of)


def value_of(row, dimension: str) -> str:
    if dimension == "city":
        return f"{row['city']}, {row['country']}" if row["city"] and row["country"] else row["city"]
    if dimension == "variant":
        return f"{row['rule']}.{row['variant']}" if row["variant"] else ""
    if dimension == "rule":
        return str(row["rule"] or "")
    return row["referrer_host" if dimension == "referrer" else dimension]


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_breakdowns(ask, events, dimension):
    first, last = date(2026, 3, 28), date(2026, 3, 29)
    days = {"since": first, "until": last, "limit": 100}
    every = ask("link_breakdowns", workspace_id=1, link_id=1, dimensions=list(DIMENSIONS), **days)
    assert {row["dimension"] for row in every} == set(DIMENSIONS)
    of_link = [row for row in every if row.pop("dimension") == dimension]
    of_workspace = ask("workspace_breakdown", workspace_id=2, dimension=dimension, **days)
    for found, link, workspace in ((of_link, 1, 1), (of_workspace, None, 2)):
        rows = [
            row
            for row in events[workspace]
            if first <= row["at"].date() <= last and link in (None, row["link_id"])
        ]
        values = {value_of(row, dimension) for row in rows}
        of = {value: [row for row in rows if value_of(row, dimension) == value] for value in values}
        expected = [{"value": value} | split(some) | {"visitors": people(some)} for value, some in of.items()]
        assert found == sorted(
            expected, key=lambda row: (-row["humans"], -row["bots"], row["value"].encode())
        )
        assert sum(row["humans"] + row["bots"] for row in found) == len(rows)


def test_breakdown_limit(ask):
    found = ask(
        "workspace_breakdown",
        workspace_id=1,
        dimension="city",
        since=SINCE.date(),
        until=UNTIL.date(),
        limit=2,
    )
    assert len(found) == 2
    asked = {"workspace_id": 1, "link_id": 1, "since": SINCE.date(), "until": UNTIL.date(), "limit": 2}
    both = ask("link_breakdowns", dimensions=["city", "reason"], **asked)
    assert [row["dimension"] for row in both] == ["city", "city", "reason", "reason"]
    every = ask("link_breakdowns", dimensions=["city"], **asked | {"limit": 100})
    assert both[:2] == every[:2]


def test_recent(ask, events):
    found = ask("link_recent", workspace_id=1, link_id=2, limit=20)
    rows = sorted((row for row in events[1] if row["link_id"] == 2), key=lambda row: row["at"], reverse=True)
    assert [row["at"] for row in found] == [naive(row["at"]) for row in rows[:20]]
    assert [row["city"] for row in found] == [row["city"] for row in rows[:20]]


def test_links_of_a_workspace(ask, events):
    found = ask("workspace_top_links", workspace_id=2, since=SINCE, until=UNTIL, limit=2)
    scans = Counter(row["link_id"] for row in within(events[2]) if not row["is_bot"])
    assert [(row["link_id"], row["humans"]) for row in found] == scans.most_common(2)
    found = ask("links_totals", workspace_id=2, link_ids=[1, 3, 77])
    assert found == [
        {"link_id": link} | split([row for row in events[2] if row["link_id"] == link]) for link in (1, 3)
    ]
    assert ask("links_totals", workspace_id=2, link_ids=[]) == []


def test_a_hostile_value_is_only_a_value(ask):
    for text in ("city' OR 1 = 1 --", "{limit:UInt32}", "\\", "city\n"):
        found = ask(
            "workspace_breakdown",
            workspace_id=1,
            dimension=text,
            since=SINCE.date(),
            until=UNTIL.date(),
            limit=9,
        )
        assert found == []


def test_reconcile_sees_both_workspaces(ask):
    [found] = ask("reconcile", since=date(2026, 3, 1), until=date(2026, 4, 30))
    assert found == {
        "rows": 4000,
        "unique_ids": 4000,
        "hourly": 4000,
        "daily": dict.fromkeys(DIMENSIONS, 4000),
    }
    days = ask("reconcile_days", since=date(2026, 3, 28), until=date(2026, 3, 29))
    assert [row["day"] for row in days] == [date(2026, 3, 28), date(2026, 3, 29)]
    assert all(row["rows"] == row["hourly"] == row["daily"]["in_app"] > 0 for row in days)
