"""What devices decided while they were offline, as PostgreSQL writes it down: what happened stays, counts
stay within the capacity, and what should not have been is a conflict."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from console_stack import Tenant
from django.utils import timezone
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


def kept(world: GateWorld, text: str, *, ago: float = 10, device: Any = None, **more: Any) -> Any:
    """A scan that a device kept while it was offline, told `ago` minutes later."""
    from control_plane.passes.redeem import read, redeem_all

    given: dict[str, Any] = {"gate_id": world.gate.pk, "nonce": uuid.uuid4(), "way": "in", **more}
    at = timezone.now() - timedelta(minutes=ago)
    (verdict,) = redeem_all([read(device=device or world.device, text=text, now=at, offline=True, **given)])
    return verdict


def row(world: GateWorld, verdict: Any) -> Any:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Attempt

    with workspace_scope(world.workspace_id):
        return Attempt.objects.select_related("of").get(id=verdict.attempt_id)


def lend(world: GateWorld, places: int) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Lease, Zone

    with workspace_scope(world.workspace_id):
        Lease(device_id=world.device.device_id, zone=world.zone, places=places).save()
        Zone.objects.filter(id=world.zone.pk).update(leased=places)


def places(world: GateWorld) -> tuple[int, int]:
    """Inside, and still lent."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Lease, Zone

    with workspace_scope(world.workspace_id):
        zone = Zone.objects.get(id=world.zone.pk)
        assert zone.leased == sum(lease.places for lease in Lease.objects.filter(zone=zone))
    return zone.inside, zone.leased


def test_it_is_written_down_at_its_own_time_and_takes_a_lent_place(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=3)
    text, other = world.issue(2)
    lend(world, 2)
    assert world.scan(other, way="in").reason == "ok"
    # One inside and two lent: full for whoever is online, and not for the device with the places.
    assert world.scan(text, way="in").reason == "full"
    verdict = kept(world, text)
    assert (verdict.reason, verdict.admitted) == ("ok", True)
    assert places(world) == (2, 1)
    attempt = row(world, verdict)
    assert attempt.offline and not attempt.conflict
    assert timedelta(minutes=9) < attempt.received_at - attempt.at < timedelta(minutes=11)
    assert attempt.of.last_used_at == attempt.at
    world.check_ledger()


def test_the_same_nonce_again_changes_nothing(tenant: Tenant) -> None:
    world = gate_world(tenant)
    (text,) = world.issue()
    nonce = uuid.uuid4()
    first, again = kept(world, text, nonce=nonce), kept(world, text, nonce=nonce)
    assert (first.attempt_id, again.replayed) == (again.attempt_id, True)
    # Its reply was lost, so the device kept it too: what it was told stays.
    assert world.scan(text, nonce=nonce).attempt_id == first.attempt_id
    assert world.inside() == 1


def test_two_devices_that_admitted_one_pass_are_a_conflict_of_two_people(tenant: Tenant) -> None:
    world = gate_world(tenant)
    (text,) = world.issue()
    kept(world, text, ago=20)
    second = kept(world, text, device=world.supervisor)
    assert (second.reason, second.refused_as) == ("ok", "already_used")
    assert second.earlier["device"] == "Phone"
    assert row(world, second).conflict
    assert world.inside() == 2
    world.check_ledger()


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"state": "revoked"}, "revoked"), ({"state": "held"}, "held"), ({"valid_until": -30}, "expired")],
)
def test_what_the_device_did_not_know_is_a_conflict(tenant: Tenant, settings: Any, why: str) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass

    world = gate_world(tenant)
    ((one, text),) = world.issue_rows()
    if "valid_until" in settings:
        settings = {"valid_until": timezone.now() + timedelta(minutes=settings["valid_until"])}
    with workspace_scope(tenant.workspace_id):
        Pass.objects.filter(id=one.pk).update(**settings)
    verdict = kept(world, text)
    assert (verdict.reason, verdict.refused_as) == ("ok", why)
    assert row(world, verdict).conflict
    assert world.inside() == 1


def test_a_supervisor_who_knew_is_no_conflict(tenant: Tenant) -> None:
    world = gate_world(tenant)
    (text,) = world.issue()
    world.scan(text, way="in")
    verdict = kept(world, text, device=world.supervisor, override="Came back for the jacket")
    assert (verdict.reason, verdict.refused_as) == ("ok", "already_used")
    assert not row(world, verdict).conflict


def test_beyond_the_capacity_it_is_a_conflict_that_is_not_counted(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=1)
    text, other = world.issue(2)
    assert world.scan(other, way="in").reason == "ok"
    verdict = kept(world, text)
    assert (verdict.reason, verdict.refused_as) == ("ok", "full")
    attempt = row(world, verdict)
    assert attempt.conflict and attempt.of.uses == 1
    assert attempt.of.inside_zone_id is None
    assert places(world) == (1, 0)
    world.check_ledger()


def test_who_has_left_already_is_not_counted_inside_again(tenant: Tenant) -> None:
    """One device kept the entry, another one the exit; the exit arrives first."""
    world = gate_world(tenant)
    (text,) = world.issue()
    left = kept(world, text, ago=5, way="out", device=world.supervisor)
    assert (left.reason, row(world, left).conflict) == ("not_inside", True)
    came = kept(world, text, ago=50)
    assert came.reason == "ok"
    assert row(world, came).of.uses == 1
    assert world.inside() == 0
    world.check_ledger()


def test_what_the_device_refused_is_written_down_as_that(tenant: Tenant) -> None:
    from control_plane.passes.reason import Reason

    world = gate_world(tenant)
    (text,) = world.issue()
    verdict = kept(world, text, refused=Reason.FULL)
    assert (verdict.reason, verdict.admitted) == ("full", False)
    attempt = row(world, verdict)
    assert attempt.of.uses == 0 and not attempt.conflict
    assert world.inside() == 0


def test_no_word_of_a_device_makes_a_forged_pass_genuine(tenant: Tenant) -> None:
    world = gate_world(tenant)
    (text,) = world.issue()
    forged = text[:-2] + ("0" if text[-2] != "0" else "1") + text[-1]
    verdict = kept(world, forged)
    assert verdict.reason == "bad_signature"
    assert row(world, verdict).of is None
    assert world.inside() == 0


def test_a_removed_device_tells_what_was_before_and_nothing_after(tenant: Tenant) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.errors import DeviceRefused
    from control_plane.passes.models import Device

    world = gate_world(tenant)
    before, after = world.issue(2)
    with workspace_scope(tenant.workspace_id):
        Device.objects.filter(id=world.device.device_id).update(
            revoked_at=timezone.now() - timedelta(minutes=15)
        )
    verdict = kept(world, before, ago=20)
    assert verdict.reason == "ok"
    assert row(world, verdict).conflict
    with pytest.raises(DeviceRefused):
        kept(world, after, ago=5)
    with pytest.raises(DeviceRefused):
        world.scan(after)
    assert world.inside() == 1


def test_a_gate_that_was_taken_from_it_meanwhile(tenant: Tenant) -> None:
    from control_plane.passes import devices
    from control_plane.passes.errors import DeviceRefused, Invalid

    world, other = gate_world(tenant), gate_world(tenant)
    text, later = world.issue(2)
    south = world.add_gate("South")
    devices.update_device(
        workspace_id=tenant.workspace_id, device_id=world.device.device_id, gate_ids=[south.pk]
    )
    assert kept(world, text).reason == "ok"
    with pytest.raises((DeviceRefused, Invalid)):
        world.scan(later)
    # A gate of another program never was its own.
    with pytest.raises((DeviceRefused, Invalid)):
        kept(world, later, gate_id=other.gate.pk)
    assert (world.inside(), other.inside()) == (1, 0)


@pytest.mark.parametrize("refused", [False, True])
def test_an_old_picture_that_a_device_could_not_tell(tenant: Tenant, refused: bool) -> None:
    from control_plane.passes.reason import Reason

    world = gate_world(tenant, rotating=True)
    (text,) = world.issue()
    verdict = kept(world, text, refused=Reason.FULL if refused else None)
    if refused:
        assert (verdict.reason, world.inside()) == ("full", 0)
        return
    assert (verdict.reason, verdict.refused_as) == ("ok", "stale")
    assert row(world, verdict).conflict
    assert world.inside() == 1
