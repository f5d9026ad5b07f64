"""The rules a device takes with it: signed, without persons, and only what changed where that is enough."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from console_stack import Tenant
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.test import Client
from django.utils import timezone
from gate_world import GateWorld, gate_world

from edge import token

pytestmark = pytest.mark.usefixtures("console")
NAMES = ("uid", "state", "uses", "most", "zone", "last", "issuer", "window", "used", "number")


def fetch(world: GateWorld, since: str = "", device: str = "Phone") -> Any:
    answer = Client(raise_request_exception=False).get(
        "/api/v1/gate/snapshot", {"since": since}, headers=world.headers(device)
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def body(answer: Any) -> Any:
    return json.loads(answer["body"])


def lines(document: Any) -> dict[str, dict[str, str]]:
    rows = (dict(zip(NAMES, one.split(","), strict=True)) for one in document["passes"].split(";") if one)
    return {row["uid"]: row for row in rows}


def uid(text: str) -> str:
    return base64.urlsafe_b64encode(token.parse(text).claims.pass_id).decode().rstrip("=")


def check(answer: Any, keys: Any, text: str | None = None) -> None:
    """As a device does, with the keys that it pinned. Raises InvalidSignature."""
    public = {one["number"]: base64.b64decode(one["public"]) for one in keys}[answer["key"]]
    signed = b"scanway document 1\0snapshot\0" + (answer["body"] if text is None else text).encode()
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(answer["signature"]), signed)


def test_it_is_signed_and_an_altered_one_is_refused(world: GateWorld) -> None:
    world.issue(2)
    keys = Client().get("/api/v1/gate", headers=world.headers()).json()["signing_keys"]
    answer = fetch(world)
    check(answer, keys)
    text = answer["body"]
    for at in range(0, len(text), 7):
        with pytest.raises(InvalidSignature):
            check(answer, keys, text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :])
    with pytest.raises(InvalidSignature):
        check(answer, keys, text + " ")


def test_no_signature_of_a_document_is_one_of_a_pass(world: GateWorld) -> None:
    from control_plane.passes import issuing

    key = issuing.signing_key(world.program)
    ((row, _),) = world.issue_rows()
    payload = issuing.signed(row, world.program, key)[:28]
    forged = payload + token.sign_document("snapshot", payload, key)
    assert token.verify(
        token.parse(token.compact(forged)), {key.number: key}, workspace=world.workspace_id
    ) == (token.Verdict.BAD_SIGNATURE)


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=50, reentry="after_exit", opening_hours=[])


def test_what_is_in_it_and_what_is_not(tenant: Tenant) -> None:
    world = gate_world(tenant, capacity=50, show_holder=True)
    ((_, text),) = world.issue_rows(
        holder={"name": "Ada Lovelace", "plate": "B AL 1815", "email": "a@b.example"}
    )
    world.issue(5)
    fresh = body(fetch(world))
    assert lines(fresh) == {}
    assert world.scan(text, way="in").admitted
    document = body(fetch(world))
    assert document["program"]["reentry"] == "none"
    assert document["gates"] == [
        {"id": world.gate.pk, "zone_id": world.zone.pk, "way": "both", "is_open": True}
    ]
    (zone,) = document["zones"]
    assert (zone["inside"], zone["capacity"], zone["path"]) == (1, 50, [world.zone.pk])
    (row,) = lines(document).values()
    assert (row["uid"], row["state"], row["uses"], row["used"]) == (uid(text), "a", "1", "1")
    assert int(row["zone"], 16) == world.zone.pk
    valid = timezone.datetime.fromisoformat(document["valid_until"]) - timezone.now()
    assert timedelta(hours=23) < valid <= timedelta(hours=24)
    told = json.dumps(document).lower()
    for word in ("ada", "lovelace", "1815", "a@b.example", world.program.name.lower()):
        assert word not in told


def test_what_changed_since_is_enough(tenant: Tenant, world: GateWorld) -> None:
    """Whatever is done to passes, who asks for changes knows what somebody knows who asks for all."""
    from control_plane.passes import issuers, issuing, occupancy, snapshot

    own = tenant.workspace_id
    issuer = issuers.create_issuer(workspace_id=own, program_id=world.program.pk, name="Bakery")
    rows = world.issue_rows(8, issuer_id=issuer.pk) + world.issue_rows(2, max_uses=3)
    known, cursor = {}, ""

    def renew() -> Any:
        nonlocal cursor
        document = body(fetch(world, cursor))
        if document["full"]:
            known.clear()
        cursor = document["cursor"]
        windows = document["windows"]
        for name, row in lines(document).items():
            known[name] = row | {"window": windows[int(row["window"], 16)]}
        return document

    def agree() -> None:
        whole = body(fetch(world))
        expected = {
            name: row | {"window": whole["windows"][int(row["window"], 16)]}
            for name, row in lines(whole).items()
        }
        # One that is as new again may stay, as it is now.
        extra = known.keys() - expected.keys()
        assert {name: row for name, row in known.items() if name not in extra} == expected
        assert all(
            (known[name]["uses"], known[name]["zone"], known[name]["state"]) == ("", "", "a")
            for name in extra
        )

    assert renew()["full"]
    agree()
    texts = [text for _, text in rows]
    admitted = world.scan(texts[0], way="in", device=world.supervisor)
    for act in (
        lambda: None,
        lambda: world.scan(texts[1], way="in"),
        lambda: world.scan(texts[1], way="out"),
        lambda: occupancy.undo(device=world.supervisor, attempt_id=admitted.attempt_id),
        lambda: issuing.change_state(workspace_id=own, pass_id=rows[2][0].pk, to="revoked"),
        lambda: issuing.change_state(workspace_id=own, pass_id=rows[2][0].pk, to="active"),
        lambda: issuing.extend(
            workspace_id=own, pass_id=rows[3][0].pk, valid_from=None, valid_until=timezone.now()
        ),
        lambda: issuing.replace(workspace_id=own, pass_id=rows[4][0].pk),
        lambda: world.issue(2, max_uses=2, held=True),
    ):
        act()
        assert not renew()["full"]
        agree()
    # Who lists fewer or other issuers cannot know their passes: all of it comes anew.
    issuers.update_issuer(workspace_id=own, issuer_id=issuer.pk, is_active=False)
    assert renew()["full"]
    agree()
    assert {row["issuer"] for row in known.values()} > {""}
    # After the minutes in which a change may still come to light, nothing is told twice.
    later = timezone.now() + snapshot.LATE + timedelta(minutes=1)
    for expected in (13, 0, 1):
        if expected == 1:
            world.scan(texts[8], way="in")
        document = json.loads(snapshot.snapshot(device=world.device, since=cursor, now=later).body)
        assert len(lines(document)) == expected
        cursor = document["cursor"]


@pytest.mark.parametrize("since", ["x", "1.2.3.4.5.6", "9" * 200, "1.٣.3.4.5.x", "1.-1.0.0.0.x"])
def test_a_cursor_that_is_none_gets_it_all(world: GateWorld, since: str) -> None:
    assert body(fetch(world, since))["full"]


def test_keys_and_their_states(tenant: Tenant, world: GateWorld) -> None:
    from control_plane.passes import keyring
    from edge.token import Algorithm

    (old,) = world.issue()
    keyring.rotate(workspace_id=tenant.workspace_id, algorithm=Algorithm.ED25519)
    answer = fetch(world)
    states = {one["number"]: one["state"] for one in body(answer)["keys"]}
    number = token.parse(old).claims.key
    assert states[number] == "verify_only"
    assert states[answer["key"]] == "active"
    assert "next" in states.values()
    keyring.revoke(workspace_id=tenant.workspace_id, number=number)
    assert {one["number"]: one["state"] for one in body(fetch(world))["keys"]}[number] == "revoked"
