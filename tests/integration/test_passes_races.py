"""Many gates at once: exactly one admission for each pass, and never more people inside than fit.

Each race has its negative control: the same, with what guards against it taken out.
"""

import random
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from console_stack import OWNER_PASSWORD, POSTGRES_PORT, Tenant
from gate_world import GateWorld, gate_world

from edge import token

pytestmark = pytest.mark.usefixtures("console")
CLIENTS, PASSES = 16, 40
CALL = "SELECT {function}(%s, %s, %s, %s, %s, '', false, 'in', '', now(), false) ->> 'reason'"
Scan = Callable[[Any, bytes], str]


def connect(role: str = "scanway_app") -> "psycopg.Connection[Any]":
    from console_stack import APP_PASSWORD

    password = APP_PASSWORD if role == "scanway_app" else OWNER_PASSWORD
    return psycopg.connect(
        f"postgresql://{role}:{password}@127.0.0.1:{POSTGRES_PORT}/scanway", autocommit=True
    )


@pytest.fixture
def unguarded(console: None) -> Iterator[str]:
    """Redemption without its guards: no lock on the pass, no row that can be there once, no capacity."""
    import control_plane.passes

    source = (Path(control_plane.passes.__file__).parent / "migrations/redeem_2.sql").read_text("utf-8")
    start = source.index("CREATE OR REPLACE FUNCTION scanway_redeem(")
    body = source[start:].replace("FUNCTION scanway_redeem(", "FUNCTION test_unguarded(", 1)
    for guard, instead in (
        (r"WHERE uid = p_uid FOR NO KEY UPDATE;", "WHERE uid = p_uid; PERFORM pg_sleep(0.002);"),
        (r"IF v_new_use THEN\s+INSERT INTO passes_redemption.*?END IF;", ""),
        (r"AND \(capacity IS NULL OR id = ANY \(v_lent\) OR inside \+ leased < capacity\)", ""),
        (r"PERFORM pg_advisory_xact_lock.*?;", "NULL;"),
    ):
        body, times = re.subn(guard, instead, body, flags=re.DOTALL)
        assert times == 1, guard
    with connect("scanway_owner") as owner:
        owner.execute(body)
        owner.execute("GRANT EXECUTE ON FUNCTION test_unguarded TO scanway_app")
    yield "test_unguarded"
    with connect("scanway_owner") as owner:
        owner.execute("DROP FUNCTION test_unguarded")


def race(world: GateWorld, texts: list[str], function: str, clients: int = CLIENTS) -> Counter[str]:
    """Every client tries every pass, each in an order of its own. Returns how often each reason was said."""
    uids = [token.parse(text).claims.pass_id for text in texts]
    said: list[Counter[str]] = []
    start = threading.Barrier(clients)

    def work(seed: int) -> None:
        order, mine = random.Random(seed).sample(uids, len(uids)), Counter[str]()
        with connect() as connection:
            start.wait()
            for uid in order:
                try:
                    row = connection.execute(
                        CALL.format(function=function),
                        [world.workspace_id, world.device.device_id, world.gate.pk, uuid.uuid4(), uid],
                    ).fetchone()
                    mine[row[0] if row else ""] += 1
                except psycopg.errors.CheckViolation:
                    mine["check"] += 1
        said.append(mine)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == clients
    return sum(said, Counter())


def test_every_pass_is_admitted_exactly_once(tenant: Tenant) -> None:
    world = gate_world(tenant, way="entrance")
    said = race(world, world.issue(PASSES), "scanway_redeem")
    assert said == {"ok": PASSES, "already_used": PASSES * (CLIENTS - 1)}
    assert world.inside() == PASSES
    world.check_ledger()


def test_negative_control_without_the_lock_passes_are_admitted_twice(tenant: Tenant, unguarded: str) -> None:
    world = gate_world(tenant, way="entrance")
    said = race(world, world.issue(PASSES), unguarded)
    assert said["ok"] > PASSES


def test_a_hot_zone_is_never_overfilled_and_burns_no_pass(tenant: Tenant) -> None:
    world = gate_world(tenant, way="entrance", capacity=7)
    texts = world.issue(PASSES)
    said = race(world, texts, "scanway_redeem")
    assert said["ok"] == world.inside() == 7
    assert said["full"] + said["already_used"] == PASSES * CLIENTS - 7
    used = [world.scan(text).reason for text in texts]
    assert Counter(used) == {"already_used": 7, "full": PASSES - 7}
    world.check_ledger()


def test_negative_control_without_the_check_only_the_database_stops_it(
    tenant: Tenant, unguarded: str
) -> None:
    world = gate_world(tenant, way="entrance", capacity=7)
    said = race(world, world.issue(PASSES), unguarded)
    # What the program no longer refuses, the table's own CHECK does: an error, not a verdict.
    assert said["check"] > 0
    assert world.inside() <= 7


def test_gates_of_nested_zones_never_wait_for_each_other(tenant: Tenant) -> None:
    world = gate_world(tenant, reentry="after_exit", way="both", capacity=1_000)
    halls = [world.add_zone(f"Hall {number}", world.zone) for number in range(3)]
    gates = [world.gate, *(world.add_gate(f"Door {hall.name}", hall, "both") for hall in halls)]
    uids = [token.parse(text).claims.pass_id for text in world.issue(12)]
    call = CALL.format(function="scanway_redeem").replace("'in'", "%s")
    errors: list[Exception] = []

    def wander(seed: int) -> None:
        chosen = random.Random(seed)
        try:
            with connect() as connection:
                for _ in range(60):
                    connection.execute(
                        call,
                        [world.workspace_id, world.device.device_id, chosen.choice(gates).pk, uuid.uuid4(),
                         chosen.choice(uids), chosen.choice(["in", "out", "auto"])],
                    )  # fmt: skip
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=wander, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    world.check_ledger()


def test_one_nonce_at_the_same_moment_is_one_scan(tenant: Tenant) -> None:
    world = gate_world(tenant, way="entrance")
    for text in world.issue(10):
        uid, nonce, said = token.parse(text).claims.pass_id, uuid.uuid4(), []
        start = threading.Barrier(6)

        def work(uid: bytes = uid, nonce: Any = nonce, said: list[str] = said, start: Any = start) -> None:
            with connect() as connection:
                start.wait()
                row = connection.execute(
                    CALL.format(function="scanway_redeem"),
                    [world.workspace_id, world.device.device_id, world.gate.pk, nonce, uid],
                ).fetchone()
                said.append(row[0] if row else "")

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == ["ok"] * 6
    assert world.inside() == 10
    world.check_ledger()
