"""Statistics by API, from real scans in a real ClickHouse."""

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import clickhouse_connect
import pytest
from console_stack import Tenant, new_tenant
from django.test import Client, override_settings

COLUMNS = ["event_id", "chunk_id", "at", "workspace_id", "link_id", "link_version", "code", "host", "reason",
           "status", "method", "country", "city", "device", "is_bot", "visitor_id", "placement", "rule",
           "variant"]  # fmt: skip


@pytest.fixture(scope="module")
def scans(clickhouse_database: str, console: None) -> Iterator[Any]:
    """An insert into ClickHouse, which Django asks."""
    from django.conf import settings

    from control_plane.campaigns import stats

    config = dataclasses.replace(settings.CONFIG, clickhouse_url=clickhouse_database)
    client = clickhouse_connect.get_client(dsn=clickhouse_database)
    before, stats._client = stats._client, None
    with override_settings(CONFIG=config):
        yield lambda rows: client.insert("events", rows, column_names=COLUMNS)
        stats.client().close()
    stats._client = before
    client.close()


def scan(tenant: Tenant, link_id: int, at: datetime, **given: Any) -> list[Any]:
    row = {"event_id": uuid.uuid4(), "chunk_id": "c", "at": at, "workspace_id": tenant.workspace_id,
           "link_id": link_id, "link_version": 1, "code": "abc", "host": "h", "reason": "ok", "status": 302,
           "method": "GET", "country": "DE", "city": "Berlin", "device": "phone", "is_bot": 0,
           "visitor_id": 1, "placement": "", "rule": 0, "variant": 0} | given  # fmt: skip
    return [row[name] for name in COLUMNS]


def make_link(tenant: Tenant) -> int:
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=tenant.workspace_id, destination="https://example.com/").pk


def ask(tenant: Tenant, link_id: int, query: str = "") -> Any:
    client = Client(raise_request_exception=False)
    return client.get(f"/api/v1/links/{link_id}/stats{query}", headers=tenant.headers)


def test_totals_series_and_breakdowns_add_up(scans: Any, tenant: Tenant) -> None:
    link_id = make_link(tenant)
    now = datetime.now(UTC)
    scans(
        [scan(tenant, link_id, now, visitor_id=n) for n in range(3)]
        + [scan(tenant, link_id, now - timedelta(hours=2), country="FR", city="Lyon", device="tablet")]
        + [scan(tenant, link_id, now, is_bot=1, device="bot")]
        + [scan(tenant, link_id, now - timedelta(days=3))]
        + [scan(new_tenant(), link_id, now)]
    )
    answer = ask(tenant, link_id, "?by=country,device,reason")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["unit"], body["tz"], len(body["series"])) == ("hour", "UTC", 24)
    assert (body["totals"]["humans"], body["totals"]["bots"]) == (4, 1)
    assert sum(point["humans"] for point in body["series"]) == 4
    assert body["series"][-1]["humans"] == 3
    assert list(body["breakdowns"]) == ["country", "device", "reason"]
    assert {row["value"]: row["humans"] for row in body["breakdowns"]["country"]} == {"DE": 3, "FR": 1}
    week = ask(tenant, link_id, "?period=7d&top=1").json()
    assert week["totals"]["humans"] == 5
    assert {len(rows) for rows in week["breakdowns"].values()} <= {0, 1}
    assert len(ask(tenant, link_id, "?period=1h").json()["series"]) == 60
    days = ask(tenant, link_id, "?period=30d&tz=Pacific/Auckland").json()
    assert len(days["series"]) == 30
    assert days["series"][-1]["at"] == datetime.now(ZoneInfo("Pacific/Auckland")).date().isoformat()
    since = (now - timedelta(days=4)).isoformat().replace("+00:00", "Z")
    assert ask(tenant, link_id, f"?since={since}").json()["totals"]["humans"] == 5


def test_scans_are_counted_by_placement_rule_and_variant(scans: Any, tenant: Tenant) -> None:
    link_id = make_link(tenant)
    now = datetime.now(UTC)
    scans(
        [scan(tenant, link_id, now, placement="window", rule=2, variant=1)] * 3
        + [scan(tenant, link_id, now, placement="door", rule=2, variant=2, is_bot=1)]
        + [scan(tenant, link_id, now, rule=10)] * 2
        + [scan(tenant, link_id, now)]
    )
    found = ask(tenant, link_id, "?by=placement,rule,variant").json()["breakdowns"]
    counts = {
        name: {row["value"]: (row["humans"], row["bots"]) for row in rows} for name, rows in found.items()
    }
    assert counts == {
        "placement": {"window": (3, 0), "": (3, 0), "door": (0, 1)},
        "rule": {"2": (3, 1), "10": (2, 0), "": (1, 0)},
        "variant": {"2.1": (3, 0), "2.2": (0, 1), "": (3, 0)},
    }


def test_a_link_without_scans_has_zeros(scans: Any, tenant: Tenant) -> None:
    body = ask(tenant, make_link(tenant)).json()
    assert body["totals"] == {"humans": 0, "bots": 0, "visitors": 0, "last_at": None}
    assert {(point["humans"], point["bots"]) for point in body["series"]} == {(0, 0)}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?period=2h", "period"),
        ("?tz=Mars/Olympus", "tz"),
        ("?tz=../etc/passwd", "tz"),
        ("?by=shoe_size", "by"),
        ("?top=0", "top"),
        ("?since=yesterday", "since"),
        ("?since=2026-01-01T00:00:00", "since"),
        ("?until=2026-01-01T00:00:00Z", "since"),
        ("?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", "until"),
        ("?since=2001-01-01T00:00:00Z&until=2026-01-01T00:00:00Z", "since"),
        ("?period=7d&since=2026-01-01T00:00:00Z", "period"),
    ],
)
def test_bad_spans_are_refused_by_name(scans: Any, tenant: Tenant, query: str, field: str) -> None:
    answer = ask(tenant, make_link(tenant), query)
    assert answer.status_code == 422, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_without_clickhouse_the_answer_says_so(console: None, tenant: Tenant, monkeypatch: Any) -> None:
    from django.conf import settings

    from control_plane.campaigns import stats

    monkeypatch.setattr(stats, "_client", None)
    config = dataclasses.replace(settings.CONFIG, clickhouse_url="http://127.0.0.1:1/scanway")
    with override_settings(CONFIG=config):
        answer = ask(tenant, make_link(tenant))
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "10"


def test_another_workspaces_link_has_no_statistics(scans: Any, tenant: Tenant) -> None:
    assert ask(new_tenant(), make_link(tenant)).status_code == 404
