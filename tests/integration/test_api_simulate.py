"""One made-up scan against saved rules and drafts, by API."""

from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from django.test import Client

GERMANY = {
    "name": "Germany",
    "when": {"type": "country", "values": ["DE"]},
    "then": {"type": "redirect", "to": "https://example.com/de/{placement}?id={click_id}"},
}
PHONES = {
    "when": {"type": "any", "of": [{"type": "os", "values": ["ios"]}, {"type": "os", "values": ["android"]}]},
    "then": {"type": "split", "variants": [{"to": "https://a.example/"}, {"to": "https://b.example/"}]},
}
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


def make_link(tenant: Tenant, **given: Any) -> int:
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=tenant.workspace_id, destination="https://example.com/", **given).pk


def ask(tenant: Tenant, link_id: int, body: Any) -> Any:
    client = Client(raise_request_exception=False)
    return client.post(
        f"/api/v1/links/{link_id}/simulate", body, content_type="application/json", headers=tenant.headers
    )


def test_a_draft_is_tried_without_being_saved(tenant: Tenant) -> None:
    from control_plane.campaigns.selectors import get_link

    link_id = make_link(tenant)
    answer = ask(
        tenant, link_id, {"rules": [GERMANY, PHONES], "scan": {"country": "fr", "user_agent": IPHONE}}
    )
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "reason": "ok",
        "status": 302,
        "location": "https://a.example/",
        "rule": 2,
        "variant": 1,
        "action": "split",
        "steps": [
            {"rule": 1, "name": "Germany", "matched": False, "reached": True,
             "why": "country is FR, wanted DE"},
            {"rule": 2, "name": "", "matched": True, "reached": True, "why": "operating system is ios"},
        ],
    }  # fmt: skip
    assert get_link(workspace_id=tenant.workspace_id, link_id=link_id).rules == []
    plain = ask(tenant, link_id, {"scan": {"country": "DE"}}).json()
    assert (plain["location"], plain["rule"], plain["steps"]) == ("https://example.com/", 0, [])


def test_saved_rules_are_the_default_and_placeholders_are_filled(tenant: Tenant) -> None:
    link_id = make_link(tenant, rules=[GERMANY, PHONES])
    body = ask(
        tenant, link_id, {"scan": {"country": "DE", "query": "?p=Door 3", "at": "2027-03-01T09:00:00Z"}}
    )
    found = body.json()
    assert found["location"] == f"https://example.com/de/door%203?id={'0' * 32}"
    assert [step["reached"] for step in found["steps"]] == [True, False]
    assert found["steps"][1]["why"] == "rule 1 decided"
    high = ask(tenant, link_id, {"scan": {"os": "Android", "bucket": 9999}}).json()
    assert (high["location"], high["variant"]) == ("https://b.example/", 2)
    assert ask(tenant, link_id, {"rules": [], "scan": {"country": "DE"}}).json()["rule"] == 0


@pytest.mark.parametrize(
    ("when", "scan"),
    [
        ({"type": "device", "values": ["phone"]}, {"user_agent": IPHONE}),
        ({"type": "device", "values": ["tablet"]}, {"user_agent": IPHONE, "device": "tablet"}),
        ({"type": "in_app"}, {"user_agent": f"{IPHONE} Instagram 384.0.0.21.86"}),
        ({"type": "in_app", "values": ["LINE"]}, {"in_app": "line"}),
        ({"type": "continent", "values": ["EU"]}, {"country": "FR"}),
        ({"type": "region", "values": ["bavaria"]}, {"region": "Bavaria"}),
        ({"type": "city", "values": ["München"]}, {"city": "münchen"}),
        ({"type": "language", "values": ["pt-br"]}, {"language": "en;q=0.5, pt-BR"}),
        ({"type": "language", "values": ["en"], "accepted": True}, {"language": "pt-BR, en;q=0.5"}),
        ({"type": "time", "zone": "Asia/Tokyo", "days": [1], "start": "00:00", "end": "06:00"},
         {"at": "2027-02-28T16:30:00Z"}),
        ({"type": "dates", "start": "2027-03-01T00:00:00+01:00"}, {"at": "2027-02-28T23:00:00Z"}),
        ({"type": "scan_number", "first": 3}, {"scan_number": 3}),
        ({"type": "scan_number", "every": 10}, {"scan_number": 20}),
        ({"type": "visitor", "new": False}, {"is_new": False}),
        ({"type": "query", "name": "utm_source", "values": ["a b"]},
         {"query": "utm_source=a+b&utm_source=c"}),
        ({"type": "referrer", "values": ["instagram.com"]}, {"referrer": "https://l.instagram.com/?u=1"}),
        ({"type": "referrer", "values": ["instagram.com"]}, {"referrer": "www.Instagram.com"}),
        ({"type": "referrer", "values": ["WhatsApp"]}, {"referrer": "whatsapp"}),
        ({"type": "placement", "values": ["window"]}, {"placement": "Window"}),
        ({"type": "ip", "values": ["192.0.2.0/24"]}, {"ip": "::ffff:192.0.2.9"}),
        ({"type": "bot"}, {"user_agent": "Twitterbot/1.0"}),
        ({"type": "bot"}, {"is_bot": True}),
    ],
)  # fmt: skip
def test_every_kind_of_fact_reaches_the_rules(tenant: Tenant, when: Any, scan: Any) -> None:
    link_id = make_link(tenant)
    rules = [{"when": when, "then": {"type": "gone"}}]
    found = ask(tenant, link_id, {"rules": rules, "scan": scan}).json()
    assert (found["reason"], found["status"], found["location"]) == ("gone", 410, None), found
    # The control: without the fact it does not hold, unless it is the time.
    if "at" not in scan:
        assert ask(tenant, link_id, {"rules": rules}).json()["reason"] == "ok"


def test_the_links_state_password_and_limit_come_first(tenant: Tenant) -> None:
    from control_plane.campaigns.services import pause_link

    link_id = make_link(tenant, password="correct horse", max_scans=5, rules=[GERMANY])
    locked = ask(tenant, link_id, {"scan": {"country": "DE"}}).json()
    assert (locked["reason"], locked["location"], locked["steps"][0]["reached"]) == ("password", None, False)
    opened = ask(tenant, link_id, {"scan": {"country": "DE", "unlocked": True, "scan_number": 5}}).json()
    assert opened["rule"] == 1
    late = ask(tenant, link_id, {"scan": {"unlocked": True, "scan_number": 6}}).json()
    assert (late["reason"], late["status"]) == ("used_up", 410)
    pause_link(workspace_id=tenant.workspace_id, link_id=link_id)
    paused = ask(tenant, link_id, {}).json()
    assert (paused["reason"], paused["status"]) == ("paused", 200)
    assert "state or time decided" in paused["steps"][0]["why"]


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"rules": [GERMANY, {"when": {"type": "country", "values": ["Germany"]}, "then": {"type": "gone"}}]},
         "rules[1].when.values", "Rule 2, country: “Germany” is not a country code."),
        ({"rules": [{"then": {"type": "password"}}]}, "rules[0].then", "The link has no password"),
        ({"rules": [{"then": {"type": "redirect", "to": "http://192.168.1.20:8080/x"}}]}, "rules[0].then.to",
         "one of our own"),
        ({"rules": {}}, "rules", ""),
        ({"scan": {"shoe_size": 43}}, "scan.shoe_size", "no field"),
        ({"scan": {"country": "Germany"}}, "scan.country", "two letters"),
        ({"scan": {"os": "BeOS"}}, "scan.os", "Use one of android"),
        ({"scan": {"in_app": "MySpace"}}, "scan.in_app", "WeChat"),
        ({"scan": {"at": "tomorrow"}}, "scan.at", "offset"),
        ({"scan": {"at": "2027-03-01T09:00:00"}}, "scan.at", "offset"),
        ({"scan": {"ip": "localhost"}}, "scan.ip", "not an IP address"),
        ({"scan": {"scan_number": 0}}, "scan.scan_number", "whole number from 1"),
        ({"scan": {"bucket": 10000}}, "scan.bucket", "0 to 9,999"),
        ({"scan": {"city": "a\tb"}}, "scan.city", "one line"),
        ({"scan": {"query": "x" * 2049}}, "scan.query", "at most 2,048"),
        ({"scan": {"query": "a&" * 200}}, "scan.query", "at most 100"),
        ({"scan": {"is_bot": "no"}}, "scan.is_bot", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(tenant: Tenant, body: Any, field: str, sentence: str) -> None:
    answer = ask(tenant, make_link(tenant), body)
    assert answer.status_code == 422, answer.content
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert sentence in error["message"]


def test_another_workspaces_link_cannot_be_tried(tenant: Tenant) -> None:
    link_id = make_link(tenant, rules=[GERMANY])
    assert ask(new_tenant(), link_id, {"scan": {"country": "DE"}}).status_code == 404
    assert ask(tenant, 10**15, {}).status_code == 404
