"""In the console: a device's name, role and gates changed later, and the plates that cameras read."""

import re
import uuid
from datetime import timedelta

import pytest
from console_pages import Address, member, signed_in, text_of
from console_stack import new_tenant
from gate_world import gate_world


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def world(tenant):
    return gate_world(tenant, capacity=10)


@pytest.fixture
def of(tenant, world):
    return lambda path="": Address(tenant)(f"passes/{world.program.pk}/{path}")


def words(answer):
    return text_of(answer.content.decode())


def gates_of(world, device="Phone"):
    from control_plane.passes import devices

    return [gate.name for gate in next(
        one for one in devices.list_devices(workspace_id=world.workspace_id, program_id=world.program.pk)
        if one.name == device
    ).at]  # fmt: skip


def test_a_devices_gates_are_changed(client, world, of):
    south = world.add_gate("South")
    path = of(f"devices/{world.device.device_id}/")
    assert path in client.get(of("devices/")).content.decode()
    page = client.get(path).content.decode()
    for checked in (f'value="{world.gate.pk}"', f'value="{south.pk}"', 'value="steward"'):
        (box,) = [one for one in page.split("<input") if checked in one]
        assert "checked" in box.partition(">")[0]
    answer = client.post(path, {"name": "Phone", "role": "supervisor", "gates": [south.pk]}, follow=True)
    assert "Phone is changed. Its phone goes by it at once." in words(answer)
    assert gates_of(world) == ["South"]
    assert "Supervisor · online" in words(answer)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "Give the device a name of 1 to 80 characters."),
        ({"name": "a\u200bb"}, "Leave out the control characters."),
        ({"gates": []}, "Choose at least one gate."),
        ({"gates": ["99999999"]}, "Choose gates of this program."),
        ({"role": "boss"}, "boss is not one of the available choices"),
    ],
)
def test_what_it_cannot_be_changed_to_is_said(client, world, of, given, said):
    form = {"name": "Phone", "role": "steward", "gates": [world.gate.pk]}
    answer = client.post(of(f"devices/{world.device.device_id}/"), form | given)
    assert answer.status_code == 422
    assert said in words(answer)
    assert gates_of(world) == ["North"]


def test_a_removed_device_is_not_changed(client, world, of):
    path = of(f"devices/{world.device.device_id}/")
    client.post(of(f"devices/{world.device.device_id}/remove/"))
    form = {"name": "Phone", "role": "steward", "gates": [world.gate.pk]}
    assert (client.get(path).status_code, client.post(path, form).status_code) == (404, 404)


def test_who_may_not_manage_gates_changes_no_device(tenant, world, of):
    editor = signed_in(member(tenant, "editor"))
    path = of(f"devices/{world.device.device_id}/")
    assert (editor.get(path).status_code, editor.post(path, {}).status_code) == (403, 403)
    assert path not in editor.get(of("devices/")).content.decode()


def read(world, plate, **more):
    from control_plane.passes import plates

    plates.read(device=world.device, gate_id=world.gate.pk, plate=plate, nonce=uuid.uuid4(), **more)


def test_plates_are_counted_by_the_hour_and_not_shown(client, world, of):
    assert "No plate was read on this day" in words(client.get(of("plates/")))
    assert of("plates/") in client.get(of("devices/")).content.decode()
    for plate in ("B AL 1815", "M XY 99"):
        read(world, plate, direction="in")
    read(world, "M XY 99", direction="out")
    page = words(client.get(of("plates/")))
    assert "All day 2 1" in page
    assert "Which cars they were is not shown" in page
    assert "1815" not in page


def test_kept_plates_are_listed_day_by_day(client, world, of):
    from django.utils import timezone

    from control_plane.passes import programs

    changed = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    programs.update_program(**changed, keep_plates=True)
    now = timezone.now()
    read(world, "b-al 1815", at=now - timedelta(days=1) + timedelta(minutes=1), direction="in")
    read(world, "<b>M XY", direction="in")
    page = client.get(of("plates/")).content.decode()
    assert "&lt;B&gt;M XY" in page
    assert "This program keeps the plates" in page
    yesterday = (now - timedelta(days=1) + timedelta(minutes=1)).date()
    earlier = client.get(of(f"plates/?day={yesterday}"))
    assert "B-AL 1815" in words(earlier)
    assert "Day after" in words(earlier) or yesterday == now.date()
    for odd in ("soon", "9999-12-31", "0001-01-01"):
        assert client.get(of(f"plates/?day={odd}")).status_code == 200
    # Who is in another workspace sees none of it.
    assert signed_in(new_tenant().user).get(of("plates/")).status_code == 404


def test_a_program_keeps_plates_only_when_told(client, world, of):
    from control_plane.passes import programs

    page = client.get(of("edit/")).content.decode()
    (box,) = [one for one in page.split("<input") if 'name="keep_plates"' in one]
    assert "checked" not in box.partition(">")[0]
    form = {"name": world.program.name, "kind": "event", "time_zone": "UTC", "reentry": "none", "version": 1}
    assert client.post(of("edit/"), form | {"keep_plates": "on"}).status_code == 302
    kept = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    assert programs.get_program(**kept).keep_plates is True


def test_several_groups_of_choices_have_ids_of_their_own(client, of):
    """What is described by a hint or an error names it, and nothing else has that name."""
    answer = client.post(of("devices/new/"), {"name": ""})
    body = answer.content.decode()
    ids = re.findall(r'\sid="([^"]*)"', body)
    assert len(ids) == len(set(ids))
    for field in ("name", "role", "gates"):
        assert f"id_{field}-error" in ids
    described = [name for names in re.findall(r'aria-describedby="([^"]*)"', body) for name in names.split()]
    assert described
    assert set(described) <= set(ids)
