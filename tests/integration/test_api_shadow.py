"""A day's scans in a real ClickHouse against drafts, by API: what would move, and by which rule."""

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import clickhouse_connect
import pytest
from console_stack import Tenant, new_tenant
from django.test import Client, override_settings

DAY = datetime.now(UTC).date() - timedelta(days=1)
DEFAULTS: dict[str, Any] = {
    "event_id": None, "chunk_id": "c", "at": None, "workspace_id": 0, "link_id": 0, "link_version": 1,
    "code": "abc", "host": "h", "reason": "ok", "status": 302, "method": "GET", "country": "", "region": "",
    "city": "", "continent": "", "device": "", "os": "", "in_app": "", "referrer_host": "", "language": "",
    "utm_source": "", "placement": "", "is_bot": 0, "visitor_id": 1,
}  # fmt: skip
DE = {"then": {"type": "redirect", "to": "https://example.com/de"}}


@pytest.fixture(scope="module")
def scans(clickhouse_database: str, console: None) -> Iterator[Any]:
    from django.conf import settings

    from control_plane.campaigns import stats

    config = dataclasses.replace(settings.CONFIG, clickhouse_url=clickhouse_database)
    client = clickhouse_connect.get_client(dsn=clickhouse_database)
    before, stats._client = stats._client, None

    def insert(tenant: Tenant, link_id: int, *rows: dict[str, Any], day: date = DAY) -> None:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        own = {"workspace_id": tenant.workspace_id, "link_id": link_id, "at": noon}
        whole = [DEFAULTS | own | {"event_id": uuid.uuid4()} | row for row in rows]
        client.insert("events", [list(row.values()) for row in whole], column_names=list(DEFAULTS))

    with override_settings(CONFIG=config):
        yield insert
        stats.client().close()
    stats._client = before
    client.close()


def make_link(tenant: Tenant, **given: Any) -> int:
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=tenant.workspace_id, destination="https://example.com/", **given).pk


def ask(tenant: Tenant, link_id: int, rules: Any, **given: Any) -> Any:
    client = Client(raise_request_exception=False)
    body = {"rules": rules} | given
    return client.post(
        f"/api/v1/links/{link_id}/shadow", body, content_type="application/json", headers=tenant.headers
    )


def run(tenant: Tenant, link_id: int, rules: Any, **given: Any) -> Any:
    answer = ask(tenant, link_id, rules, **given)
    assert answer.status_code == 200, answer.content
    return answer.json()


def moved(tenant: Tenant, link_id: int, *conditions: Any) -> list[int]:
    """How many scans each condition alone would take."""
    return [run(tenant, link_id, [DE | {"when": when}])["moved"] for when in conditions]


def test_what_would_go_elsewhere_is_counted_by_rule_and_destination(scans: Any, tenant: Tenant) -> None:
    link_id = make_link(
        tenant, rules=[{"when": {"type": "country", "values": ["CH"]}, "then": {"type": "gone"}}]
    )
    scans(
        tenant,
        link_id,
        *[{"country": "DE"}] * 5,
        *[{"country": "FR", "reason": "password"}] * 3,
        *[{"country": "CH", "reason": "gone"}] * 2,
        # Not looked at: robots, and what rules were not asked about.
        *[{"country": "DE", "is_bot": 1}] * 7,
        *[{"country": "DE", "reason": reason} for reason in ("paused", "expired", "preview", "used_up")],
    )
    scans(tenant, link_id, {"country": "DE"}, day=DAY - timedelta(days=1))
    draft = [
        DE | {"name": "Germany", "when": {"type": "country", "values": ["DE"]}},
        {
            "when": {"type": "country", "values": ["CH"]},
            "then": {"type": "notice", "title": "Hi", "text": "x"},
        },
    ]
    assert run(tenant, link_id, draft) == {
        "day": DAY.isoformat(),
        "scans": 10,
        "total": 10,
        "moved": 7,
        "unknown_conditions": [],
        "by_rule": [
            {"rule": 1, "name": "Germany", "scans": 5, "moved": 5},
            {"rule": 2, "name": "", "scans": 2, "moved": 2},
            {"rule": 0, "name": "", "scans": 3, "moved": 0},
        ],
        "by_destination": [
            {"now": "https://example.com/", "draft": "https://example.com/de", "scans": 5},
            {"now": "Page: gone (410)", "draft": "Page: Hi", "scans": 2},
            {"now": "https://example.com/", "draft": "https://example.com/", "scans": 3},
        ],
    }
    assert run(tenant, link_id, draft, day=(DAY - timedelta(days=1)).isoformat())["moved"] == 1
    none = run(tenant, link_id, [])
    assert (none["scans"], none["moved"]) == (10, 2)


def test_every_recorded_fact_is_asked(scans: Any, tenant: Tenant) -> None:
    link_id = make_link(tenant)
    at = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    scans(
        tenant,
        link_id,
        {"os": "Chrome OS", "device": "desktop", "language": "de", "referrer_host": "l.instagram.com"},
        {"os": "iOS", "device": "phone", "in_app": "Instagram", "city": "Köln", "region": "Hesse"},
        {"placement": "window", "utm_source": "poster", "continent": "EU", "at": at + timedelta(minutes=7)},
    )
    assert moved(
        tenant,
        link_id,
        {"type": "os", "values": ["chromeos"]},
        {"type": "device", "values": ["phone"]},
        {"type": "in_app"},
        {"type": "language", "values": ["de"]},
        {"type": "referrer", "values": ["instagram.com"]},
        {"type": "city", "values": ["köln"]},
        {"type": "region", "values": ["hesse"]},
        {"type": "placement"},
        {"type": "query", "name": "utm_source", "values": ["poster"]},
        {"type": "continent", "values": ["EU"]},
        {"type": "time", "zone": "UTC", "start": "00:00", "end": "00:15"},
        {"type": "time", "zone": "UTC", "start": "00:00", "end": "00:07"},
        {"type": "time", "zone": "UTC", "start": "00:07", "end": "00:08"},
        {"type": "time", "zone": "Asia/Kolkata", "start": "17:30", "end": "18:00"},
        {"type": "dates", "end": (at + timedelta(hours=12)).isoformat()},
        {"type": "bot", "is_bot": False},
    ) == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 2, 1, 3]
    # Together, and filled in where only a destination asks.
    both = {"type": "all", "of": [{"type": "placement"}, {"type": "continent", "values": ["EU"]}]}
    assert moved(tenant, link_id, both) == [1]
    filled = run(tenant, link_id, [{"then": {"type": "redirect", "to": "https://example.com/{placement}"}}])
    assert [pair["draft"] for pair in filled["by_destination"]] == [
        "https://example.com/window",
        "https://example.com/",
    ]


def test_new_visitors_and_splits_follow_the_visitor(scans: Any, tenant: Tenant) -> None:
    link_id = make_link(tenant)
    at = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)
    scans(
        tenant,
        link_id,
        *[{"visitor_id": n % 400, "at": at + timedelta(seconds=n)} for n in range(1000)],
    )
    assert moved(tenant, link_id, {"type": "visitor", "new": True}, {"type": "visitor", "new": False}) == [
        400,
        600,
    ]
    split = {
        "then": {
            "type": "split",
            "variants": [
                {"to": "https://a.example/", "weight": 1},
                {"to": "https://b.example/", "weight": 49},
            ],
        }
    }
    found = run(tenant, link_id, [split])
    shares = {pair["draft"]: pair["scans"] for pair in found["by_destination"]}
    # Visitors 0 to 399 have these places out of 10,000; the first variant holds those below 200.
    assert shares == {"https://a.example/": 600, "https://b.example/": 400}
    assert any("Rule 1, split: " in sentence for sentence in found["unknown_conditions"])


def test_what_records_cannot_answer_is_said(scans: Any, tenant: Tenant) -> None:
    saved = [DE | {"when": {"type": "scan_number", "first": 5}}]
    link_id = make_link(tenant, rules=saved)
    scans(tenant, link_id, {"language": "pt", "utm_source": "poster"}, {"language": "en"})
    draft = [
        DE | {"when": {"type": "ip", "values": ["192.0.2.0/24"]}},
        DE | {"when": {"type": "not", "of": {"type": "query", "name": "ref"}}},
        DE | {"when": {"type": "language", "values": ["pt-br"], "accepted": True}},
        DE | {"when": {"type": "bot"}},
    ]
    found = run(tenant, link_id, draft)
    said = "\n".join(found["unknown_conditions"])
    assert "Rule 1, IP address: Addresses are never recorded, so this counts as not met." in said
    assert "Rule 2, query parameter: " not in said
    assert "so “ref” counts as met." in said
    assert "Rule 3, language: Only the first language is recorded." in said
    assert "so “pt-br” counts as not met." in said
    assert "Rule 4, robot: Only scans by people" in said
    assert "Saved rule 1, scan number: Which number a scan had" in said
    assert [one["scans"] for one in found["by_rule"]] == [0, 2, 0, 0, 0]
    kept = run(tenant, link_id, saved)["unknown_conditions"]
    assert kept == [
        "Rule 1, scan number: Which number a scan had is not recorded, so this counts as not met."
    ]


def test_only_rules_count_not_what_the_link_is_now(scans: Any, tenant: Tenant) -> None:
    from control_plane.campaigns.services import pause_link

    link_id = make_link(tenant, password="correct horse", max_scans=1, fallback="https://example.com/over")
    scans(tenant, link_id, *[{"country": "DE"}] * 4)
    pause_link(workspace_id=tenant.workspace_id, link_id=link_id)
    assert run(tenant, link_id, [DE])["by_destination"] == [
        {"now": "https://example.com/", "draft": "https://example.com/de", "scans": 4}
    ]
    asked = run(tenant, link_id, [{"then": {"type": "password"}}])
    assert [pair["draft"] for pair in asked["by_destination"]] == ["Page: password"]


def test_a_run_is_bounded_and_says_so(scans: Any, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from control_plane.campaigns import shadow

    link_id = make_link(tenant)
    scans(tenant, link_id, *[{"country": "DE"}] * 6, *[{"country": "FR"}] * 2, {"country": "IT"})
    monkeypatch.setattr(shadow, "MAX_GROUPS", 2)
    found = run(tenant, link_id, [DE | {"when": {"type": "country", "values": ["DE"]}}])
    assert (found["scans"], found["total"], found["moved"]) == (8, 9, 6)
    cut = shadow.shadow_run(workspace_id=tenant.workspace_id, link_id=link_id, rules=[], day=DAY)
    assert not cut.is_cut  # asked by nothing, all scans are of one kind
    monkeypatch.setattr(shadow, "MAX_PAIRS", 1)
    assert (
        len(run(tenant, link_id, [DE | {"when": {"type": "country", "values": ["DE"]}}])["by_destination"])
        == 1
    )


def test_a_day_without_scans_is_zeros(scans: Any, tenant: Tenant) -> None:
    found = run(tenant, make_link(tenant), [DE])
    assert (found["scans"], found["total"], found["moved"], found["by_destination"]) == (0, 0, 0, [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rules": [{"when": {"type": "country", "values": ["Germany"]}, "then": {"type": "gone"}}]},
         "rules[0].when.values"),
        ({"rules": [{"then": {"type": "password"}}]}, "rules[0].then"),
        ({"rules": None}, "rules"),
        ({"rules": [], "day": "yesterday"}, "day"),
        ({"rules": [], "day": 20260301}, "day"),
        ({"rules": [], "day": "2999-01-01"}, "day"),
        ({"rules": [], "day": "1999-01-01"}, "day"),
        ({"rules": [], "workspace_id": 1}, "workspace_id"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(scans: Any, tenant: Tenant, body: Any, field: str) -> None:
    answer = ask(tenant, make_link(tenant), **body)
    assert answer.status_code == 422, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_scans_of_another_workspace_are_never_counted(scans: Any, tenant: Tenant) -> None:
    """Neither by asking for their link, nor through one's own link with the same number in the records."""
    theirs, link_id = new_tenant(), make_link(tenant)
    scans(tenant, link_id, {"country": "DE"})
    scans(theirs, link_id, *[{"country": "DE"}] * 9)
    assert run(tenant, link_id, [DE])["scans"] == 1
    assert ask(theirs, link_id, [DE]).status_code == 404


def test_without_clickhouse_the_answer_says_so(console: None, tenant: Tenant, monkeypatch: Any) -> None:
    from django.conf import settings

    from control_plane.campaigns import stats

    monkeypatch.setattr(stats, "_client", None)
    config = dataclasses.replace(settings.CONFIG, clickhouse_url="http://127.0.0.1:1/scanway")
    with override_settings(CONFIG=config):
        answer = ask(tenant, make_link(tenant), [DE])
    assert answer.status_code == 503
