"""Many passes at once, by their numbers: what becomes of each, and by API."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from api_client import Api, problem
from console_stack import Tenant, new_tenant
from django.db import OperationalError
from gate_world import GateWorld, gate_world
from smtp_server import Mailbox
from test_passes_delivery import ADA, box, send, world

from control_plane.passes.errors import Invalid

pytestmark = pytest.mark.usefixtures("console")
__all__ = ["box", "world"]


def change(world: GateWorld, numbers: list[int], action: str, **more: Any) -> Any:
    from control_plane.passes import many

    return many.change(
        workspace_id=world.workspace_id, program_id=world.program.pk, numbers=numbers, action=action, **more
    )


def look(world: GateWorld, numbers: list[int], action: str, **more: Any) -> Any:
    from control_plane.passes import many

    return many.look(
        workspace_id=world.workspace_id, program_id=world.program.pk, numbers=numbers, action=action, **more
    )


def states(world: GateWorld) -> list[str]:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass

    with workspace_scope(world.workspace_id):
        rows = Pass.objects.filter(program=world.program).order_by("number")
        return list(rows.values_list("state", flat=True))


def told(world: GateWorld, row: Any) -> list[tuple[str, str]]:
    from control_plane.passes.history import history

    lines = history(workspace_id=world.workspace_id, pass_id=row.pk)
    return [(line.what, line.note) for line in lines]


def replace(world: GateWorld, row: Any) -> None:
    from control_plane.passes import issuing

    issuing.replace(workspace_id=world.workspace_id, pass_id=row.pk)


def test_a_stolen_roll_is_cancelled_and_found_again(world: GateWorld) -> None:
    from control_plane.passes.many import Left

    rows = world.issue_rows(6)
    came = world.scan(rows[1][1], way="in")
    assert came.admitted
    replace(world, rows[4][0])  # by No. 7
    numbers = [2, 3, 4, 5, 90, 91]
    planned = look(world, numbers, "cancel")
    assert (planned.done, planned.inside) == ([2, 3, 4], 1)
    assert planned.left == {Left.REPLACED: [5], Left.UNKNOWN: [90, 91]}
    assert states(world)[1] == "active", "looking changes nothing"

    assert change(world, numbers, "cancel", note="The roll was stolen") == planned
    assert states(world) == ["active", "revoked", "revoked", "revoked", "replaced", "active", "active"]
    assert told(world, rows[2][0])[-1] == ("revoked", "The roll was stolen")
    assert world.scan(rows[2][1], way="in").reason == "revoked"
    assert world.scan(rows[5][1], way="in").admitted
    assert world.scan(rows[1][1], way="out").admitted, "nobody is kept inside"

    again = change(world, numbers, "cancel")
    assert (again.done, again.left[Left.SAME]) == ([], [2, 3, 4])
    assert [what for what, _ in told(world, rows[2][0])] == ["issued", "revoked", "refused"]
    held = change(world, [1, 2], "hold")
    assert (held.done, held.left) == ([1], {Left.CANCELLED: [2]})
    assert world.scan(rows[0][1], way="in").reason == "held"
    # What was stolen does not come back with what was held.
    back = change(world, [1, 2, 3, 4, 6], "release")
    assert (back.done, back.left) == ([1], {Left.CANCELLED: [2, 3, 4], Left.SAME: [6]})
    assert told(world, rows[0][0])[-1][0] == "released"
    found = change(world, [1, 3, 5], "restore")
    assert (found.done, found.left) == ([3], {Left.SAME: [1], Left.REPLACED: [5]})
    assert told(world, rows[2][0])[-1][0] == "restored"
    assert world.scan(rows[2][1], way="in").admitted


def test_each_holder_gets_one_mail_unless_asked_for_again(box: Mailbox, world: GateWorld) -> None:
    from control_plane.passes import issuing
    from control_plane.passes.many import Left

    first, second, gone = (world.issue_rows(holder=ADA)[0][0] for _ in range(3))
    world.issue_rows()
    change(world, [gone.number], "cancel")
    sent = change(world, [1, 2, 3, 4], "send")
    assert sent.done == [1, 2]
    assert sent.left == {Left.CANCELLED: [3], Left.NO_ADDRESS: [4]}
    assert change(world, [1, 2], "send").left == {Left.SAME: [1, 2]}, "on their way"
    assert send(world) == 2
    later = change(world, [1, 2], "send")
    assert (later.done, later.left) == ([], {Left.SENT: [1, 2]})
    assert send(world) == 0
    # Another holder has not got it; and whoever lost it may ask.
    issuing.transfer(
        workspace_id=world.workspace_id, pass_id=first.pk, holder={"name": "Bob", "email": "bob@example.com"}
    )
    assert change(world, [1, 2], "send").done == [1]
    assert change(world, [2], "send", again=True).done == [second.number]
    assert send(world) == 2
    # Whoever holds it when the letter is written gets it, and gets it once.
    issuing.transfer(workspace_id=world.workspace_id, pass_id=second.pk, holder=ADA)
    assert change(world, [2], "send").done == [2]
    issuing.transfer(
        workspace_id=world.workspace_id, pass_id=second.pk, holder=ADA | {"email": "cy@example.com"}
    )
    assert send(world) == 1
    assert box.mails.pop()[1] == ["cy@example.com"]
    assert change(world, [2], "send").left == {Left.SENT: [2]}
    assert [tos for _, tos, _ in box.mails] == [["ada@example.com"]] * 2 + [
        ["bob@example.com"],
        ["ada@example.com"],
    ]


@pytest.mark.parametrize("action", ["send", "cancel"])
def test_two_at_once_do_it_once(box: Mailbox, world: GateWorld, action: str) -> None:
    from django.db import connection

    rows = [row for row, _ in world.issue_rows(40, holder=ADA)]
    numbers = [row.number for row in rows]

    def work(_: int) -> int:
        try:
            return len(change(world, numbers, action).done)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(work, range(6))) == [0] * 5 + [40]
    assert send(world) == (40 if action == "send" else 0)
    assert [what for what, _ in told(world, rows[0])].count("revoked") == (action == "cancel")


def test_without_its_lock_it_is_done_twice(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the race: everybody reads before anybody writes."""
    from django.db import connection

    from control_plane.passes import many, occupancy

    row = world.issue_rows()[0][0]
    read = threading.Barrier(3)
    sort = many._unlike

    def unlocked(action: Any, rows: Any) -> Any:
        rows.query.select_for_update = False
        groups = sort(action, rows)
        read.wait(20)
        return groups

    monkeypatch.setattr(many, "_unlike", unlocked)
    monkeypatch.setattr(occupancy, "lock_program", lambda program_id: None)

    def work(_: int) -> int:
        try:
            return len(change(world, [row.number], "cancel").done)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(3))) == [1, 1, 1]


def test_without_its_lock_a_mail_is_sent_twice(
    box: Mailbox, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control for mails."""
    from django.db import connection

    from control_plane.passes import delivery

    row = world.issue_rows(holder=ADA)[0][0]
    read, sort = threading.Barrier(2), delivery.sort

    def meet(*given: Any, **more: Any) -> Any:
        found = sort(*given, **more)
        read.wait(20)
        return found

    nobody = SimpleNamespace(execute=lambda *_: None)
    monkeypatch.setattr(delivery, "sort", meet)
    monkeypatch.setattr(delivery, "connection", SimpleNamespace(cursor=lambda: nullcontext(nobody)))

    def work(_: int) -> int:
        try:
            return len(change(world, [row.number], "send").done)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [1, 1]
    assert send(world) == 2


def batches_meanwhile(world: GateWorld, rounds: int) -> list[BaseException]:
    """Gates scan passes by the batch, in an order of their own, while these are held and released."""
    from django.db import connection
    from django.utils import timezone

    from control_plane.passes import redeem

    rows = [row for row, _ in world.issue_rows(60)]
    numbers, failed, over = [row.number for row in rows], [], threading.Event()

    def hold_and_release() -> None:
        try:
            while not over.is_set():
                for action in ("hold", "release"):
                    change(world, numbers, action)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=hold_and_release)
    thread.start()
    try:
        for _ in range(rounds):
            scans = [
                redeem.of_pass(
                    device=world.device,
                    gate_id=world.gate.pk,
                    uid=bytes(row.uid),
                    nonce=uuid.uuid4(),
                    way="in",
                    now=timezone.now(),
                )
                for row in rows
            ]
            redeem.redeem_all(scans)
            if failed:
                break
    except OperationalError as error:
        failed.append(error)
    finally:
        over.set()
        thread.join()
    return failed


def test_gates_that_scan_meanwhile_and_the_office_never_lock_each_other_out(world: GateWorld) -> None:
    assert batches_meanwhile(world, 15) == []


def test_without_the_programs_lock_they_do(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: PostgreSQL finds the deadlock, and ends one of them."""
    from control_plane.passes import many

    monkeypatch.setattr(many.occupancy, "lock_program", lambda program_id: None)
    assert "deadlock detected" in str(batches_meanwhile(world, 300)[0])


def test_a_fault_at_the_end_changes_nothing(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    from control_plane.passes import issuing

    world.issue_rows(3)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(issuing, "_note", fail)
    with pytest.raises(RuntimeError):
        change(world, [1, 2, 3], "cancel")
    assert states(world) == ["active"] * 3


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"action": "eat"}, "action", "Choose one of: send, hold, release, cancel, restore."),
        ({"numbers": []}, "numbers", "Name 1 to 1,000 passes."),
        ({"numbers": list(range(1, 1002))}, "numbers", "Name 1 to 1,000 passes."),
        ({"numbers": [70, 71]}, "numbers", "There is no pass with any of these numbers"),
        ({"action": "send"}, "email", "No mail server is set up here"),
        ({"note": "a" * 201}, "note", "Use at most 200 characters"),
    ],
)
def test_what_cannot_be_done_is_said(world: GateWorld, given: dict[str, Any], field: str, said: str) -> None:
    world.issue_rows()
    with pytest.raises(Invalid, match=said) as refused:
        change(world, **({"numbers": [1], "action": "cancel"} | given))
    assert refused.value.field == field


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


def test_by_api(api: Api, tenant: Tenant, world: GateWorld) -> None:
    from control_plane.accounts.keys import create_key

    rows = world.issue_rows(5)
    at = f"/programs/{world.program.pk}/passes/many"
    beside = gate_world(tenant)
    beside.issue_rows(5)
    replace(world, rows[4][0])
    asked = {"numbers": "2-3, 5, 80-90", "action": "cancel", "note": "Lost"}
    planned = api("POST", at, asked | {"check": True}).json()
    assert planned == {
        "action": "cancel",
        "done": 2,
        "numbers": "2-3",
        "inside": 0,
        "left_out": [
            {"reason": "replaced", "count": 1, "numbers": "5"},
            {"reason": "unknown", "count": 11, "numbers": "80-90"},
        ],
    }
    assert states(world)[1] == "active"
    assert api("POST", at, asked).json() == planned
    assert states(world)[:4] == ["active", "revoked", "revoked", "active"]
    assert states(beside) == ["active"] * 5, "another program has these numbers, too"
    again = api("POST", at, asked).json()
    assert (again["done"], again["numbers"], again["left_out"][0]) == (
        0, "", {"reason": "same", "count": 2, "numbers": "2-3"},
    )  # fmt: skip
    assert "No mail server" in problem(api("POST", at, asked | {"action": "send"}), 422, "email")
    assert "is no number" in problem(api("POST", at, asked | {"numbers": "all"}), 422, "numbers")
    assert "at most 1,000" in problem(api("POST", at, asked | {"numbers": "1-2000"}), 422, "numbers")
    assert "no pass" in problem(api("POST", at, asked | {"numbers": "700"}), 422, "numbers")
    problem(api("POST", at, asked | {"action": "eat"}), 422, "action")
    assert "may be one number" in problem(api("POST", at, asked | {"numbers": "1,234"}), 422, "numbers")
    assert Api(new_tenant().key)("POST", at, asked).status_code == 404
    reader = create_key(workspace_id=tenant.workspace_id, name="Reader", scopes=["passes:read"])
    assert Api(reader.secret)("POST", at, asked).status_code == 403


def test_a_retry_with_its_key_sends_no_second_mail(box: Mailbox, api: Api, world: GateWorld) -> None:
    world.issue_rows(2, holder=ADA)
    at, asked = (
        f"/programs/{world.program.pk}/passes/many",
        {"numbers": "1-2", "action": "send", "again": True},
    )
    first = api("POST", at, asked, idempotency_key="k-1")
    assert (first.status_code, send(world)) == (200, 2)
    retry = api("POST", at, asked, idempotency_key="k-1")
    assert (retry.json(), retry["Idempotency-Replayed"], send(world)) == (first.json(), "true", 0)
    api("POST", at, asked)
    assert send(world) == 2
