"""What an organiser sees of gates that were offline: conflicts, and places that are lent."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from console_pages import Address, member, signed_in, text_of
from console_stack import Tenant
from django.utils import timezone
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=40)


@pytest.fixture
def page(tenant: Tenant, world: GateWorld) -> Any:
    """page("conflicts/") → the words of that page of the program."""
    client, at = signed_in(tenant.user), Address(tenant)

    def words(path: str = "") -> str:
        answer = client.get(at(f"passes/{world.program.pk}/{path}"))
        assert answer.status_code == 200
        assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.content.decode())
        return str(text_of(answer.content.decode()))

    return words


def admit(world: GateWorld, text: str, device: Any, **more: Any) -> None:
    from control_plane.passes import journal

    now = timezone.now()
    entry = journal.Entry(
        nonce=uuid.uuid4(), gate_id=world.gate.pk, at=now - timedelta(minutes=1), text=text, way="in", **more
    )
    journal.take(device=device, entries=[entry], sent_at=now)


def test_none_teaches_and_some_are_told_on_every_tab(page: Any, world: GateWorld) -> None:
    empty = page("conflicts/")
    assert "No conflicts" in empty
    assert "They hand in what they did" in empty
    ((row, text),) = world.issue_rows(holder={"name": "Ada Lovelace"})
    admit(world, text, world.device)
    admit(world, text, world.supervisor)
    listed = page("conflicts/")
    assert f"No. {row.number} It had been used already." in listed
    assert "The scan it did not know of North Phone · offline" in listed
    assert "Admitted while offline North Boss" in listed
    assert "Ada" not in listed
    assert "1 conflict. Gates that were offline admitted" in page()
    for path in ("", "issuers/", "devices/"):
        assert "Conflicts 1" in page(path)


def test_a_conflict_without_another_scan(page: Any, world: GateWorld) -> None:
    from control_plane.passes import programs

    admit(world, "NO PASS", world.device)
    programs.delete_gate(workspace_id=world.workspace_id, gate_id=world.gate.pk)
    listed = page("conflicts/")
    assert "Unknown code There is no such pass." in listed
    assert "a gate that was removed" in listed


def test_many_are_on_pages(page: Any, world: GateWorld) -> None:
    from control_plane.passes import journal

    now = timezone.now()
    entries = [
        journal.Entry(nonce=uuid.uuid4(), gate_id=world.gate.pk, at=now, text="NO PASS") for _ in range(60)
    ]
    journal.take(device=world.device, entries=entries, sent_at=now)
    assert "Page 1 of 2" in page("conflicts/")
    assert page("conflicts/?page=2").count("Unknown code") == 10


def test_lent_places_are_shown_and_taken_back(tenant: Tenant, page: Any, world: GateWorld) -> None:
    from control_plane.passes import leases

    places = leases.renew(device=world.device).places[world.zone.pk]
    assert f"{places} places lent, for when it is offline" in page("devices/")
    address = Address(tenant)(f"passes/{world.program.pk}/devices/{world.device.device_id}/leases/")
    assert signed_in(member(tenant, "viewer")).post(address).status_code == 403
    answer = signed_in(tenant.user).post(address, follow=True)
    assert f"{places} places are free again." in text_of(answer.content.decode())
    assert leases.lent(workspace_id=tenant.workspace_id, program_id=world.program.pk) == {}
