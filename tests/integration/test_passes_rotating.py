"""A code that changes, at the gate: the phone's own is admitted, a picture of it soon is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_stack import Tenant
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, rotating=True)


def shown(row: Any, text: str, at: datetime) -> str:
    """What the phone shows at that moment."""
    from control_plane.passes import rotating

    program = rotating.program_secret(row.workspace_id, row.program_id)
    return text + rotating.code(rotating.pass_secret(program, bytes(row.uid)), rotating.step_of(at))


def test_a_screenshot_is_stale_after_45_seconds(world: GateWorld) -> None:
    row, text = world.issue_rows()[0]
    now = datetime.now(UTC)
    for age in (45, 30, -30, 3600):
        old = world.scan(shown(row, text, now - timedelta(seconds=age)), now=now)
        assert (old.reason, age) == ("stale", age)
        assert old.sentence.startswith("This code is a picture of an older one.")
    # Nothing was used up by it; the phone itself gets in, even where its clock is a step behind.
    assert world.inside() == 0
    assert world.scan(shown(row, text, now - timedelta(seconds=15)), now=now).admitted
    assert world.scan(shown(row, text, now), now=now, way="in").reason == "already_used"


@pytest.mark.parametrize("offline", [True, False])
def test_without_its_code_a_pass_is_stale(tenant: Tenant, offline: bool) -> None:
    from edge import token

    world = gate_world(tenant, rotating=True, offline=offline)
    row, text = world.issue_rows()[0]
    read = token.parse(text)
    for bare in (text, token.link(read.payload + read.signature, "https://go.example.com")):
        assert world.scan(bare).reason == "stale"
    other, other_text = world.issue_rows()[0]
    now = datetime.now(UTC)
    swapped = text + shown(other, other_text, now)[-8:]
    assert world.scan(swapped, now=now).reason == "stale"
    assert world.scan(shown(row, text, now), now=now).admitted


def test_a_stale_code_does_not_say_more_than_it_may(world: GateWorld, tenant: Tenant) -> None:
    from control_plane.passes import issuing

    now = datetime.now(UTC)
    row, text = world.issue_rows()[0]
    good = shown(row, text, now)
    forged = ("A" if good[20] != "A" else "B").join((good[:20], good[21:]))
    assert world.scan(forged, now=now).reason in ("bad_signature", "unknown")
    issuing.change_state(workspace_id=world.workspace_id, pass_id=row.pk, to="revoked")
    assert world.scan(text, now=now).reason == "revoked"
    # Another program's pass is at the wrong gate, whether codes change there or not.
    for other in (gate_world(tenant, rotating=True), gate_world(tenant)):
        strange, its_text = other.issue_rows()[0]
        for scanned in (its_text, shown(strange, its_text, now)):
            assert world.scan(scanned, now=now).reason == "wrong_gate"
    # And where codes do not change, one that is there does not matter.
    plain = gate_world(tenant)
    strange, its_text = plain.issue_rows()[0]
    assert plain.scan(shown(strange, its_text, now), now=now).admitted


def test_a_supervisor_may_pass_over_it_and_nobody_is_kept_in(world: GateWorld) -> None:
    _, text = world.issue_rows()[0]
    assert world.scan(text).reason == "stale"
    verdict = world.scan(text, override="Her phone broke; I know her")
    assert verdict.admitted
    assert verdict.refused_as == "stale"
    assert world.scan(text, way="out").admitted
    assert world.inside() == 0
    world.check_ledger()


def test_a_retry_with_its_nonce_is_not_stale(world: GateWorld) -> None:
    import uuid

    row, text = world.issue_rows()[0]
    now, nonce = datetime.now(UTC), uuid.uuid4()
    first = world.scan(shown(row, text, now), now=now, nonce=nonce)
    again = world.scan(shown(row, text, now), now=now + timedelta(minutes=5), nonce=nonce)
    assert first.admitted
    assert again.admitted
    assert again.replayed


def test_negative_control_without_the_program_s_setting_a_screenshot_gets_in(tenant: Tenant) -> None:
    world = gate_world(tenant, rotating=False)
    row, text = world.issue_rows()[0]
    now = datetime.now(UTC)
    assert world.scan(shown(row, text, now - timedelta(hours=1)), now=now).admitted


def test_nothing_of_such_a_program_is_printed(world: GateWorld, tenant: Tenant) -> None:
    from console_pages import Address, signed_in, text_of
    from django.test import Client

    from edge import token

    client, at = signed_in(tenant.user), Address(tenant)
    row, text = world.issue_rows(holder={"name": "Ada"})[0]
    base = f"passes/{world.program.pk}/passes/"
    assert "Nothing to print" in text_of(client.get(at(f"{base}print/")).content.decode())
    asked = {"numbers": "1", "layout": "2x4", "paper": "a4", "title": "x"}
    refused = client.post(at(f"{base}print/"), asked)
    assert refused.status_code == 422
    assert "Content-Disposition" not in refused
    image = client.get(at(f"{base}{row.pk}/qr.png"))
    assert (image.status_code, "change every 15 seconds" in image.content.decode()) == (422, True)
    assert "there is nothing to print" in client.get(at(f"{base}{row.pk}/")).content.decode()
    for kind in ("svg", "png"):
        answer = client.get(f"/api/v1/passes/{row.pk}/qr.{kind}", headers=tenant.headers)
        assert answer.status_code == 422
        assert "change every 15 seconds" in answer.json()["errors"][0]["message"]
    read = token.parse(text)
    status = Client().get("/t/" + token.link(read.payload + read.signature, "http://x").rsplit("/", 1)[1])
    assert "data:image" not in status.content.decode()
    assert "changes every 15 seconds" in status.content.decode()


def test_switching_it_on_warns_where_passes_are_out(tenant: Tenant) -> None:
    from console_pages import Address, signed_in, text_of

    world, empty = gate_world(tenant), gate_world(tenant)
    world.issue()
    client, at = signed_in(tenant.user), Address(tenant)
    for one, warned in ((world, True), (empty, False)):
        form = {"name": one.program.name, "kind": "event", "time_zone": "UTC", "reentry": "none",
                "rotating": "on", "version": "1"}  # fmt: skip
        page = client.post(at(f"passes/{one.program.pk}/edit/"), form, follow=True)
        words = text_of(page.content.decode())
        assert "Saved." in words
        assert ("Codes change from now on" in words) is warned
    made = client.get(f"/api/v1/programs/{world.program.pk}", headers=tenant.headers).json()
    assert made["rotating"] is True
