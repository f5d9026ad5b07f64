"""Evenings made up at random, and what PostgreSQL said to each scan: what a phone by itself must say too."""

import random
import uuid
from datetime import timedelta
from typing import Any


def decisions(workspace_id: int, *, seeds: list[int]) -> list[dict[str, Any]]:
    return [_evening(workspace_id, random.Random(seed)) for seed in seeds]


def _evening(workspace_id: int, rng: random.Random) -> dict[str, Any]:
    """{document: the rules before, keys, steps: [{text, gate_id, at, way, override, expected}, …]}"""
    from django.utils import timezone

    from control_plane.passes import devices, issuers, issuing, programs, redeem, rotating, snapshot
    from edge import token

    now = timezone.now()
    reentry = rng.choice(["none", "after_exit", "count", "daily"])
    program = programs.create_program(
        workspace_id=workspace_id,
        name=f"Evening {uuid.uuid4().hex[:8]}",
        reentry=reentry,
        time_zone=rng.choice(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
        max_uses={"none": None, "count": rng.choice([2, 3])}.get(reentry, rng.choice([None, None, 2])),
        use_hours=rng.choice([None, None, 1, 6]),
        rotating=rng.random() < 0.25,
        opening_hours=rng.choice(
            [[], [], [{"days": list(range(7)), "from": "06:00", "to": "23:00"}],
             [{"days": [now.weekday()], "from": "18:00", "to": "04:00"}]]
        ),
    )  # fmt: skip
    own = {"workspace_id": workspace_id, "program_id": program.pk}
    venue = programs.create_zone(name="Venue", capacity=rng.choice([None, 3, 50]), **own)
    hall = programs.create_zone(name="Hall", parent_id=venue.pk, capacity=rng.choice([None, 1, 2]), **own)
    yard = programs.create_zone(name="Yard", **own)
    gates = [
        programs.create_gate(zone_id=zone.pk, name=f"{zone.name} {way}", way=way, **own)
        for zone, way in ((venue, "both"), (venue, "exit"), (hall, "both"), (yard, "entrance"))
    ]
    if rng.random() < 0.3:
        programs.update_gate(workspace_id=workspace_id, gate_id=gates[0].pk, is_open=False)
    made = devices.create_device(name="Boss", role="supervisor", gate_ids=[gate.pk for gate in gates], **own)
    device = devices.authenticate(text=devices.pair(code=made.code).key)
    shop = issuers.create_issuer(name="Shop", **own)
    key, texts, uids = issuing.signing_key(program), [], []
    secret = rotating.program_secret(workspace_id, program.pk)
    for _ in range(5):
        start = rng.choice([None, now - timedelta(hours=2), now + timedelta(hours=3)])
        (row,) = issuing.issue(
            holders_of=[{}], issuer_id=rng.choice([None, shop.pk]),
            valid_from=start, valid_until=rng.choice([None, now + timedelta(hours=9)]),
            max_uses=rng.choice([None, None, 2]), held=rng.random() < 0.15, **own,
        )  # fmt: skip
        texts.append(token.compact(issuing.signed(row, program, key)))
        uids.append(bytes(row.uid))
        if rng.random() < 0.15:
            issuing.change_state(
                workspace_id=workspace_id, pass_id=row.pk, to=rng.choice(["revoked", "held"])
            )
        if rng.random() < 0.15:
            issuing.extend(workspace_id=workspace_id, pass_id=row.pk, valid_from=None, valid_until=None)
    if rng.random() < 0.5:
        issuers.update_issuer(workspace_id=workspace_id, issuer_id=shop.pk, is_active=False)
    if rng.random() < 0.5:
        issuers.set_day(workspace_id=workspace_id, issuer_id=shop.pk, day=now.date(), is_active=True)
    texts += ["NO PASS", texts[0][:-1] + ("A" if texts[0][-1] != "A" else "B")]

    def step(at: Any) -> dict[str, Any]:
        gate, way = rng.choice(gates), rng.choice(["in", "in", "out", "auto"])
        number = rng.randrange(len(texts))
        text = texts[number]
        if program.rotating and number < len(uids) and rng.random() < 0.9:
            # Mostly that of the moment, at times a neighbour, a picture of before, or that of another pass.
            whose = number if rng.random() < 0.9 else 0
            passed = rotating.step_of(at) + rng.choice([0, 0, 0, 0, -1, 1, -2, 2])
            text += rotating.code(rotating.pass_secret(secret, uids[whose]), passed)
        asked = {
            "text": text, "gate_id": gate.pk, "way": way,
            "override": "A friend" if rng.random() < 0.15 else "",
        }  # fmt: skip
        said = redeem.redeem(device=device, nonce=uuid.uuid4(), now=at, **asked)
        expected = [said.reason.value, said.direction, said.refused_as]
        return asked | {"at": round(at.timestamp() * 1000), "expected": expected}

    at = now
    for _ in range(rng.randint(0, 4)):
        step(at)
    if rng.random() < 0.1:
        programs.update_program(workspace_id=workspace_id, program_id=program.pk, state="paused")
    document = snapshot.snapshot(device=device).body
    steps = []
    for _ in range(12):
        at = at + timedelta(minutes=rng.choice([1, 1, 5, 40, 400]))
        # What the document and the phone know to the second or the millisecond.
        steps.append(step(at.replace(microsecond=0)))
    return {"document": document, "steps": steps}
