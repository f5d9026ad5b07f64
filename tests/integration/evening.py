"""A small evening at two gates, whose numbers are counted by hand in the tests: the first of June 2024.

It was a Saturday. Times are of the program's zone, Europe/Berlin.
"""

import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from console_stack import Tenant
from gate_world import GateWorld, gate_world

BERLIN = ZoneInfo("Europe/Berlin")


def at(clock: str, day: int = 1) -> datetime:
    return datetime.fromisoformat(f"2024-06-{day:02}T{clock}").replace(tzinfo=BERLIN)


def evening(tenant: Tenant) -> GateWorld:
    """Bakery's passes are 1 to 4, those of Press 5 and 6, nobody's 7 and 8. Pass 8 was cancelled."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import issuers, occupancy, redeem
    from control_plane.passes.models import Movement, Pass

    world = gate_world(tenant, capacity=100, way="both", time_zone="Europe/Berlin")
    south = world.add_gate("=South")
    hall = world.add_zone("Hall", world.zone)
    own = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    bakery, press = (issuers.create_issuer(**own, name=name).pk for name in ("Bakery", "Press"))
    holder = {"name": "Ada Lovelace", "email": "ada@example.com", "plate": "B-AL 1815"}
    a, b, c, _ = world.issue(4, holder=holder, issuer_id=bakery)
    e, _ = world.issue(2, holder=holder, issuer_id=press)
    g, _ = world.issue(2, holder=holder)
    with workspace_scope(world.workspace_id):
        Pass.objects.filter(number=8, program=world.program).update(state="revoked")
        Pass.objects.filter(program=world.program).update(created_at=at("08:00"))

    def scan(clock: str, text: str, gate: Any, device: Any, *, day: int = 1, **more: Any) -> Any:
        return world.scan(text, gate=gate, device=device, now=at(clock, day), **more)

    def moved(clock: str, **where: Any) -> None:
        """What was counted just now was counted then."""
        with workspace_scope(world.workspace_id):
            Movement.objects.filter(program=world.program, **where).update(at=at(clock))

    phone, boss, north = world.device, world.supervisor, world.gate
    scan("10:05", a, north, phone, way="in")
    scan("10:20", b, north, phone, way="in")
    scan("10:40", e, south, boss)
    for _ in range(2):
        occupancy.count_by_hand(device=phone, gate_id=north.pk, delta=1, nonce=uuid.uuid4())
    moved("10:45", kind="count")
    scan("11:00", a, south, boss)  # a copy of pass 1, twice
    scan("11:01", a, south, boss)
    scan("11:02", b, north, phone, way="in")  # shown twice at the same place: no copy
    scan("11:03", "nonsense", north, phone)
    scan("11:10", b, north, phone, way="out")
    taken_back = scan("11:30", c, north, phone, way="in")
    occupancy.undo(device=boss, attempt_id=taken_back.attempt_id)
    scan("12:15", a, north, boss, way="in", override="wristband torn")
    # A device that was offline lets a copy of pass 2 in.
    alone = redeem.read(
        device=phone, gate_id=south.pk, text=b, nonce=uuid.uuid4(), way="in", now=at("12:30"), offline=True
    )
    redeem.redeem_all([alone])
    for zone, inside, note, clock in ((world.zone, 3, "+counted heads", "13:00"), (hall, 1, "hall", "13:05")):
        occupancy.correct(
            workspace_id=world.workspace_id, zone_id=zone.pk, inside=inside, note=note, by=tenant.user
        )
        moved(clock, note=note)
    scan("09:00", g, south, phone, day=2)
    return world
