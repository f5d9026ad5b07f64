"""What a gate answers, and what it leaves in the database: every reason, re-entry, zones, undo."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from gate_world import GateWorld, gate_world

from edge import token

pytestmark = pytest.mark.usefixtures("console")
NOW = datetime(2027, 6, 12, 18, 0, tzinfo=UTC)


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, way="entrance")


def test_a_pass_admits_once(world: GateWorld) -> None:
    (text,) = world.issue()
    first = world.scan(text)
    assert (first.reason, first.admitted, first.direction, first.found["uses"]) == ("ok", True, "in", 1)
    assert [(zone["name"], zone["inside"]) for zone in first.zones] == [("Venue", 1)]
    again = world.scan(text)
    assert (again.reason, again.admitted) == ("already_used", False)
    assert again.earlier["gate"] == "North"
    assert again.earlier["device"] == "Phone"
    assert world.inside() == 1
    world.check_ledger()


def test_the_same_nonce_is_the_same_scan(world: GateWorld) -> None:
    (text,), nonce = world.issue(), uuid.uuid4()
    first, again = world.scan(text, nonce=nonce), world.scan(text, nonce=nonce)
    assert (first.reason, first.replayed) == ("ok", False)
    assert (again.reason, again.replayed, again.attempt_id) == ("ok", True, first.attempt_id)
    refused = world.scan("nonsense", nonce=(other := uuid.uuid4()))
    assert world.scan("nonsense", nonce=other).attempt_id == refused.attempt_id
    assert world.inside() == 1


def test_every_flipped_byte_is_refused(world: GateWorld) -> None:
    (text,) = world.issue()
    data = token.parse(text)
    whole = data.payload + data.signature
    reasons = set()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        reasons.add(world.scan(token.compact(bytes(changed))).reason)
    assert reasons <= {"bad_signature", "unknown"}
    assert world.inside() == 0
    assert world.scan(text).admitted


@pytest.mark.parametrize(
    "text", ["", "HELLO", "https://example.com/menu", "http://192.168.1.20:8080/spring", "x" * 5_000, "\0"]
)
def test_what_is_no_pass_is_unknown(world: GateWorld, text: str) -> None:
    assert world.scan(text).reason == "unknown"


def test_passes_of_others_are_refused(world: GateWorld, tenant: Tenant) -> None:
    other_workspace = gate_world(new_tenant())
    assert world.scan(*other_workspace.issue()).reason == "bad_signature"
    other_program = gate_world(tenant)
    assert world.scan(*other_program.issue()).reason == "wrong_gate"


def test_the_window_is_the_rows_not_the_papers(world: GateWorld) -> None:
    from control_plane.passes import issuing

    row, text = world.issue_rows(valid_from=NOW, valid_until=NOW + timedelta(hours=8))[0]
    assert world.scan(text, now=NOW - timedelta(seconds=1)).reason == "not_yet_valid"
    assert world.scan(text, now=NOW + timedelta(hours=8)).reason == "expired"
    issuing.extend(
        workspace_id=world.workspace_id,
        pass_id=row.pk,
        valid_from=NOW,
        valid_until=NOW + timedelta(hours=10),
    )
    assert world.scan(text, now=NOW + timedelta(hours=9)).admitted


def test_states_of_a_pass(world: GateWorld) -> None:
    from control_plane.passes import issuing

    row, text = world.issue_rows(held=True)[0]
    assert world.scan(text).reason == "held"
    issuing.change_state(workspace_id=world.workspace_id, pass_id=row.pk, to="revoked")
    assert world.scan(text).reason == "revoked"
    assert world.scan(text, override="She is the mayor").reason == "revoked"
    issuing.change_state(workspace_id=world.workspace_id, pass_id=row.pk, to="active")
    new = issuing.replace(workspace_id=world.workspace_id, pass_id=row.pk, note="lost")
    assert world.scan(text).reason == "revoked"
    key = issuing.signing_key(world.program)
    assert world.scan(token.compact(issuing.signed(new, world.program, key))).admitted


def test_opening_hours_and_a_closed_gate(tenant: Tenant) -> None:
    from control_plane.passes import programs

    world = gate_world(
        tenant,
        time_zone="Europe/Berlin",
        opening_hours=[{"days": [5], "from": "20:00", "to": "02:00"}],
    )
    (text,) = world.issue()
    assert world.scan(text, now=NOW - timedelta(minutes=1)).reason == "closed"  # Saturday, 19:59 there
    programs.update_gate(workspace_id=world.workspace_id, gate_id=world.gate.pk, is_open=False)
    assert world.scan(text, now=NOW).reason == "closed"
    programs.update_gate(workspace_id=world.workspace_id, gate_id=world.gate.pk, is_open=True)
    programs.update_program(workspace_id=world.workspace_id, program_id=world.program.pk, state="paused")
    assert world.scan(text, now=NOW).reason == "closed"
    programs.update_program(workspace_id=world.workspace_id, program_id=world.program.pk, state="active")
    assert world.scan(text, now=NOW + timedelta(hours=5)).admitted  # Sunday, 01:00


def test_an_issuer_that_is_off_today(world: GateWorld) -> None:
    from control_plane.passes import issuers

    issuer = issuers.create_issuer(
        workspace_id=world.workspace_id, program_id=world.program.pk, name="Bakery"
    )
    (text,) = world.issue(issuer_id=issuer.pk)
    own = {"workspace_id": world.workspace_id, "issuer_id": issuer.pk}
    issuers.set_day(**own, day=NOW.date(), is_active=False)
    assert world.scan(text, now=NOW).reason == "issuer_inactive"
    issuers.set_day(**own, day=NOW.date(), is_active=None)
    issuers.update_issuer(**own, is_active=False)
    assert world.scan(text, now=NOW).reason == "issuer_inactive"
    issuers.set_day(**own, day=NOW.date(), is_active=True)
    assert world.scan(text, now=NOW).admitted


def test_a_full_zone_burns_no_ticket(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=1)
    first, second = world.issue(2)
    assert world.scan(first, way="in").admitted
    refused = world.scan(second, way="in")
    assert (refused.reason, refused.found["uses"]) == ("full", 0)
    assert world.scan(second, way="in", override="She insists").reason == "full"
    assert world.scan(first, way="out").admitted
    assert world.scan(second, way="in").admitted
    assert world.inside() == 1
    world.check_ledger()


def test_reentry_after_exit(tenant: Tenant) -> None:
    world = gate_world(tenant, reentry="after_exit")
    (text,) = world.issue()
    said = [world.scan(text, way=way).reason for way in ("in", "in", "out", "out", "in")]
    assert said == ["ok", "already_used", "ok", "not_inside", "ok"]
    assert [world.scan(text).direction for _ in range(2)] == ["out", "in"]  # a gate for both ways
    world.check_ledger()


def test_reentry_a_number_of_times_without_scanned_exits(tenant: Tenant) -> None:
    world = gate_world(tenant, reentry="count", max_uses=3, way="entrance")
    (text,) = world.issue()
    assert [world.scan(text).reason for _ in range(4)] == ["ok", "ok", "ok", "already_used"]
    assert world.inside() == 1
    world.check_ledger()


def test_reentry_once_a_day_in_the_programs_time_zone(tenant: Tenant) -> None:
    world = gate_world(tenant, reentry="daily", way="entrance", time_zone="Asia/Tokyo")
    (text,) = world.issue()
    late = datetime(2027, 6, 12, 14, 30, tzinfo=UTC)  # 23:30 in Tokyo
    assert world.scan(text, now=late).admitted
    assert world.scan(text, now=late + timedelta(minutes=29)).reason == "already_used"
    assert world.scan(text, now=late + timedelta(minutes=31)).admitted


def test_hours_from_the_first_use(tenant: Tenant) -> None:
    world = gate_world(tenant, reentry="after_exit", use_hours=2, way="both")
    (text,) = world.issue()
    assert world.scan(text, way="in", now=NOW).admitted
    assert world.scan(text, way="out", now=NOW + timedelta(hours=1)).admitted
    assert world.scan(text, way="in", now=NOW + timedelta(hours=2)).reason == "expired"


def test_zones_nest(tenant: Tenant) -> None:
    world = gate_world(tenant, reentry="none", way="both")
    hall = world.add_zone("Hall", world.zone, capacity=1)
    bar = world.add_zone("Bar", world.zone)
    door, counter = world.add_gate("Door", hall, "both"), world.add_gate("Counter", bar, "both")

    def counts() -> tuple[int, int, int]:
        return world.inside(), world.inside(hall), world.inside(bar)

    first, second = world.issue(2)
    assert world.scan(first, way="in").admitted
    assert world.scan(first, way="in", gate=door).admitted  # a move: the one use is made already
    assert counts() == (1, 1, 0)
    assert world.scan(first, way="in", gate=counter).admitted
    assert counts() == (1, 0, 1)
    assert world.scan(second, way="in", gate=door).admitted  # straight in: both are entered
    assert counts() == (2, 1, 1)
    assert world.scan(first, way="in", gate=door).reason == "full"
    assert world.scan(second, way="out", gate=door).admitted
    assert counts() == (2, 0, 1)
    assert world.scan(first, way="out").admitted  # through the outer gate, out of everything
    assert counts() == (1, 0, 0)
    assert world.scan(first, way="in").reason == "already_used"
    world.check_ledger()


def test_a_supervisor_may_admit_with_a_reason(world: GateWorld) -> None:
    from control_plane.passes.errors import NotAllowed

    (text,) = world.issue()
    assert world.scan(text).admitted
    with pytest.raises(NotAllowed):
        world.scan(text, device=world.device, override="A friend")
    said = world.scan(text, override="Left for the car without a scan")
    assert (said.reason, said.refused_as, said.found["uses"]) == ("ok", "already_used", 2)
    assert world.scan("nonsense", override="Please").reason == "unknown"
    world.check_ledger()


def test_undo_takes_an_admission_back(tenant: Tenant) -> None:
    from control_plane.passes import occupancy
    from control_plane.passes.errors import Invalid, NotAllowed

    world = gate_world(tenant, capacity=1, way="both")
    first, second = world.issue(2)
    admitted = world.scan(first, way="in")
    with pytest.raises(NotAllowed):
        occupancy.undo(device=world.device, attempt_id=admitted.attempt_id)
    refused = world.scan(second, way="in")
    with pytest.raises(Invalid, match="nothing to undo"):
        occupancy.undo(device=world.supervisor, attempt_id=refused.attempt_id)
    occupancy.undo(device=world.supervisor, attempt_id=admitted.attempt_id)
    occupancy.undo(device=world.supervisor, attempt_id=admitted.attempt_id)
    assert world.inside() == 0
    again = world.scan(first, way="in")
    assert again.admitted
    assert world.scan(first, way="out").admitted
    with pytest.raises(Invalid, match="scanned again"):
        occupancy.undo(device=world.supervisor, attempt_id=again.attempt_id)
    world.check_ledger()


def test_counts_by_hand_and_corrections(tenant: Tenant) -> None:
    from control_plane.passes import occupancy
    from control_plane.passes.errors import Invalid, NotAllowed

    world = gate_world(tenant, capacity=2)
    at: dict[str, Any] = {"device": world.device, "gate_id": world.gate.pk}
    nonce = uuid.uuid4()
    for _ in range(2):
        (zone,) = occupancy.count_by_hand(**at, delta=1, nonce=nonce)
        assert zone.inside == 1
    occupancy.count_by_hand(**at, delta=1, nonce=uuid.uuid4())
    with pytest.raises(Invalid, match="room for 2"):
        occupancy.count_by_hand(**at, delta=1, nonce=uuid.uuid4())
    (text,) = world.issue()
    assert world.scan(text, way="in").reason == "full"
    fix: dict[str, Any] = {"workspace_id": world.workspace_id, "zone_id": world.zone.pk}
    with pytest.raises(NotAllowed):
        occupancy.correct(**fix, inside=0, note="counted", device=world.device)
    with pytest.raises(Invalid, match="why"):
        occupancy.correct(**fix, inside=0, note=" ")
    with pytest.raises(Invalid, match="room for 2"):
        occupancy.correct(**fix, inside=3, note="counted")
    assert occupancy.correct(**fix, inside=0, note="counted heads", device=world.supervisor).inside == 0
    with pytest.raises(Invalid, match="Only 0"):
        occupancy.count_by_hand(**at, delta=-1, nonce=uuid.uuid4())
    assert world.scan(text, way="in").admitted
    world.check_ledger()


def test_who_stays_too_long_leaves_by_time(tenant: Tenant) -> None:
    from control_plane.passes import occupancy

    world = gate_world(tenant, reentry="after_exit", auto_exit_minutes=30)
    (text,) = world.issue()
    world.scan(text, way="in")
    later = datetime.now(UTC) + timedelta(minutes=29)
    assert occupancy.let_out_by_time(world.workspace_id, now=later) == 0
    assert occupancy.let_out_by_time(world.workspace_id, now=later + timedelta(minutes=2)) == 1
    assert world.inside() == 0
    from control_plane.passes.history import history

    row = world.scan(text, way="out").found["id"]
    lines = history(workspace_id=world.workspace_id, pass_id=row)
    assert "timed_out" in [line.what for line in lines]
    assert world.scan(text, way="in").admitted
    world.check_ledger()


def test_a_device_that_was_removed_redeems_nothing_at_once(world: GateWorld) -> None:
    from control_plane.passes import devices
    from control_plane.passes.errors import DeviceRefused

    (text,) = world.issue()
    devices.revoke_device(workspace_id=world.workspace_id, device_id=world.device.device_id)
    with pytest.raises(DeviceRefused):
        world.scan(text)
    assert world.scan(text, device=world.supervisor).admitted


def test_a_revoked_key_is_dead_and_a_rotated_one_is_not(world: GateWorld) -> None:
    from control_plane.passes import keyring
    from edge.token import Algorithm

    first, second = world.issue(2)
    old = token.parse(first).claims.key
    own = {"workspace_id": world.workspace_id}
    keyring.rotate(**own, algorithm=Algorithm.ED25519)
    (new,) = world.issue()
    assert token.parse(new).claims.key != old
    keyring._kept.clear()  # as five seconds later
    assert world.scan(first).admitted
    assert world.scan(new).admitted
    keyring.revoke(**own, number=old)
    keyring._kept.clear()
    assert world.scan(second).reason == "revoked"
