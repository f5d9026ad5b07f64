"""A gate's device by API: pairing, its key and what it may not do, redemption, counts, corrections, undo."""

import json
import uuid
from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from django.test import Client
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=10, reentry="after_exit")


def call(world: GateWorld, method: str, path: str, body: Any = None, *, device: str = "Phone") -> Any:
    return Client(raise_request_exception=False).generic(
        method,
        f"/api/v1/gate{path}",
        data=b"" if body is None else json.dumps(body),
        content_type="application/json",
        headers=world.headers(device),
    )


def scan(world: GateWorld, text: str, *, device: str = "Phone", **more: Any) -> Any:
    body = {"gate_id": world.gate.pk, "text": text, "nonce": str(uuid.uuid4())} | more
    return call(world, "POST", "/redemptions", body, device=device)


def test_pairing_works_once(tenant: Tenant, world: GateWorld) -> None:
    own = Client(raise_request_exception=False)
    made = own.post(
        f"/api/v1/programs/{world.program.pk}/devices",
        {"name": "South", "gate_ids": [world.gate.pk], "role": "supervisor"},
        content_type="application/json",
        headers=tenant.headers,
    ).json()
    assert made["pairing_url"].endswith(f"/gate/#{made['pairing_code']}")
    assert not made["is_paired"]

    def pair(code: str) -> Any:
        return own.post("/api/v1/gate/pair", {"code": code}, content_type="application/json")

    paired = pair(made["pairing_code"])
    assert paired.status_code == 200
    assert paired.json()["device"]["gates"][0]["name"] == "North"
    again = pair(made["pairing_code"])
    assert (again.status_code, again.json()["detail"]) == (
        401,
        "This pairing code was used or has run out. Make a new one in the console.",
    )
    assert pair("nonsense").status_code == 401
    key = {"Authorization": f"Bearer {paired.json()['key']}"}
    assert own.get("/api/v1/gate", headers=key).json()["role"] == "supervisor"
    listed = own.get(f"/api/v1/programs/{world.program.pk}/devices", headers=tenant.headers).json()["data"]
    assert [(one["name"], one["is_paired"]) for one in listed] == [
        ("Boss", True), ("Phone", True), ("South", True),
    ]  # fmt: skip
    assert (
        own.delete(
            f"/api/v1/programs/{world.program.pk}/devices/{made['id']}", headers=tenant.headers
        ).status_code
        == 204
    )


def test_a_pairing_code_runs_out(world: GateWorld) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import devices
    from control_plane.passes.errors import DeviceRefused
    from control_plane.passes.models import Device

    made = devices.new_pairing_code(workspace_id=world.workspace_id, device_id=world.device.device_id)
    with workspace_scope(world.workspace_id):
        Device.objects.filter(id=made.device.pk).update(pairing_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(DeviceRefused):
        devices.pair(code=made.code)


def test_a_scan_and_its_retry(world: GateWorld) -> None:
    (text,) = world.issue()
    nonce = str(uuid.uuid4())
    first = scan(world, text, nonce=nonce, way="in").json()
    again = scan(world, text, nonce=nonce, way="in").json()
    assert (first["admitted"], first["replayed"], first["zones"][0]["inside"]) == (True, False, 1)
    assert (again["admitted"], again["replayed"]) == (True, True)
    refused = scan(world, text, way="in").json()
    assert (refused["admitted"], refused["reason"], refused["may_override"]) == (False, "already_used", True)
    assert refused["earlier"]["gate"] == "North"
    last = call(world, "GET", "/attempts").json()["data"]
    assert [one["reason"] for one in last] == ["already_used", "ok"]


def test_the_holder_is_shown_only_where_the_program_says_so(tenant: Tenant) -> None:
    shown, hidden = gate_world(tenant, show_holder=True), gate_world(tenant)
    for world, expected in ((shown, {"name": "Ada", "plate": "B AL 1815"}), (hidden, {})):
        ((_, text),) = world.issue_rows(holder={"name": "Ada", "plate": "b al 1815"})
        assert scan(world, text).json()["found"]["holder"] == expected


def test_a_steward_may_not_do_what_a_supervisor_may(world: GateWorld) -> None:
    (text,) = world.issue()
    admitted = scan(world, text, way="in").json()
    correction = {"zone_id": world.zone.pk, "inside": 4, "note": "Counted heads"}
    undo = f"/attempts/{admitted['attempt_id']}/undo"
    for method, path, body in (
        ("POST", "/corrections", correction),
        ("POST", undo, None),
    ):
        assert call(world, method, path, body).status_code == 403
    assert scan(world, text, way="in", override="A friend").status_code == 403
    assert call(world, "POST", undo, device="Boss").json()["undone"] is True
    zones = call(world, "POST", "/corrections", correction, device="Boss").json()["zones"]
    assert zones[0]["inside"] == 4
    world.check_ledger()


def test_counts_and_levels(world: GateWorld) -> None:
    levels = []
    for _ in range(10):
        body = {"gate_id": world.gate.pk, "delta": 1, "nonce": str(uuid.uuid4())}
        levels.append(call(world, "POST", "/counts", body).json()["zones"][0]["level"])
    assert levels == ["ok"] * 8 + ["warning", "full"]
    body = {"gate_id": world.gate.pk, "delta": 1, "nonce": str(uuid.uuid4())}
    refused = call(world, "POST", "/counts", body)
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "Venue has room for 10, and 10 are inside.",
    )


def test_saying_hello_tells_the_battery(tenant: Tenant, world: GateWorld) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Device

    with workspace_scope(world.workspace_id):
        Device.objects.all().update(seen_at=timezone.now() - timedelta(minutes=1))
    assert call(world, "POST", "/seen", {"battery": 41}).json()["zones"][0]["name"] == "Venue"
    assert call(world, "POST", "/seen", {"battery": 141}).status_code == 422
    with workspace_scope(world.workspace_id):
        assert Device.objects.get(name="Phone").battery == 41


def test_a_hello_is_answered_with_all_gates(tenant: Tenant, world: GateWorld) -> None:
    from control_plane.passes import programs, room

    own = {"workspace_id": tenant.workspace_id, "program_id": world.program.pk}
    programs.create_gate(zone_id=world.gate.zone_id, name="Back", **own)
    (text,) = world.issue()

    def gates() -> list[tuple[Any, ...]]:
        room._gates_kept.clear()
        found = call(world, "POST", "/seen", {}).json()["gates"]
        return [(one["name"], one["is_open"], one["came"], one["left"]) for one in found]

    assert gates() == [("Back", True, 0, 0), ("North", True, 0, 0)]
    assert scan(world, text).json()["admitted"]
    assert not scan(world, text, way="in").json()["admitted"]
    for delta in (1, 1, -1):
        body = {"gate_id": world.gate.pk, "delta": delta, "nonce": str(uuid.uuid4())}
        assert call(world, "POST", "/counts", body).status_code == 200
    # Refusals are nobody; who was counted by hand is somebody.
    assert gates() == [("Back", True, 0, 0), ("North", True, 3, 1)]
    # The same for all phones, for a moment.
    assert scan(world, text, way="out").json()["admitted"]
    assert call(world, "POST", "/seen", {}).json()["gates"][1]["left"] == 1
    assert gates()[1] == ("North", True, 3, 2)


def test_a_device_reaches_nothing_but_its_gates(world: GateWorld, tenant: Tenant) -> None:
    other = gate_world(tenant)
    (text,) = world.issue()
    foreign = scan(world, text, gate_id=other.gate.pk)
    assert (foreign.status_code, foreign.json()["errors"][0]["field"]) == (422, "gate_id")
    client = Client(raise_request_exception=False)
    for path in ("/api/v1/passes", "/api/v1/programs", "/api/v1/links", "/api/v1/workspace"):
        assert client.get(path, headers=world.headers()).status_code == 401
    for headers in ({}, tenant.headers, {"Authorization": "Bearer swg_x"}):
        assert client.get("/api/v1/gate", headers=headers).status_code == 401
    stranger = gate_world(new_tenant())
    attempt = scan(stranger, *stranger.issue()).json()["attempt_id"]
    assert call(world, "POST", f"/attempts/{attempt}/undo", device="Boss").status_code == 404
    elsewhere = {"zone_id": stranger.zone.pk, "inside": 0, "note": "x"}
    assert call(world, "POST", "/corrections", elsewhere, device="Boss").status_code == 404
    # Of the same workspace, but another program.
    beside = {"zone_id": other.zone.pk, "inside": 0, "note": "x"}
    assert call(world, "POST", "/corrections", beside, device="Boss").status_code == 404


def test_a_removed_device_is_refused_at_once(tenant: Tenant, world: GateWorld) -> None:
    (text,) = world.issue()
    assert call(world, "GET", "").status_code == 200
    Client().delete(
        f"/api/v1/programs/{world.program.pk}/devices/{world.device.device_id}", headers=tenant.headers
    )
    for answer in (call(world, "GET", ""), scan(world, text)):
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith("This device is not paired, or was removed.")


def change_device(world: GateWorld, tenant: Tenant, body: Any, device_id: int | None = None) -> Any:
    return Client(raise_request_exception=False).patch(
        f"/api/v1/programs/{world.program.pk}/devices/{device_id or world.device.device_id}",
        body,
        content_type="application/json",
        headers=tenant.headers,
    )


def test_a_devices_gates_are_changed_and_it_stays_paired(world: GateWorld, tenant: Tenant) -> None:
    from control_plane.passes import programs

    own = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    south = programs.create_gate(**own, zone_id=world.zone.pk, name="South", way="both")
    one, two = world.issue(2)
    assert scan(world, one, gate_id=south.pk).status_code == 422
    changed = change_device(world, tenant, {"gate_ids": [south.pk], "name": "South 1"})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["gate_ids"]) == ("South 1", [south.pk])
    assert (changed.json()["role"], changed.json()["is_paired"]) == ("steward", True)
    # At once, with the key that it has.
    assert [gate["name"] for gate in call(world, "GET", "").json()["gates"]] == ["South"]
    assert scan(world, one, gate_id=south.pk).json()["admitted"]
    refused = scan(world, two)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "gate_id")
    both = change_device(world, tenant, {"gate_ids": [world.gate.pk, south.pk, south.pk]})
    assert both.json()["gate_ids"] == sorted([world.gate.pk, south.pk])
    assert scan(world, two).json()["admitted"]


def test_a_devices_role_is_changed(world: GateWorld, tenant: Tenant) -> None:
    correction = {"zone_id": world.zone.pk, "inside": 4, "note": "Counted heads"}
    assert call(world, "POST", "/corrections", correction).status_code == 403
    assert change_device(world, tenant, {"role": "supervisor"}).json()["role"] == "supervisor"
    assert call(world, "POST", "/corrections", correction).status_code == 200
    change_device(world, tenant, {"role": "steward"})
    assert call(world, "POST", "/corrections", correction).status_code == 403
    (text,) = world.issue()
    assert scan(world, text, override="A friend").status_code == 403


def test_what_a_device_cannot_be_changed_to(world: GateWorld, tenant: Tenant) -> None:
    other = gate_world(tenant)
    stranger = gate_world(new_tenant())
    for body, field in (
        ({"gate_ids": []}, "gate_ids"),
        ({"gate_ids": [world.gate.pk, other.gate.pk]}, "gate_ids"),
        ({"gate_ids": [stranger.gate.pk]}, "gate_ids"),
        ({"name": " "}, "name"),
    ):
        refused = change_device(world, tenant, body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert [gate["name"] for gate in call(world, "GET", "").json()["gates"]] == ["North"]
    for device in (other.device, stranger.device):
        assert change_device(world, tenant, {"name": "x"}, device.device_id).status_code == 404
    Client().delete(
        f"/api/v1/programs/{world.program.pk}/devices/{world.device.device_id}", headers=tenant.headers
    )
    assert change_device(world, tenant, {"name": "Back again"}).status_code == 404


def test_another_process_that_remembers_old_gates_says_so_and_unpairs_nobody(world: GateWorld) -> None:
    """It has the key's holder in memory still; the redemption itself asks PostgreSQL."""
    from control_plane.passes import devices
    from control_plane.passes.errors import DeviceRefused, Invalid

    south = world.add_gate("South", way="both")
    remembered = world.device
    own = {"workspace_id": world.workspace_id, "device_id": world.device.device_id}
    devices.update_device(**own, gate_ids=[south.pk])
    (text,) = world.issue()
    with pytest.raises(Invalid, match="may not be used at this gate"):
        world.scan(text, device=remembered)
    assert world.scan(text, gate=south, device=remembered).admitted
    devices.revoke_device(**own)
    with pytest.raises(DeviceRefused):
        world.scan(text, gate=south, device=remembered)
