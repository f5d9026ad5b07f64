"""What a link can have besides a destination, by API: rules, limits, a password, a fallback, GS1 names."""

import random
import uuid
from typing import Any

import pytest
from api_client import GOOD, Api, problem
from console_stack import Tenant

RULES = [
    {"name": "Germany", "when": {"type": "country", "values": ["de"]},
     "then": {"type": "redirect", "to": "https://example.com/de"}},
    {"when": {"type": "scan_number", "first": 100}, "then": {"type": "gone"}},
]  # fmt: skip


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


def gtin() -> str:
    """One that no other test has."""
    from edge.gs1 import check_digit

    digits = f"0{random.randrange(10**12):012}"
    return digits + check_digit(digits)


def test_the_life_of_a_link_with_everything(api: Api) -> None:
    product = gtin()
    made = api(
        "POST",
        "/links",
        {
            **GOOD,
            "rules": RULES,
            "max_scans": 500,
            "password": "open sesame",
            "fallback": "https://example.com/sold-out",
            "pass_query": True,
            "gs1": f"https://id.gs1.org/01/{product}/10/LOT7",
        },
    )
    assert made.status_code == 201, made.content
    link = made.json()
    assert link["rules"][0]["when"] == {"type": "country", "values": ["DE"]}
    assert (link["max_scans"], link["scans_used"], link["has_password"]) == (500, 0, True)
    assert (link["fallback"], link["pass_query"]) == ("https://example.com/sold-out", True)
    assert link["gs1"] == f"01/{product}/10/LOT7"
    assert link["gs1_url"] == f"http://192.168.1.20:8080/01/{product}/10/LOT7"
    assert "sesame" not in made.content.decode()
    assert "scrypt" not in made.content.decode()
    assert "password_hash" not in link

    path = f"/links/{link['id']}"
    assert api("GET", path).json() == link
    for query in (f"q={product}", f"q={link['gs1_url']}"):
        assert [row["id"] for row in api("GET", f"/links?{query}").json()["data"]] == [link["id"]]
    assert api("PATCH", path, {"password": ""}).json()["version"] == 1
    changed = api(
        "PATCH", path, {"rules": [], "max_scans": None, "password": None, "fallback": "", "gs1": ""}
    )
    plain = changed.json()
    assert plain["rules"] == []
    assert (plain["max_scans"], plain["scans_used"], plain["has_password"]) == (None, None, False)
    assert (plain["fallback"], plain["gs1"], plain["gs1_url"]) == ("", "", "")
    assert plain["version"] == 2


def test_a_count_is_set_back(api: Api, tenant: Tenant) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link

    link = api("POST", "/links", {**GOOD, "max_scans": 10}).json()
    with workspace_scope(tenant.workspace_id):
        Link.objects.filter(id=link["id"]).update(scans_used=7)
    assert api("GET", f"/links/{link['id']}").json()["scans_used"] == 7
    answer = api("POST", f"/links/{link['id']}/reset-scans")
    assert (answer.json()["scans_used"], answer.json()["version"]) == (0, 2)
    assert answer["ETag"] == '"2"'


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"rules": {}}, "rules", "list"),
        ({"rules": None}, "rules", "list"),
        ({"rules": [1]}, "rules[0]", "Rule 1"),
        ({"rules": [*RULES, {"when": {"type": "country", "values": ["Germany"]}, "then": {"type": "gone"}}]},
         "rules[2].when.values", "Rule 3, country"),
        ({"rules": [{"then": {"type": "redirect", "to": "data:,x"}}]}, "rules[0].then.to", "Rule 1"),
        ({"rules": [{"then": {"type": "password"}}]}, "rules", "Rule 1"),
        ({"rules": [{"then": {"type": "redirect", "to": "http://192.168.1.20:8080/x"}}]},
         "rules[0].then.to", "circle"),
        ({"max_scans": 0}, "max_scans", "from 1"),
        ({"max_scans": "5"}, "max_scans", "whole number"),
        ({"max_scans": 10**12}, "max_scans", "1,000,000,000"),
        ({"password": "abc"}, "password", "4 to 256"),
        ({"password": "x" * 257}, "password", "4 to 256"),
        ({"password": "tab\there"}, "password", "type"),
        ({"password": 12345}, "password", "text"),
        ({"fallback": "ftp://example.com/"}, "fallback", "https"),
        ({"fallback": "http://192.168.1.20:8080/abc"}, "fallback", "circle"),
        ({"pass_query": "yes"}, "pass_query", "true or false"),
        ({"gs1": "/01/09506000134353"}, "gs1", "check digit"),
        ({"gs1": "12"}, "gs1", "8, 12, 13 or 14"),
        ({"gs1": "/02/09506000134352"}, "gs1", "/01/"),
        ({"gs1": "http://[x/01/09506000134352"}, "gs1", "cannot be read"),
        ({"domain_id": 10**15}, "domain_id", "no such domain"),
        ({"domain_id": 0}, "domain_id", "at least 1"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_name(api: Api, body: dict[str, Any], field: str, words: str) -> None:
    assert words in problem(api("POST", "/links", {**GOOD, **body}), 422, field)
    link = api("POST", "/links", GOOD).json()
    assert words in problem(api("PATCH", f"/links/{link['id']}", body), 422, field)
    assert api("GET", f"/links/{link['id']}").json()["version"] == 1


def test_a_password_that_a_rule_asks_for_stays(api: Api) -> None:
    body = {**GOOD, "password": "open sesame", "rules": [{"then": {"type": "password"}}]}
    link = api("POST", "/links", body).json()
    assert "Rule 1" in problem(api("PATCH", f"/links/{link['id']}", {"password": None}), 422, "password")
    assert api("PATCH", f"/links/{link['id']}", {"password": None, "rules": []}).status_code == 200


def test_a_gs1_name_is_one_links_only_and_can_be_handed_on(api: Api) -> None:
    product = gtin()
    first = api("POST", "/links", {**GOOD, "gs1": product}).json()
    second = api("POST", "/links", GOOD).json()
    assert "Take it from there" in problem(api("POST", "/links", {**GOOD, "gs1": product}), 409, "gs1")
    api("PATCH", f"/links/{first['id']}", {"gs1": None})
    # The version of the name goes on, so that Valkey takes the new record.
    taken = api("PATCH", f"/links/{second['id']}", {"gs1": f"/01/{product}"}).json()
    assert (taken["gs1"], taken["version"]) == (f"01/{product}", 3)
    api("DELETE", f"/links/{second['id']}")
    third = api("POST", "/links", {**GOOD, "gs1": product}).json()
    assert (third["gs1"], third["version"]) == (f"01/{product}", 5)


def test_a_link_moves_to_a_domain_and_back(api: Api) -> None:
    host = f"go-{uuid.uuid4().hex[:8]}.example.com"
    domain = api("POST", "/domains", {"host": host}).json()
    link = api("POST", "/links", GOOD).json()
    path = f"/links/{link['id']}"
    moved = api("PATCH", path, {"domain_id": domain["id"]}).json()
    assert moved["short_url"] == f"http://{host}:8080/{link['code']}"
    assert [row["id"] for row in api("GET", f"/links?domain_id={domain['id']}").json()["data"]] == [
        link["id"]
    ]
    # On the default domain the code stays this link's.
    assert "taken" in problem(api("POST", "/links", {**GOOD, "code": link["code"]}), 409, "code")
    other = {**GOOD, "code": link["code"], "domain_id": domain["id"]}
    assert host in problem(api("POST", "/links", other), 409, "code")
    back = api("PATCH", path, {"domain_id": None}).json()
    assert back["short_url"] == link["short_url"]
    assert "taken" in problem(api("POST", "/links", other), 409, "code")
    image = api("GET", f"{path}/qr.svg")
    assert image.status_code == 200
