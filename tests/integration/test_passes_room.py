"""The control room's one read, of an hour in 2030 that the test made: everything counted by hand."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from console_stack import Tenant
from gate_world import GateWorld, gate_world

NOW = datetime(2030, 6, 1, 13, 30, 20, tzinfo=UTC)


def load(world: GateWorld, now: datetime = NOW) -> Any:
    from control_plane.passes import room

    return room.load(program=world.program, now=now)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=100, reentry="after_exit", time_zone="Europe/Berlin")


def test_an_hour(world):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import issuers, occupancy
    from control_plane.passes.models import Attempt, Device, Movement, Pass

    own = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    bakery = issuers.create_issuer(**own, name="Bakery").pk
    hall = world.add_zone("Hall", world.zone, capacity=20)
    door = world.add_gate("Door", hall, "both")
    theirs, ours = world.issue(15, issuer_id=bakery), world.issue(2)
    with workspace_scope(world.workspace_id):
        Pass.objects.filter(program=world.program).update(created_at=NOW)
    world.scan(theirs[0], now=NOW - timedelta(hours=15, minutes=31))  # before midnight in Berlin: yesterday
    for text in theirs[1:]:
        world.scan(text, way="in", now=ago(14))
    for text in theirs[1:13]:
        world.scan(text, gate=door, way="in", now=ago(12))
    world.scan(ours[0], way="in", now=ago(3))
    world.scan(theirs[14], way="out", now=ago(2))
    world.scan(ours[0], way="in", now=ago(1))  # refused: used already
    world.scan("nonsense", now=ago(1))
    taken_back = world.scan(ours[1], way="in", now=ago(1))
    occupancy.undo(device=world.supervisor, attempt_id=taken_back.attempt_id)
    occupancy.count_by_hand(device=world.device, gate_id=world.gate.pk, delta=1, nonce=uuid.uuid4())
    occupancy.correct(workspace_id=world.workspace_id, zone_id=world.zone.pk, inside=19, note="counted")
    with workspace_scope(world.workspace_id):
        Movement.objects.filter(kind__in=["count", "correction", "undo"]).update(at=ago(1))
        Attempt.objects.filter(of__number=3).update(offline=True)
        Device.objects.filter(name="Phone").update(seen_at=NOW, battery=12)
        Device.objects.filter(name="Boss").update(seen_at=ago(2))

    room = load(world)
    venue, inner = room.zones
    assert (venue.zone.inside, venue.percent, venue.level, venue.depth) == (19, 19, "ok", 0)
    assert (inner.zone.inside, inner.percent, inner.depth) == (12, 60, 1)
    # 14 + 1 + 1 came and 1 left in 14 minutes, so 15 more: 81 places are full in 75.6 minutes.
    assert venue.words == "Full at about 16:50 at this rate."
    assert inner.words == "Full at about 15:39 at this rate."  # 12 in 12 minutes, 8 places
    assert (room.came_a_minute, room.left_a_minute) == (2 / 5, 1 / 5)

    assert len(room.minutes) == 60
    assert room.minutes[-1].at == NOW.replace(second=0)
    assert {one.at: (one.came, one.left) for one in room.minutes if one.came or one.left} == {
        ago(14).replace(second=0): (14, 0),
        ago(3).replace(second=0): (1, 0),
        ago(2).replace(second=0): (0, 1),
        ago(1).replace(second=0): (1, 0),
    }
    assert len(room.hours) == 24
    assert {one.at.hour: (one.came, one.left) for one in room.hours if one.came or one.left} == {15: (16, 1)}
    assert (room.came, room.left) == (16, 1)
    assert [(one.reason, one.count) for one in room.refused] == [("already_used", 1), ("unknown", 1)]
    assert [(one.name, one.issued, one.used) for one in room.issuers] == [
        ("Bakery", 15, 14),
        ("Without an issuer", 2, 1),
    ]
    assert [(one.gate.name, one.came, one.left) for one in room.gates] == [("Door", 12, 0), ("North", 16, 1)]
    assert [(one.device.name, one.state, one.battery_low, one.offline) for one in room.devices] == [
        ("Boss", "away", False, 0),
        ("Phone", "online", True, 2),
    ]
    assert room.online == 1
    # An hour later the same came today, and nobody in the last hour.
    later = load(world, NOW + timedelta(hours=1, minutes=1))
    assert later.came == 16
    assert not any(one.came or one.left for one in later.minutes)
    assert later.zones[0].words.startswith("Too few")


def test_a_day_on_which_the_clock_changes_has_its_hours(world):
    """Europe/Berlin: 25 hours on 27 October 2030, 23 on 31 March."""
    for day, hours in (
        (datetime(2030, 10, 27, 12, tzinfo=UTC), 25),
        (datetime(2030, 3, 31, 12, tzinfo=UTC), 23),
    ):
        bars = load(world, day).hours
        assert len(bars) == hours
        assert {b.at.timestamp() - a.at.timestamp() for a, b in pairwise(bars)} == {3600}


def test_what_stands_out_is_what_stands_now(world):
    from control_plane.passes import alerts, occupancy

    own = {"workspace_id": world.workspace_id, "zone_id": world.zone.pk, "note": "counted"}
    occupancy.correct(**own, inside=95)
    alerts.watch(world.workspace_id)
    assert [(one.zone.name, one.percent) for one in load(world).alerts] == [("Venue", 90)]
    assert load(world).zones[0].level == "warning"
    occupancy.correct(**own, inside=10)
    alerts.watch(world.workspace_id)
    assert load(world).alerts == []


def test_the_number_of_queries_does_not_grow_with_what_is_there(world, tenant):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            load(world)
        return len(captured)

    few = queries()
    for number in range(5):
        zone = world.add_zone(f"Hall {number}", world.zone)
        world.add_gate(f"Door {number}", zone)
    for text in world.issue(5):
        world.scan(text, now=ago(5))
    assert queries() == few


def test_a_busy_day_is_counted_once_in_a_while_and_who_is_inside_always(world, monkeypatch):
    from control_plane.passes import room

    monkeypatch.setattr(room, "MANY", 2)
    texts = world.issue(5)
    for text in texts[:3]:
        world.scan(text)
    assert room.load(program=world.program).came == 3
    world.scan(texts[3])
    later = room.load(program=world.program)
    assert (later.came, later.zones[0].zone.inside) == (3, 4)
    monkeypatch.setattr(room, "_kept", {key: (0.0, kept) for key, (_, kept) in room._kept.items()})
    assert room.load(program=world.program).came == 4
