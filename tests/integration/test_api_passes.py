"""Programs and passes by API: what organisers' programs do, and what they are refused with which sentence."""

import json
from typing import Any

import pytest
from console_stack import Tenant
from django.test import Client

from edge import token

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def api(tenant: Tenant) -> Any:
    client = Client(raise_request_exception=False)

    def call(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = client.generic(
            method,
            f"/api/v1{path}",
            data=b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=tenant.headers,
        )
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return call


@pytest.fixture
def program(api: Any) -> dict[str, Any]:
    made: dict[str, Any] = api("POST", "/programs", {"name": "Market", "kind": "parking"}, 201)
    return made


def test_a_program_from_first_to_last(api: Any) -> None:
    made = api("POST", "/programs", {"name": "Festival", "reentry": "count", "max_uses": 3}, 201)
    own = f"/programs/{made['id']}"
    venue = api("POST", f"{own}/zones", {"name": "Venue", "capacity": 400}, 201)
    hall = api("POST", f"{own}/zones", {"name": "Hall", "capacity": 90, "parent_id": venue["id"]}, 201)
    gate = api("POST", f"{own}/gates", {"name": "North", "zone_id": venue["id"]}, 201)
    assert [zone["name"] for zone in api("GET", f"{own}/zones")["data"]] == ["Venue", "Hall"]
    assert api("GET", f"{own}/gates")["data"] == [gate]
    assert api("PATCH", own, {"state": "paused"})["version"] == 2
    assert api("PATCH", own, {"name": "Festival"})["version"] == 2
    assert "inside of Venue" in api("DELETE", f"{own}/zones/{venue['id']}", status=409)["detail"]
    api("DELETE", f"{own}/zones/{hall['id']}", status=204)
    assert "Gates lead into Venue" in api("DELETE", f"{own}/zones/{venue['id']}", status=409)["detail"]
    api("DELETE", own, status=204)
    api("GET", own, status=404)


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"name": " "}, "name", "Give a name of 1 to 80 characters."),
        ({"name": "x" * 81}, "name", "Use at most 80 characters; this has 81."),
        ({"reentry": "count"}, "max_uses", "Say how many times a pass may be used."),
        (
            {"max_uses": 2},
            "max_uses",
            "A pass that admits once has no maximum; choose another re-entry rule.",
        ),
        (
            {"max_uses": 0, "reentry": "daily"},
            "max_uses",
            "Give a whole number from 1 to 100,000, or nothing.",
        ),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "Choose a time zone, such as Europe/Berlin."),
        (
            {"starts_at": "2027-06-12T18:00:00Z", "ends_at": "2027-06-12T18:00:00Z"},
            "ends_at",
            "The end must come after the start.",
        ),
        (
            {"opening_hours": [{"days": [7], "from": "08:00", "to": "18:00"}]},
            "opening_hours",
            "Period 1: give days as numbers, 0 for Monday to 6 for Sunday.",
        ),
        (
            {"opening_hours": [{"days": [1], "from": "8", "to": "18:00"}]},
            "opening_hours",
            "Period 1: write “from” as a time of day, such as 08:00.",
        ),
    ],
)
def test_bad_values_of_a_program(api: Any, body: dict[str, Any], field: str, sentence: str) -> None:
    said = api("POST", "/programs", {"name": "New"} | body, 422)
    assert said["errors"] == [{"field": field, "message": sentence}]
    assert not [one for one in api("GET", "/programs")["data"] if one["name"] == "New"]


def test_names_are_unique(api: Any, program: dict[str, Any]) -> None:
    assert "already in use" in api("POST", "/programs", {"name": "Market"}, 409)["detail"]
    own = f"/programs/{program['id']}"
    lot = api("POST", f"{own}/zones", {"name": "Lot"}, 201)
    assert "already in use" in api("POST", f"{own}/zones", {"name": "Lot"}, 409)["detail"]
    api("POST", f"{own}/gates", {"name": "Barrier", "zone_id": lot["id"]}, 201)
    again = {"name": "Barrier", "zone_id": lot["id"]}
    assert "already in use" in api("POST", f"{own}/gates", again, 409)["detail"]


def test_a_capacity_cannot_go_below_who_is_inside(api: Any, program: dict[str, Any]) -> None:
    own = f"/programs/{program['id']}"
    lot = api("POST", f"{own}/zones", {"name": "Lot", "capacity": 220}, 201)
    one = f"{own}/zones/{lot['id']}"
    assert api("PUT", f"{one}/inside", {"inside": 120, "note": "Counted"})["inside"] == 120
    said = api("PATCH", one, {"capacity": 100}, 422)["errors"][0]
    assert said["field"] == "capacity"
    assert said["message"].startswith("120 are inside Lot now, so its capacity cannot be 100.")
    assert api("PATCH", one, {"capacity": 130})["level"] == "warning"
    assert "120 are inside Lot" in api("DELETE", one, status=409)["detail"]


def test_another_programs_parts_are_not_found(api: Any, program: dict[str, Any]) -> None:
    other = api("POST", "/programs", {"name": "Other"}, 201)
    zone = api("POST", f"/programs/{other['id']}/zones", {"name": "Yard"}, 201)
    api("PATCH", f"/programs/{program['id']}/zones/{zone['id']}", {"name": "Mine"}, 404)
    inside = {"name": "Inner", "parent_id": zone["id"]}
    said = api("POST", f"/programs/{program['id']}/zones", inside, 422)
    assert said["errors"][0] == {"field": "parent_id", "message": "Choose a zone of this program."}


def test_issuing_finding_and_changing_passes(api: Any, program: dict[str, Any]) -> None:
    people = [
        {"name": "Ada Lovelace", "email": "ada@example.com", "plate": "b-al 1815"},
        {"name": "Émile Zola", "phone": "+33 1 23 45 67 89", "fields": {"Stand": "17"}},
    ]
    made = api("POST", "/passes", {"program_id": program["id"], "holders": people}, 201)["data"]
    assert [one["number"] for one in made] == [1, 2]
    assert made[0]["holder"]["plate"] == "B-AL 1815"
    read = token.parse(made[0]["text"])
    assert (read.claims.program, read.claims.kind) == (program["id"], token.Kind.PARKING)

    def found(query: str) -> list[int]:
        rows = api("GET", f"/passes?program_id={program['id']}&q={query}")["data"]
        return [one["number"] for one in rows]

    assert found("lovelace") == found("ada%40example.com") == found("B%20AL%201815") == [1]
    assert found("B-AL-1815") == found("bal1815") == found("al%20ada") == [1]
    assert found("emile") == found("33123456789") == found("%2B33%201-23-45-67-89") == [2]
    assert found("!!!") == found("%23") == []
    assert found("2") == [2]
    assert found("love") == found("nobody") == []

    one = f"/passes/{made[0]['id']}"
    assert api("PATCH", one, {"state": "held", "note": "Unpaid"})["state"] == "held"
    assert api("PATCH", one, {"holder": {"name": "Grace Hopper"}})["holder"] == {"name": "Grace Hopper"}
    assert found("lovelace") == []
    assert found("hopper") == [1]
    new = api("POST", f"{one}/replace", {"note": "Lost"}, 201)
    assert (new["number"], new["state"], new["holder"]) == (3, "held", {"name": "Grace Hopper"})
    assert "was replaced" in api("PATCH", one, {"state": "active"}, 422)["detail"]
    lines = api("GET", f"{one}/history")["data"]
    assert [(line["what"], line["note"]) for line in lines] == [
        ("issued", ""), ("held", "Unpaid"), ("transferred", ""), ("replaced", "Lost"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "count"),
        ({"count": 1, "holders": [{}]}, "count"),
        ({"count": 0}, "count"),
        ({"count": 1_001}, "count"),
        ({"holders": []}, "count"),
        ({"holders": [{"email": "nobody"}]}, "holder.email"),
        ({"holders": [{"name": "x" * 121}]}, "holder.name"),
        ({"count": 1, "issuer_id": 999_999_999}, "issuer_id"),
        (
            {"count": 1, "valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"},
            "valid_until",
        ),
    ],
)
def test_bad_orders_issue_nothing(api: Any, program: dict[str, Any], body: Any, field: str) -> None:
    said = api("POST", "/passes", {"program_id": program["id"]} | body, 422)
    assert said["errors"][0]["field"] == field
    assert api("GET", f"/passes?program_id={program['id']}")["data"] == []


def test_an_issuers_quota(api: Any, program: dict[str, Any]) -> None:
    own = f"/programs/{program['id']}/issuers"
    bakery = api("POST", own, {"name": "Bakery", "quota_total": 5, "quota_daily": 3}, 201)
    order = {"program_id": program["id"], "issuer_id": bakery["id"]}
    api("POST", "/passes", order | {"count": 2}, 201)
    said = api("POST", "/passes", order | {"count": 2}, 409)["detail"]
    assert said == "Bakery may issue 1 more passes today, not 2."
    api("PATCH", f"{own}/{bakery['id']}", {"quota_daily": None})
    said = api("POST", "/passes", order | {"count": 4}, 409)["detail"]
    assert said == "Bakery may issue 3 more passes, not 4."
    assert api("GET", own)["data"][0]["issued"] == 2
    assert "has issued 2 passes" in api("DELETE", f"{own}/{bakery['id']}", status=409)["detail"]
    api("PATCH", f"{own}/{bakery['id']}", {"is_active": False})
    said = api("POST", "/passes", order | {"count": 1}, 422)["detail"]
    assert said == "Bakery is switched off today."


def test_a_retried_order_is_issued_once(api: Any, program: dict[str, Any], tenant: Tenant) -> None:
    client = Client()
    answers = [
        client.post(
            "/api/v1/passes",
            {"program_id": program["id"], "count": 2},
            content_type="application/json",
            headers=tenant.headers | {"Idempotency-Key": "order-1"},
        )
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert len(api("GET", f"/passes?program_id={program['id']}")["data"]) == 2


def test_holders_are_not_readable_in_the_database(api: Any, program: dict[str, Any], tenant: Tenant) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import vault
    from control_plane.passes.models import Pass, SigningKey

    people = [{"name": "Ada Lovelace", "email": "ada@example.com", "plate": "B AL 1815"}]
    api("POST", "/passes", {"program_id": program["id"], "holders": people}, 201)
    with workspace_scope(tenant.workspace_id):
        row = Pass.objects.get()
        stored = bytes(row.holder) + repr(row.words).encode()
        key = SigningKey.objects.get()
    for text in (b"Ada", b"Lovelace", b"ada@", b"1815"):
        assert text not in stored
    assert len(bytes(key.secret)) > 32
    with pytest.raises(vault.CannotOpen):
        vault.unlock(bytes(row.holder), workspace_id=tenant.workspace_id + 1, purpose="holder")
    with pytest.raises(vault.CannotOpen):
        vault.unlock(bytes(row.holder), workspace_id=tenant.workspace_id, purpose="signing key")
