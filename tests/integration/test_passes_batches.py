"""Scans that are redeemed together: the verdicts are those of one after the other, and one that is refused
costs the others nothing."""

import threading
import uuid
from concurrent.futures import wait
from functools import partial
from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


def scan(world: GateWorld, text: str, **more: Any) -> Any:
    from control_plane.passes.redeem import read

    given: dict[str, Any] = {"device": world.device, "gate_id": world.gate.pk, "nonce": uuid.uuid4()} | more
    return read(text=text, **given)


def test_together_as_one_after_the_other(tenant: Tenant) -> None:
    from control_plane.passes.redeem import redeem_all

    world = gate_world(tenant, capacity=3, reentry="after_exit")
    texts = world.issue(5)
    nonce = uuid.uuid4()
    asked = [
        *(scan(world, text, way="in") for text in texts),
        scan(world, texts[0], way="in", nonce=nonce),
        scan(world, texts[0], way="in", nonce=nonce),
        scan(world, "nonsense"),
    ]
    verdicts = redeem_all(asked)
    assert sorted(one.reason for one in verdicts[:5]) == ["full"] * 2 + ["ok"] * 3
    assert verdicts[5].attempt_id == verdicts[6].attempt_id
    assert (verdicts[5].replayed, verdicts[6].replayed) == (False, True)
    assert verdicts[7].reason == "unknown"
    assert world.inside() == 3
    world.check_ledger()


def test_workspaces_do_not_mix(tenant: Tenant) -> None:
    from control_plane.passes.redeem import redeem_all

    mine, other = gate_world(tenant), gate_world(new_tenant())
    (my_text,), (their_text,) = mine.issue(), other.issue()
    said = redeem_all(
        [scan(mine, my_text), scan(other, their_text), scan(mine, their_text), scan(other, my_text)]
    )
    assert [one.reason for one in said] == ["ok", "ok", "bad_signature", "bad_signature"]
    assert (mine.inside(), other.inside()) == (1, 1)
    mine.check_ledger()
    other.check_ledger()


def test_one_that_is_refused_costs_the_others_nothing(tenant: Tenant) -> None:
    from control_plane.passes import devices
    from control_plane.passes.batches import Batches
    from control_plane.passes.errors import DeviceRefused, Invalid

    world, gone = gate_world(tenant), gate_world(tenant)
    texts = world.issue(6)
    devices.revoke_device(workspace_id=tenant.workspace_id, device_id=gone.device.device_id)
    batches = Batches()
    # All at once: they wait while the threads are not there yet.
    batches._threads = [threading.current_thread()] * 2
    asked = [batches.submit(partial(scan, world, text, way="in")) for text in texts]
    refused = batches.submit(partial(scan, gone, texts[0]))
    wrong = batches.submit(partial(scan, world, texts[0], gate_id=gone.gate.pk))
    batches._threads = []
    last = batches.submit(partial(scan, world, texts[0], way="in"))
    wait([*asked, refused, wrong, last], 60)
    # One pass was shown twice: two threads decide between them which of the two scans came first.
    assert sorted(one.result().reason for one in (asked[0], last)) == ["already_used", "ok"]
    assert [one.result().reason for one in asked[1:]] == ["ok"] * 5
    assert isinstance(refused.exception(), DeviceRefused)
    assert isinstance(wrong.exception(), Invalid)
    assert world.inside() == 6
    world.check_ledger()


def test_batches_that_cross_never_wait_in_a_circle(tenant: Tenant) -> None:
    """Two programs, four threads, batches with passes and gates of both in every order."""
    import random

    from django.db import connection

    from control_plane.passes.redeem import redeem_all

    worlds = [gate_world(tenant, reentry="after_exit") for _ in range(2)]
    halls = [world.add_zone("Hall", world.zone) for world in worlds]
    gates = [
        [world.gate, world.add_gate("Door", hall, "both")] for world, hall in zip(worlds, halls, strict=True)
    ]
    texts = [world.issue(6) for world in worlds]
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(15):
                batch = []
                for _ in range(8):
                    number = chance.randrange(2)
                    gate = chance.choice(gates[number])
                    way = chance.choice(["in", "out", "auto"])
                    text = chance.choice(texts[number])
                    batch.append(scan(worlds[number], text, gate_id=gate.pk, way=way))
                redeem_all(batch)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for world in worlds:
        world.check_ledger()
