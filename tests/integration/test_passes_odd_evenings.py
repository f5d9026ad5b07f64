"""What does not go by the book at gates: counts that were corrected, guests of another program, people who
were gone already, names that cannot be read."""

import json
import uuid
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from console_stack import Tenant
from django.test import Client
from django.utils import timezone
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


def correct(world: GateWorld, inside: int) -> None:
    from control_plane.passes import occupancy

    occupancy.correct(
        workspace_id=world.workspace_id, zone_id=world.zone.pk, inside=inside, note="Counted heads"
    )


def the_pass(world: GateWorld, text: str) -> Any:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass
    from edge import token

    with workspace_scope(world.workspace_id):
        return Pass.objects.get(uid=token.parse(text).claims.pass_id)


def test_who_is_not_counted_any_more_still_gets_out(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=10, reentry="after_exit")
    texts = world.issue(3)
    for text in texts:
        assert world.scan(text, way="in").admitted
    correct(world, 1)
    assert [world.scan(text, way="out").reason for text in texts] == ["ok"] * 3
    assert world.inside() == 0
    assert world.scan(texts[0], way="in").admitted
    assert world.inside() == 1
    world.check_ledger()


def test_a_new_day_begins_after_the_count_was_corrected(tenant: Tenant) -> None:
    """Exits are not scanned: in the evening somebody sets the count to 0."""
    world = gate_world(tenant, way="entrance", reentry="daily")
    (text,) = world.issue()
    assert world.scan(text).admitted
    correct(world, 0)
    assert world.scan(text, now=timezone.now() + timedelta(days=1)).admitted
    assert world.inside() == 1
    world.check_ledger()


def test_a_journal_with_exits_of_people_who_were_corrected_away(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=10, reentry="after_exit")
    texts = world.issue(2)
    for text in texts:
        assert world.scan(text, way="in").admitted
    correct(world, 0)
    answer = Client(raise_request_exception=False).post(
        "/api/v1/gate/journal",
        {
            "now": timezone.now().isoformat(),
            "entries": [
                {
                    "nonce": str(uuid.uuid4()), "gate_id": world.gate.pk, "text": text, "way": "out",
                    "at": timezone.now().isoformat(), "admitted": True,
                }
                for text in texts
            ],
        },
        content_type="application/json",
        headers=world.headers(),
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    assert [one["state"] for one in answer.json()["data"]] == ["ok", "ok"]
    world.check_ledger()


def test_a_guest_of_another_program_gets_out_again(tenant: Tenant) -> None:
    world, other = gate_world(tenant, reentry="after_exit"), gate_world(tenant)
    (text,) = other.issue()
    assert world.scan(text, way="in").reason == "wrong_gate"
    assert world.scan(text, way="out").reason == "wrong_gate"
    let_in = world.scan(text, way="in", device=world.supervisor, override="The band")
    assert let_in.admitted
    assert world.inside() == 1
    out = world.scan(text, way="auto")
    assert (out.reason, out.direction) == ("ok", "out")
    assert world.inside() == 0
    world.check_ledger()


def test_undo_of_somebody_who_left_by_time_counts_nobody_out_again(tenant: Tenant) -> None:
    from control_plane.passes import occupancy

    world = gate_world(tenant, reentry="none", auto_exit_minutes=30)
    first, second = world.issue(2)
    admitted = world.scan(first, way="in")
    later = datetime.now(UTC) + timedelta(minutes=31)
    assert occupancy.let_out_by_time(world.workspace_id, now=later) == 1
    assert world.scan(second, way="in").admitted
    occupancy.undo(device=world.supervisor, attempt_id=admitted.attempt_id)
    assert world.inside() == 1
    assert the_pass(world, first).uses == 0
    world.check_ledger()


def test_more_than_a_handful_leave_by_time(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from control_plane.passes import occupancy

    monkeypatch.setattr(occupancy, "LET_OUT_AT_ONCE", 3)
    world = gate_world(tenant, reentry="none", auto_exit_minutes=30)
    for text in world.issue(7):
        assert world.scan(text, way="in").admitted
    later = datetime.now(UTC) + timedelta(minutes=31)
    assert occupancy.let_out_by_time(world.workspace_id, now=later) == 7
    assert world.inside() == 0
    world.check_ledger()


def test_undo_gives_a_pass_its_time_back(tenant: Tenant) -> None:
    from control_plane.passes import issuing, occupancy

    world = gate_world(tenant, reentry="after_exit", use_hours=2)
    until = timezone.now().replace(microsecond=0) + timedelta(days=3)
    (text,) = world.issue(valid_until=until)
    used = world.scan(text, way="in")
    assert the_pass(world, text).valid_until < until
    occupancy.undo(device=world.supervisor, attempt_id=used.attempt_id)
    assert the_pass(world, text).valid_until == until
    # What the organiser gave since stays.
    used = world.scan(text, way="in")
    longer = until + timedelta(days=1)
    issuing.extend(
        workspace_id=world.workspace_id, pass_id=the_pass(world, text).pk, valid_from=None, valid_until=longer
    )
    occupancy.undo(device=world.supervisor, attempt_id=used.attempt_id)
    assert the_pass(world, text).valid_until == longer


def test_a_supervisor_admits_hours_before_a_pass_begins(tenant: Tenant) -> None:
    world = gate_world(tenant, use_hours=1)
    start = timezone.now().replace(microsecond=0) + timedelta(hours=3)
    (text,) = world.issue(valid_from=start)
    assert world.scan(text, way="in").reason == "not_yet_valid"
    assert world.scan(text, way="in", device=world.supervisor, override="Came early").admitted
    assert the_pass(world, text).valid_until == start + timedelta(hours=1)


def test_a_phone_that_comes_back_after_its_term_loses_no_places(tenant: Tenant) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import leases
    from control_plane.passes.models import Lease, Zone

    world = gate_world(tenant, capacity=40)
    leases.renew(device=world.device)
    later = timezone.now() + leases.TERM + leases.SLACK + timedelta(minutes=1)
    for _ in range(3):
        held = leases.renew(device=world.device, now=later).places[world.zone.pk]
        with workspace_scope(world.workspace_id):
            assert Zone.objects.get(id=world.zone.pk).leased == held
            assert Lease.objects.get(device_id=world.device.device_id).places == held
        later += leases.TERM + leases.SLACK + timedelta(minutes=1)


def test_a_removed_phone_is_lent_nothing(tenant: Tenant) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import devices, leases
    from control_plane.passes.errors import DeviceRefused
    from control_plane.passes.models import Zone

    world = gate_world(tenant, capacity=40)
    devices.revoke_device(workspace_id=world.workspace_id, device_id=world.device.device_id)
    with pytest.raises(DeviceRefused):
        leases.renew(device=world.device)
    with workspace_scope(world.workspace_id):
        leases.give(device=world.device, freed={world.zone.pk: 5})
        assert Zone.objects.get(id=world.zone.pk).leased == 0


def test_a_name_that_cannot_be_read_keeps_nobody_waiting(tenant: Tenant) -> None:
    """Encrypted under another SCANWAY_SECRET_KEY."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass

    world = gate_world(tenant, show_holder=True)
    ((row, text),) = world.issue_rows(holder={"name": "Ada"})
    with workspace_scope(world.workspace_id):
        Pass.objects.filter(id=row.pk).update(holder=b"\x01" + bytes(40))
    verdict = world.scan(text, way="in")
    assert verdict.admitted
    assert verdict.found["holder"] == {}


def test_a_fault_ends_no_thread_that_others_wait_for(tenant: Tenant) -> None:
    from control_plane.passes.batches import THREADS, Batches
    from control_plane.passes.redeem import read

    def broken() -> Any:
        raise RuntimeError("A fault of ours.")

    world = gate_world(tenant)
    batches = Batches()
    faults = [batches.submit(broken) for _ in range(2 * THREADS)]
    (text,) = world.issue()
    good = batches.submit(
        partial(read, device=world.device, gate_id=world.gate.pk, text=text, nonce=uuid.uuid4(), way="in")
    )
    assert not wait([*faults, good], timeout=30).not_done
    assert good.result().admitted
    assert all(isinstance(one.exception(), RuntimeError) for one in faults)


def test_a_key_that_may_only_read_sees_no_code(tenant: Tenant) -> None:
    from control_plane.accounts.keys import create_key

    world = gate_world(tenant)
    ((row, _),) = world.issue_rows()
    reader = create_key(workspace_id=tenant.workspace_id, name="Dashboard", scopes=["passes:read"])
    headers = {"Authorization": f"Bearer {reader.secret}"}

    def get(path: str, **more: Any) -> Any:
        return Client(raise_request_exception=False).get(f"/api/v1{path}", **more)

    assert get(f"/passes/{row.pk}", headers=tenant.headers).json()["text"]
    assert get(f"/passes/{row.pk}", headers=headers).json()["text"] is None
    assert get("/passes", headers=headers).json()["data"][0]["text"] is None
    for path in ("links", "qr.svg", "qr.png"):
        assert get(f"/passes/{row.pk}/{path}", headers=headers).status_code == 403
    sheet = f"/programs/{world.program.pk}/passes/sheet?numbers=1"
    assert get(sheet, headers=headers).status_code == 403


def test_a_visitors_car_leaves_by_the_plate_that_it_came_with(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=10)

    def read(plate: str, **more: Any) -> Any:
        body = {"gate_id": world.gate.pk, "plate": plate, "nonce": str(uuid.uuid4())} | more
        return Client(raise_request_exception=False).post(
            "/api/v1/gate/plates", json.dumps(body), content_type="application/json", headers=world.headers()
        ).json()  # fmt: skip

    ways = [read("M XY 7")["direction"], read("K OK 1")["direction"], read("m-xy7")["direction"]]
    assert ways == ["in", "in", "out"]
    assert read("M XY 7")["direction"] == "in"
    assert world.inside() == 2
    # A device does not say what time it is: yesterday's pass stays yesterday's.
    world.issue_rows(holder={"plate": "B OLD 1"}, valid_until=timezone.now() - timedelta(hours=1))
    old = read("B OLD 1", at=(timezone.now() - timedelta(hours=3)).isoformat())
    assert (old["admitted"], old["reason"]) == (False, "expired")
