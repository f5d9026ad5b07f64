"""Cars that are known by their plate: whose pass comes and goes, who is only counted, and what is kept."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from django.test import Client
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")
NOW = datetime(2027, 6, 12, 18, 0, tzinfo=UTC)


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=10, reentry="after_exit", time_zone="Europe/Berlin")


def read(world: GateWorld, plate: str, **more: Any) -> Any:
    from control_plane.passes import plates

    given = {"device": world.device, "gate_id": world.gate.pk, "nonce": uuid.uuid4(), "now": NOW} | more
    return plates.read(plate=plate, **given)


def car(world: GateWorld, plate: str, **settings: Any) -> Any:
    """Its pass."""
    return world.issue_rows(holder={"name": "Ada", "plate": plate}, **settings)[0][0]


def kept(world: GateWorld) -> list[Any]:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import PlateReading

    with workspace_scope(world.workspace_id):
        return list(PlateReading.objects.filter(program=world.program).order_by("id"))


def attempts(world: GateWorld) -> list[tuple[str, str]]:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Attempt

    with workspace_scope(world.workspace_id):
        return list(Attempt.objects.order_by("id").values_list("direction", "reason"))


def test_a_plate_stands_for_its_pass(world: GateWorld) -> None:
    row = car(world, "B-AL 1815")
    came = read(world, "b al-1815")
    assert (came.admitted, came.direction, came.number, came.sentence) == (
        True,
        "in",
        row.number,
        "Admitted.",
    )
    assert world.inside() == 1
    left = read(world, "BAL1815")
    assert (left.admitted, left.direction, left.number, left.sentence) == (True, "out", row.number, "Left.")
    assert world.inside() == 0
    assert attempts(world) == [("in", "ok"), ("out", "ok")]
    world.check_ledger()


def test_a_plate_without_a_pass_is_counted(world: GateWorld) -> None:
    came = read(world, "M XY 99")
    assert (came.admitted, came.direction, came.number) == (True, "in", None)
    assert came.sentence == "Counted in. No pass has this plate."
    assert came.zones[0]["inside"] == world.inside() == 1
    assert read(world, "M XY 99", direction="out").sentence == "Counted out. No pass has this plate."
    assert world.inside() == 0
    assert attempts(world) == []
    world.check_ledger()


def test_a_pass_that_is_refused_is_not_counted(world: GateWorld) -> None:
    from control_plane.passes import issuing

    row = car(world, "B AL 1815")
    issuing.change_state(workspace_id=world.workspace_id, pass_id=row.pk, to="revoked")
    refused = read(world, "B AL 1815")
    assert (refused.admitted, refused.reason, refused.number) == (False, "revoked", row.number)
    assert world.inside() == 0
    # Out goes who is inside, and nobody else by this pass.
    assert len(kept(world)) == 1


def test_a_name_is_no_plate(world: GateWorld) -> None:
    world.issue_rows(holder={"name": "Bal1815", "plate": "M XY 99"})
    assert read(world, "BAL1815").number is None


def test_passes_of_other_programs_are_not_looked_at(world: GateWorld, tenant: Tenant) -> None:
    for other in (gate_world(tenant), gate_world(new_tenant())):
        car(other, "B AL 1815")
    assert read(world, "B AL 1815").number is None


def test_of_two_passes_the_valid_one_enters_and_the_one_inside_leaves(world: GateWorld) -> None:
    car(world, "B AL 1815", valid_until=NOW - timedelta(days=1))
    summer = car(world, "B AL 1815", valid_from=NOW - timedelta(days=1))
    car(world, "B AL 1815", valid_from=NOW + timedelta(days=60))
    assert read(world, "B AL 1815").number == summer.number
    assert read(world, "B AL 1815").number == summer.number  # out
    assert world.inside() == 0
    # Where none is valid, the last one says why not.
    car(world, "M XY 99", valid_until=NOW - timedelta(days=1))
    last = car(world, "M XY 99", valid_until=NOW - timedelta(hours=1))
    refused = read(world, "M XY 99")
    assert (refused.admitted, refused.reason, refused.number) == (False, "expired", last.number)


def test_two_valid_passes_with_one_plate_are_nobodys(world: GateWorld) -> None:
    one, two = car(world, "B AL 1815"), car(world, "B AL 1815")
    came = read(world, "B AL 1815")
    assert came.number is None
    assert came.sentence == "Counted in. Several passes have this plate, so none of them was used."
    # The second one comes by its code: then only the first is outside.
    assert world.scan(_text(world, two), way="in", now=NOW).admitted
    assert read(world, "B AL 1815", direction="in").number == one.number
    assert world.inside() == 3
    left = read(world, "B AL 1815", direction="out")
    assert (left.number, left.sentence) == (
        None,
        "Counted out. Several passes have this plate, so none of them was used.",
    )
    world.check_ledger()


def _text(world: GateWorld, row: Any) -> str:
    from control_plane.passes import issuing
    from edge import token

    return token.compact(issuing.signed(row, world.program, issuing.signing_key(world.program)))


def test_a_plate_whose_pass_is_outside_leaves_as_somebody_without_one(world: GateWorld) -> None:
    car(world, "B AL 1815")
    read(world, "X 1")
    left = read(world, "B AL 1815", direction="out")
    assert (left.number, left.sentence) == (None, "Counted out. The pass with this plate is not inside.")
    assert world.inside() == 0


def test_a_gate_that_is_an_exit_lets_out_whatever_is_said(world: GateWorld) -> None:
    car(world, "B AL 1815")
    exit_gate = world.add_gate("Exit", way="exit")
    read(world, "B AL 1815", direction="in")
    left = read(world, "B AL 1815", direction="in", gate_id=exit_gate.pk)
    assert (left.direction, left.admitted, world.inside()) == ("out", True, 0)


@pytest.mark.parametrize("plate", ["B AL 1815", "M XY 99"])
def test_a_retry_counts_once(world: GateWorld, plate: str) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import PlateReading

    car(world, "B AL 1815")
    nonce = uuid.uuid4()
    first = read(world, plate, nonce=nonce)
    again = read(world, plate, nonce=nonce)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.direction, again.number, world.inside()) == ("in", first.number, 1)
    assert len(kept(world)) == 1
    # After its day the plate is gone, and the nonce is still known.
    with workspace_scope(world.workspace_id):
        PlateReading.objects.all().delete()
    assert read(world, plate, nonce=nonce).replayed
    # Somebody was given the plate meanwhile.
    if first.number is None:
        car(world, plate)
        assert read(world, plate, nonce=nonce).number is None
    assert world.inside() == 1
    world.check_ledger()


def test_many_retries_at_once_count_once(world: GateWorld) -> None:
    from django.db import connection

    car(world, "B AL 1815")
    nonces = {"B AL 1815": uuid.uuid4(), "M XY 99": uuid.uuid4()}
    failed = []

    def work() -> None:
        try:
            for plate, nonce in nonces.items():
                read(world, plate, nonce=nonce)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (world.inside(), len(kept(world))) == (2, 2)
    world.check_ledger()


def at_once(world: GateWorld, plate: str) -> list[str]:
    """Two gates read the plate of one car at the same moment. Returns which way each took it to go."""
    from django.db import connection

    def work(_: int) -> str:
        try:
            return str(read(world, plate).direction)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(work, range(2)))


def test_who_is_read_twice_at_once_came_and_went(world: GateWorld) -> None:
    for number in range(10):
        car(world, f"B AL {number}")
        assert at_once(world, f"B AL {number}") == ["in", "out"]
        assert at_once(world, f"M XY {number}") == ["in", "out"]
    assert world.inside() == 0
    world.check_ledger()


def test_without_the_programs_lock_both_come_in(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: both read who is inside before either is counted."""
    from control_plane.passes import occupancy, plates

    read_by_both, found = threading.Barrier(2), plates._passes

    def meet(*given: Any) -> Any:
        passes = found(*given)
        read_by_both.wait(20)
        return passes

    monkeypatch.setattr(plates, "_passes", meet)
    monkeypatch.setattr(occupancy, "lock_program", lambda program_id: None)
    car(world, "B AL 1815")
    assert at_once(world, "B AL 1815") == ["in", "in"]
    assert at_once(world, "M XY 99") == ["in", "in"]


def test_a_full_car_park_and_an_empty_one_say_so(tenant: Tenant) -> None:
    from control_plane.passes.errors import Invalid

    world = gate_world(tenant, capacity=1)
    row = car(world, "B AL 1815")
    with pytest.raises(Invalid, match="Only 0 are counted inside Venue"):
        read(world, "X 1", direction="out")
    read(world, "X 1")
    with pytest.raises(Invalid, match="Venue has room for 1, and 1 are inside"):
        read(world, "X 2", direction="in")
    full = read(world, "B AL 1815", direction="in")
    assert (full.admitted, full.reason, full.number) == (False, "full", row.number)
    assert len(kept(world)) == 2


@pytest.mark.parametrize("plate", ["", "-", "A", "  ", "A" * 21, "x" * 5000, "B\nAL", "B\0AL", "\ud800AB"])
def test_what_is_no_plate(world: GateWorld, plate: str) -> None:
    from control_plane.passes.errors import Invalid

    with pytest.raises(Invalid, match="2 to 20 of them") as refused:
        read(world, plate)
    assert refused.value.field == "plate"
    assert kept(world) == []


def test_times_of_a_camera(world: GateWorld) -> None:
    from control_plane.passes.errors import Invalid

    for at in (NOW - timedelta(hours=25), NOW + timedelta(minutes=3)):
        with pytest.raises(Invalid, match="Set the clock of this device"):
            read(world, "X 1", at=at)
    read(world, "X 1", at=NOW - timedelta(hours=23))
    assert kept(world)[0].at == NOW - timedelta(hours=23)


def test_a_plate_is_gone_after_its_day_unless_the_program_keeps_it(world: GateWorld, tenant: Tenant) -> None:
    from control_plane.passes import plates, programs

    keeping = gate_world(tenant, keep_plates=True, time_zone="Europe/Berlin")
    midnight = datetime(2027, 6, 12, 22, 0, tzinfo=UTC)  # in Berlin
    for one in (world, keeping):
        for minutes in (-2, 2):
            at = midnight + timedelta(minutes=minutes)
            read(one, "B AL 1815", now=at, direction="in")
    own = world.workspace_id
    assert plates.forget_old(own, now=midnight - timedelta(seconds=1)) == 0
    assert plates.forget_old(own, now=midnight + timedelta(minutes=5)) == 1
    assert [row.at for row in kept(world)] == [midnight + timedelta(minutes=2)]
    assert plates.forget_old(own, now=midnight + timedelta(days=1)) == 1
    assert (len(kept(world)), len(kept(keeping))) == (0, 2)
    # The program no longer keeps them: what it has goes as well.
    programs.update_program(workspace_id=own, program_id=keeping.program.pk, keep_plates=False)
    assert plates.forget_old(own, now=midnight + timedelta(days=1)) == 2
    assert keeping.inside() == 2


def test_the_worker_deletes_what_is_old(world: GateWorld) -> None:
    from django.utils import timezone

    from control_plane.passes import tasks

    now = timezone.now()
    read(world, "X 1", now=now - timedelta(days=1))
    read(world, "X 2", now=now)
    tasks.forget_plates(0)
    assert [row.at for row in kept(world)] == [now]


def test_plates_are_encrypted_and_shown_only_where_they_are_kept(world: GateWorld) -> None:
    from django.db import connection

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import plates, programs

    read(world, "b-al 1815")
    read(world, "M XY 99", direction="in")
    read(world, "M XY 99", direction="out", at=NOW - timedelta(hours=1))
    with workspace_scope(world.workspace_id), connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM passes_platereading r")
        rows = "".join(row for (row,) in cursor.fetchall())
    for shape in ("b-al 1815", "B-AL 1815", "bal1815", "BAL1815"):
        assert shape not in rows
        assert shape.encode().hex() not in rows
    day = NOW.date()
    assert plates.seen(world.program, day) == []
    counted = [(one.at.hour, one.entries, one.exits) for one in plates.hours(world.program, day)]
    assert counted == [(19, 0, 1), (20, 2, 0)]  # in Berlin
    changed = programs.update_program(
        workspace_id=world.workspace_id, program_id=world.program.pk, keep_plates=True
    )
    assert [(one.plate, one.direction, one.gate) for one in plates.seen(changed, day)] == [
        ("M XY 99", "in", "North"), ("B-AL 1815", "in", "North"), ("M XY 99", "out", "North"),
    ]  # fmt: skip
    assert plates.seen(changed, day - timedelta(days=1)) == []


def post(world: GateWorld, body: Any, headers: Any = None) -> Any:
    return Client(raise_request_exception=False).post(
        "/api/v1/gate/plates",
        json.dumps(body),
        content_type="application/json",
        headers=headers or world.headers(),
    )


def test_a_camera_posts_plates(world: GateWorld, tenant: Tenant) -> None:
    row = car(world, "B AL 1815")
    body = {"gate_id": world.gate.pk, "plate": "B-AL-1815", "nonce": str(uuid.uuid4())}
    first = post(world, body)
    assert first.status_code == 200
    assert first.json() == {
        "admitted": True, "reason": "ok", "sentence": "Admitted.", "direction": "in", "number": row.number,
        "replayed": False,
        "zones": [
                {"id": world.zone.pk, "name": "Venue", "inside": 1, "leased": 0, "capacity": 10,
                 "level": "ok"},
            ],
    }  # fmt: skip
    assert post(world, body).json()["replayed"] is True
    other = gate_world(tenant)
    for change, field in (
        ({"plate": "-"}, "plate"),
        ({"gate_id": other.gate.pk}, "gate_id"),
        ({"direction": "up"}, "direction"),
        ({"at": "2021-01-01T00:00:00Z"}, "at"),
        ({"plate": "x" * 81}, "plate"),
    ):
        refused = post(world, body | {"nonce": str(uuid.uuid4())} | change)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert post(world, body, tenant.headers).status_code == 401


def test_a_camera_whose_gate_was_taken_away_a_moment_ago(world: GateWorld) -> None:
    from control_plane.passes import devices
    from control_plane.passes.errors import DeviceRefused, Invalid

    south = world.add_gate("South")
    remembered = world.device
    own = {"workspace_id": world.workspace_id, "device_id": world.device.device_id}
    devices.update_device(**own, gate_ids=[south.pk])
    with pytest.raises(Invalid, match="may not be used at this gate"):
        read(world, "X 1", device=remembered)
    car(world, "B AL 1815")
    devices.revoke_device(**own)
    with pytest.raises(DeviceRefused):
        read(world, "B AL 1815", device=remembered, gate_id=south.pk)
    assert kept(world) == []
