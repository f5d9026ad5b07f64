"""The control room, alerts and the report by API."""

import csv
import io
import json
from typing import Any

import pytest
from console_stack import new_tenant
from django.test import Client
from evening import evening
from gate_world import gate_world


@pytest.fixture
def world(tenant):
    return gate_world(tenant, capacity=10)


@pytest.fixture
def call(tenant, world):
    def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = {} if body is None else {"data": json.dumps(body)}
        return Client().generic(
            method, f"/api/v1/programs/{world.program.pk}/{path}", content_type="application/json",
            headers=tenant.headers | headers, **content,
        )  # fmt: skip

    return call


def test_the_room(world, call):
    from control_plane.passes import occupancy

    occupancy.correct(workspace_id=world.workspace_id, zone_id=world.zone.pk, inside=10, note="counted")
    room = call("GET", "room").json()
    (zone,) = room["zones"]
    assert (zone["inside"], zone["percent"], zone["level"]) == (10, 100, "full")
    assert zone["forecast"] == {"trend": "full", "at": None, "per_minute": 0.0, "words": "Full now."}
    assert len(room["minutes"]) == 60
    assert {one["name"] for one in room["devices"]} == {"Phone", "Boss"}


def test_contacts_and_alerts(world, call):
    from control_plane.passes import alerts, occupancy

    given = {"name": "Night shift", "kind": "mail", "address": "night.shift@example.com"}
    made = call("POST", "alert-contacts", given, **{"Idempotency-Key": "one"})
    again = call("POST", "alert-contacts", given, **{"Idempotency-Key": "one"})
    assert made.status_code == again.status_code == 201
    shown = {"id": made.json()["id"], "name": "Night shift", "kind": "mail", "shown": "ni…@example.com"}
    assert made.json() == again.json() == shown
    assert call("GET", "alert-contacts").json() == {"data": [shown]}
    occupancy.correct(workspace_id=world.workspace_id, zone_id=world.zone.pk, inside=9, note="counted")
    alerts.watch(world.workspace_id)
    (alert,) = call("GET", "alerts").json()["data"]
    assert (alert["zone"], alert["percent"], alert["inside"], alert["sent"]) == ("Venue", 90, 9, [])
    alerts.tell(world.workspace_id)
    ((told),) = call("GET", "alerts").json()["data"][0]["sent"]
    assert told == {"contact": "Night shift", "kind": "mail", "tries": 1, "done": True, "problem": ""}
    assert call("DELETE", f"alert-contacts/{shown['id']}").status_code == 204
    assert call("DELETE", f"alert-contacts/{shown['id']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": "https://localhost/x", "kind": "chat"}, "address"),
        ({"address": "json://127.0.0.1", "kind": "chat"}, "address"),
        ({"name": ""}, "name"),
        ({"kind": "pigeon"}, "kind"),
    ],
)
def test_a_contact_that_cannot_be(call, change, field):
    given = {"name": "Night shift", "kind": "mail", "address": "night.shift@example.com"}
    answer = call("POST", "alert-contacts", given | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_at_most_20_contacts(call):
    for number in range(20):
        given = {"name": f"No. {number}", "kind": "mail", "address": "night.shift@example.com"}
        assert call("POST", "alert-contacts", given).status_code == 201
    answer = call("POST", "alert-contacts", given)
    assert answer.status_code == 409
    assert "at most 20 contacts" in answer.json()["detail"]


def test_the_report_as_json_csv_and_pdf(console):
    tenant = new_tenant()
    world = evening(tenant)
    base = f"/api/v1/programs/{world.program.pk}/report"
    days = "?first=2024-06-01&last=2024-06-01"
    made = Client().get(base + days, headers=tenant.headers).json()
    assert made["total"] == {
        "name": "All", "issued": 8, "used": 3, "unused": 4, "cancelled": 1, "uses": 5,
    }  # fmt: skip
    assert made["clones"][0]["times"] == 2
    assert made["more"] == {"clones": 1, "corrections": 2, "conflicts": 1, "overrides": 1}
    assert "Lovelace" not in json.dumps(made)
    answer = Client().get(f"{base}.csv{days}&table=issuers", headers=tenant.headers)
    assert answer["Content-Type"] == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[1] == ["Bakery", "4", "2", "2", "50 %", "0", "4"]
    assert Client().get(f"{base}.pdf{days}", headers=tenant.headers).content.startswith(b"%PDF")
    wrong = Client().get(f"{base}?first=2024-06-02&last=2024-06-01", headers=tenant.headers)
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "last"
    assert Client().get(f"{base}.csv?table=nothing", headers=tenant.headers).status_code == 422
