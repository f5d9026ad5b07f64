"""What devices did while offline is taken as it happened; what they could not know is a conflict."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from console_stack import Tenant
from django.test import Client
from django.utils import timezone
from gate_world import GateWorld, gate_world

from control_plane.passes.reason import Reason

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=10)


def entry(world: GateWorld, text: str = "", *, ago: float = 60, **more: Any) -> dict[str, Any]:
    """`ago`: seconds."""
    at = timezone.now() - timedelta(seconds=ago)
    return {
        "nonce": str(uuid.uuid4()), "gate_id": world.gate.pk, "text": text, "way": "in", "at": at.isoformat(),
        "admitted": True,
    } | more  # fmt: skip


def hand_in(world: GateWorld, *entries: Any, device: str = "Phone", now: datetime | None = None) -> Any:
    return Client(raise_request_exception=False).post(
        "/api/v1/gate/journal",
        {"now": (now or timezone.now()).isoformat(), "entries": list(entries)},
        content_type="application/json",
        headers=world.headers(device),
    )


def states(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["state"] for one in answer.json()["data"]]


def attempts(world: GateWorld) -> list[Any]:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Attempt

    with workspace_scope(world.workspace_id):
        return list(Attempt.objects.filter(program=world.program).select_related("of").order_by("id"))


def conflicts(tenant: Tenant, world: GateWorld) -> Any:
    return Client().get(f"/api/v1/programs/{world.program.pk}/conflicts", headers=tenant.headers).json()


def test_it_is_written_down_as_it_happened_and_the_same_again_changes_nothing(world: GateWorld) -> None:
    first, second, third = world.issue(3)
    journal = [
        entry(world, first, ago=300),
        entry(world, second, ago=240, admitted=False, reason="held"),
        entry(world, ago=200, delta=1),
        entry(world, first, ago=120, way="out"),
        entry(world, third, ago=60),
        entry(world, "NO PASS", ago=30, admitted=False, reason="unknown"),
    ]
    answers = [hand_in(world, *journal) for _ in range(3)]
    for answer in answers:
        assert states(answer) == ["ok", "refused", "ok", "ok", "ok", "refused"]
    said = answers[0].json()["data"]
    assert [one["direction"] for one in said] == ["in", "in", None, "out", "in", "in"]
    assert [one["nonce"] for one in said] == [one["nonce"] for one in journal]
    rows = attempts(world)
    assert [row.at.isoformat() for row in rows] == [one["at"] for one in journal if "delta" not in one]
    assert all(row.offline and not row.conflict for row in rows)
    assert world.inside() == 2
    world.check_ledger()
    # Part of it once more, with something new behind it: a reply was lost, and the shift went on.
    (fourth,) = world.issue()
    assert states(hand_in(world, *journal[3:], entry(world, fourth))) == ["ok", "ok", "refused", "ok"]
    assert world.inside() == 3


def test_two_devices_that_admitted_one_pass_are_a_conflict(tenant: Tenant, world: GateWorld) -> None:
    (text,) = world.issue()
    assert states(hand_in(world, entry(world, text, ago=100))) == ["ok"]
    assert conflicts(tenant, world) == {"data": [], "next": None}
    late = entry(world, text, ago=160)
    answer = hand_in(world, late, device="Boss")
    assert states(answer) == ["conflict"]
    (said,) = answer.json()["data"]
    assert said["sentence"] == "It had been used already."
    assert (said["earlier"]["gate"], said["earlier"]["device"]) == ("North", "Phone")
    assert states(hand_in(world, late, device="Boss")) == ["conflict"]

    (found,) = conflicts(tenant, world)["data"]
    assert (found["reason"], found["direction"], found["number"]) == ("already_used", "in", said["number"])
    assert (found["scan"]["device"], found["other"]["device"]) == ("Boss", "Phone")
    assert found["scan"]["at"] < found["other"]["at"]
    # Two people came in, and two are counted.
    assert world.inside() == 2
    world.check_ledger()


def test_pages_of_conflicts(tenant: Tenant) -> None:
    world = gate_world(tenant)
    texts = world.issue(5)
    hand_in(world, *(entry(world, text) for text in texts))
    hand_in(world, *(entry(world, text) for text in texts), device="Boss")
    address = f"/api/v1/programs/{world.program.pk}/conflicts"
    seen, cursor = [], ""
    while cursor is not None:
        page = Client().get(address, {"limit": 2, "cursor": cursor}, headers=tenant.headers).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5


@pytest.mark.parametrize("reason", ["revoked", "held", "expired", "closed", "issuer_inactive", "full"])
def test_what_the_device_did_not_know(tenant: Tenant, reason: str) -> None:
    from control_plane.passes import issuers, issuing, programs

    own = tenant.workspace_id
    world = gate_world(tenant, capacity=1)
    issuer = issuers.create_issuer(workspace_id=own, program_id=world.program.pk, name="Bakery")
    (row, text), (_, other) = world.issue_rows(2, issuer_id=issuer.pk)
    match reason:
        case "revoked" | "held":
            issuing.change_state(workspace_id=own, pass_id=row.pk, to=reason)
        case "expired":
            programs.update_program(workspace_id=own, program_id=world.program.pk, state="ended")
        case "closed":
            programs.update_gate(workspace_id=own, gate_id=world.gate.pk, is_open=False)
        case "issuer_inactive":
            issuers.update_issuer(workspace_id=own, issuer_id=issuer.pk, is_active=False)
        case "full":
            assert world.scan(other, way="in").admitted
    assert states(hand_in(world, entry(world, text))) == ["conflict"]
    (found,) = conflicts(tenant, world)["data"]
    assert found["reason"] == reason
    # Inside they are all the same, but never beyond the capacity.
    assert world.inside() == 1
    world.check_ledger()


def test_a_supervisor_who_admitted_nevertheless_is_no_conflict(world: GateWorld) -> None:
    from control_plane.passes import issuing

    ((row, text),) = world.issue_rows()
    issuing.change_state(workspace_id=world.workspace_id, pass_id=row.pk, to="held")
    given = entry(world, text, override="Identity checked")
    assert states(hand_in(world, given, device="Boss")) == ["ok"]
    (found,) = attempts(world)
    assert (found.refused_as, found.note, found.conflict) == ("held", "Identity checked", False)
    # A steward's phone cannot do so, whatever it says.
    answer = hand_in(world, given | {"nonce": str(uuid.uuid4())})
    assert states(answer) == ["not_taken"]
    assert answer.json()["data"][0]["sentence"].startswith("Only a supervisor's device")


def test_a_lost_reply_is_settled_by_its_nonce(tenant: Tenant, world: GateWorld) -> None:
    """The request reached the server, its answer did not reach the device, which then decided by itself."""
    agreed, twice, kept_out = world.issue(3)
    nonces = [uuid.uuid4() for _ in range(3)]
    assert world.scan(agreed, nonce=nonces[0], way="in").admitted
    assert world.scan(twice, way="in", device=world.supervisor).admitted
    assert world.scan(twice, nonce=nonces[1], way="in").reason == "already_used"
    assert world.scan(kept_out, nonce=nonces[2], way="in").admitted
    journal = [
        entry(world, agreed, nonce=str(nonces[0])),
        entry(world, twice, nonce=str(nonces[1])),
        entry(world, kept_out, nonce=str(nonces[2]), admitted=False, reason="closed"),
    ]
    for _ in range(2):
        answer = hand_in(world, *journal)
        assert states(answer) == ["ok", "conflict", "conflict"]
    data = answer.json()["data"]
    assert data[1]["sentence"] == "It had been used already."
    assert data[2]["sentence"].startswith("The server had admitted it, and this device refused it")
    assert len(conflicts(tenant, world)["data"]) == 2
    # Once for the first and the third, twice for the second, of whom two people came in.
    assert world.inside() == 4
    world.check_ledger()


def test_the_places_of_those_who_left_are_used_again(world: GateWorld) -> None:
    """A full zone, and a device that was offline: out and in and out and in, in that order."""
    texts = world.issue(13)
    for text in texts[:10]:
        assert world.scan(text, way="in").admitted
    journal = []
    for number in range(3):
        journal += [
            entry(world, texts[number], way="out", ago=100 - number),
            entry(world, texts[10 + number], ago=99.5 - number),
        ]
    assert states(hand_in(world, *journal)) == ["ok"] * 6
    assert world.inside() == 10
    # The other way round nobody had left yet.
    (one,) = world.issue()
    wrong = [entry(world, one, ago=50), entry(world, texts[3], way="out", ago=40)]
    assert states(hand_in(world, *wrong)) == ["conflict", "ok"]
    assert world.inside() == 9
    world.check_ledger()


def test_each_bad_entry_has_its_sentence_and_stops_no_other(tenant: Tenant, world: GateWorld) -> None:
    from control_plane.passes import programs

    gone, elsewhere = world.add_gate("Gone"), gate_world(tenant)
    programs.delete_gate(workspace_id=world.workspace_id, gate_id=gone.pk)
    texts = world.issue(6)
    answer = hand_in(
        world,
        entry(world, texts[0]),
        entry(world, texts[1], ago=49 * 3600),
        entry(world, texts[2], ago=-180),
        entry(world, texts[3], gate_id=gone.pk),
        entry(world, texts[4], gate_id=elsewhere.gate.pk),
        entry(world, texts[4]) | {"nonce": "x"},
        entry(world, texts[4]) | {"at": 5},
        entry(world, texts[4]) | {"shoe": 5},
        {},
        entry(world, delta=-1) | {"gate_id": elsewhere.gate.pk},
        entry(world, texts[5]),
    )
    assert states(answer) == ["ok", *["not_taken"] * 9, "ok"]
    said = [one["sentence"] for one in answer.json()["data"]]
    for number, sentence in (
        (1, "This is older than 48 hours."),
        (2, "This is of a time that has not come yet."),
        (3, "This gate was removed."),
        (4, "This device may no longer be used at that gate."),
        (5, "This entry cannot be read. nonce:"),
        (6, "This entry cannot be read. at: Write date and time as RFC 3339"),
        (7, "This entry cannot be read. shoe: There is no field “shoe”."),
        (8, "This entry cannot be read. nonce: This field is required."),
        (9, "Not counted. This device may not be used at this gate."),
    ):
        assert said[number].startswith(sentence), said[number]
    assert world.inside() == 2


def test_a_wrong_clock_is_refused_and_nothing_is_taken(world: GateWorld) -> None:
    (text,) = world.issue()
    for minutes, word in ((5, "fast"), (-5, "slow")):
        answer = hand_in(world, entry(world, text), now=timezone.now() + timedelta(minutes=minutes))
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == "now"
        assert error["message"].startswith(f"This device's clock is 5 minutes {word}. Set it")
        assert "not lost" in error["message"]
    assert attempts(world) == []
    assert states(hand_in(world, entry(world, text), now=timezone.now() + timedelta(seconds=100))) == ["ok"]


def test_at_most_500_and_as_large_as_they_are(tenant: Tenant) -> None:
    world = gate_world(tenant)
    (text,) = world.issue()
    journal = [entry(world, text if number == 0 else "X" * 500, way="") for number in range(500)]
    assert 64 * 1024 < len(json.dumps(journal)) < 512 * 1024
    answer = hand_in(world, *journal)
    assert states(answer) == ["ok", *["conflict"] * 499]
    assert hand_in(world, *journal, entry(world, text)).status_code == 422
    assert hand_in(world, *(entry(world, "X" * 2_000) for _ in range(300))).status_code == 413


def test_a_device_that_was_removed_while_it_was_offline(tenant: Tenant, world: GateWorld) -> None:
    from control_plane.passes import devices

    before, after, online = world.issue(3)
    early = entry(world, before, ago=0)
    devices.revoke_device(workspace_id=world.workspace_id, device_id=world.device.device_id)
    late = entry(world, after, ago=0)
    for _ in range(2):
        answer = hand_in(world, early, late)
        assert states(answer) == ["conflict", "not_taken"]
    said = [one["sentence"] for one in answer.json()["data"]]
    assert said == [
        "The device had been removed.",
        "This device had been removed when it scanned this. It was not taken.",
    ]
    (found,) = conflicts(tenant, world)["data"]
    assert (found["reason"], found["scan"]["device"]) == ("ok", "Phone")
    assert world.inside() == 1

    # And nothing else, at any door.
    client = Client(raise_request_exception=False)
    scan = {"gate_id": world.gate.pk, "text": online, "nonce": str(uuid.uuid4())}
    for method, path, body in (
        ("GET", "", None), ("GET", "/snapshot", None), ("GET", "/attempts", None), ("POST", "/leases", {}),
        ("POST", "/seen", {}), ("POST", "/redemptions", scan),
        ("POST", "/counts", {"gate_id": world.gate.pk, "delta": 1, "nonce": str(uuid.uuid4())}),
    ):  # fmt: skip
        answer = client.generic(
            method, f"/api/v1/gate{path}", b"" if body is None else json.dumps(body),
            content_type="application/json", headers=world.headers(),
        )  # fmt: skip
        assert answer.status_code == 401, path
    assert hand_in(world, early, device="Boss").status_code == 200


def test_a_journal_needs_a_key_of_ones_own(tenant: Tenant, world: GateWorld) -> None:
    (text,) = world.issue()
    stranger = gate_world(tenant)
    for headers in ({}, tenant.headers, {"Authorization": "Bearer swg_nonsense"}):
        answer = Client(raise_request_exception=False).post(
            "/api/v1/gate/journal",
            {"now": timezone.now().isoformat(), "entries": [entry(world, text)]},
            content_type="application/json",
            headers=headers,
        )
        assert answer.status_code == 401
    # Another program's pass, at a device's own gate.
    (theirs,) = stranger.issue()
    answer = hand_in(world, entry(world, theirs))
    assert states(answer) == ["conflict"]
    assert answer.json()["data"][0]["reason"] in ("ok", "wrong_gate")


def test_every_reason_has_words_for_a_conflict() -> None:
    from control_plane.passes.journal import UNKNOWN_TO_IT

    assert set(UNKNOWN_TO_IT) == set(Reason) - {Reason.OK}
