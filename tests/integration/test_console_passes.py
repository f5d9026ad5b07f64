"""Programs, passes and gates in the console: what an organiser does on each screen, and what goes wrong."""

import io
import json
import re
import uuid
from typing import Any

import pytest
import zxingcpp
from console_pages import Address, member, signed_in, text_of
from console_stack import new_tenant
from gate_world import gate_world
from PIL import Image


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def at(tenant):
    return Address(tenant)


@pytest.fixture
def world(tenant):
    return gate_world(tenant, capacity=10)


@pytest.fixture
def of(at, world):
    """Paths of the program's pages."""
    return lambda path="": at(f"passes/{world.program.pk}/{path}")


def body_of(answer: Any) -> str:
    return answer.content.decode()


def words_of(answer: Any) -> str:
    return text_of(body_of(answer))


def scoped(world: Any, model: str, **where: Any) -> Any:
    """The row as it is now."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import models

    with workspace_scope(world.workspace_id):
        return getattr(models, model).objects.get(**where)


def error_at(answer: Any, field: str) -> str:
    """The sentence that stands at a field of a form that was refused."""
    assert answer.status_code == 422
    parts = body_of(answer).split('data-field="')
    found = [one for one in parts if one.startswith(f'{field}"') and 'class="error"' in one]
    assert found, words_of(answer)
    return text_of(found[0][found[0].index('class="error"') :])


# Programs


NEW = {
    "name": "Harbour festival",
    "kind": "event",
    "place": "Pier 7",
    "time_zone": "Europe/Berlin",
    "starts_at": "2030-06-01T10:00",
    "ends_at": "2030-06-03T22:00",
    "reentry": "after_exit",
    "offline": "on",
    "zone_name": "Pier",
    "zone_capacity": "250",
    "gate_name": "North gate",
    "gate_way": "both",
}


def test_no_program_yet_teaches_three_steps(client, at):
    page = words_of(client.get(at("passes/")))
    for step in ("Make a program and its zones", "Issue passes", "Pair phones at the gates"):
        assert step in page


def test_a_new_program_comes_with_a_zone_and_a_gate(client, tenant, at):
    from control_plane.passes import programs

    answer = client.post(at("passes/new/"), NEW | {"name": f"Harbour {uuid.uuid4().hex[:6]}"}, follow=True)
    assert answer.status_code == 200
    page = words_of(answer)
    assert "is ready. Now issue passes and pair phones." in page
    assert "0 / 250 0 %" in page
    assert "North gate" in page
    # As typed, in the program's time zone and not the workspace's.
    assert "1 Jun 2030, 10:00 – 3 Jun 2030, 22:00 · Europe/Berlin" in page
    (program,) = programs.list_programs(workspace_id=tenant.workspace_id)
    assert program.starts_at.isoformat() == "2030-06-01T08:00:00+00:00"
    assert not re.search(r"<[^>]+\s(style|on\w+)=", body_of(answer))


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"name": " "}, "name", "Give the program a name of 1 to 80 characters."),
        ({"time_zone": "Mars/Base"}, "time_zone", "Choose a time zone from the list"),
        ({"ends_at": "2030-05-01T10:00"}, "ends_at", "The end must come after the start."),
        ({"starts_at": "soon"}, "starts_at", "Give a date and a time, such as"),
        ({"starts_at": "1999-01-01T10:00"}, "starts_at", "between the years 2021 and 2050"),
        ({"reentry": "count"}, "max_uses", "Say how many times a pass may be used."),
        ({"reentry": "daily", "max_uses": "0"}, "max_uses", "Give a whole number from 1 to 100,000"),
        ({"use_hours": "x"}, "use_hours", "Give a whole number from 1 to 8,784"),
        ({"opening_hours": "Mon-Fri 8 to 6"}, "opening_hours", "Line 1: write days and times"),
        (
            {"opening_hours": "Mon 08:00-18:00\nFunday 08:00-18:00"},
            "opening_hours",
            "Line 2: “Funday” is no day.",
        ),
        ({"opening_hours": "Mon 08:00-25:00"}, "opening_hours", "Line 1: “25:00” is no time of day."),
        ({"opening_hours": "Mon 08:00-08:00"}, "opening_hours", "Period 1 has no length."),
        ({"zone_capacity": "-1"}, "zone_capacity", "Give a whole number from 1 to 10,000,000"),
        ({"zone_name": ""}, "zone_name", "A gate leads into a zone: name it too."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_makes_nothing(client, tenant, at, given, field, said):
    from control_plane.passes import programs

    assert said in error_at(client.post(at("passes/new/"), NEW | given), field)
    assert programs.list_programs(workspace_id=tenant.workspace_id) == []


def test_a_zone_that_is_refused_takes_the_program_back(client, tenant, at):
    """The forms find nothing wrong; the service does, after the program was made."""
    from control_plane.passes import programs

    answer = client.post(at("passes/new/"), NEW | {"gate_name": "North\u200bgate"})
    assert "control characters" in error_at(answer, "gate_name")
    assert programs.list_programs(workspace_id=tenant.workspace_id) == []


def test_the_maximum_of_a_rule_without_one_was_not_meant(client, tenant, at):
    from control_plane.passes import programs

    client.post(at("passes/new/"), NEW | {"reentry": "none", "max_uses": "7"})
    (program,) = programs.list_programs(workspace_id=tenant.workspace_id)
    assert (program.reentry, program.max_uses) == ("none", None)


def test_the_list_shows_how_full_it_is(client, at, world):
    for text in world.issue(9):
        world.scan(text, way="in")
    page = client.get(at("passes/"))
    assert "9 / 10" in words_of(page)
    assert "gauge-warning" in body_of(page)
    world.scan(*world.issue(1), way="in")
    page = client.get(at("passes/"))
    assert "10 / 10 Full" in words_of(page)
    assert "gauge-full" in body_of(page)


def test_a_program_can_be_changed(client, world, of):
    form = {
        "name": world.program.name,
        "kind": "parking",
        "time_zone": "Asia/Tokyo",
        "starts_at": "2030-01-01T09:00",
        "reentry": "count",
        "max_uses": "10",
        "opening_hours": "Mon-Fri 08:00-18:00\nSat, Sun 10:00-02:00",
        "auto_exit_minutes": "240",
        "show_holder": "on",
        "version": "1",
    }
    assert client.post(of("edit/"), form).status_code == 302
    now = scoped(world, "Program", id=world.program.pk)
    assert now.starts_at.isoformat() == "2030-01-01T00:00:00+00:00"
    assert now.opening_hours[1] == {"days": [5, 6], "from": "10:00", "to": "02:00"}
    assert (now.kind, now.max_uses, now.offline, now.show_holder) == ("parking", 10, False, True)
    shown = body_of(client.get(of("edit/")))
    assert "Mon-Fri 08:00-18:00\nSat, Sun 10:00-02:00" in shown
    assert 'value="2030-01-01T09:00"' in shown
    # Saved again as it was shown, nothing differs; by somebody who saw the version before, it is refused.
    assert "Load it again" in words_of(client.post(of("edit/"), form | {"place": "Here"}))


def test_pause_resume_and_end(client, world, of):
    (text,) = world.issue(1)
    assert "is paused" in words_of(client.post(of("state/"), {"to": "paused"}, follow=True))
    assert world.scan(text).reason == "closed"
    client.post(of("state/"), {"to": "active"})
    assert world.scan(text, way="in").admitted
    client.post(of("state/"), {"to": "ended"})
    assert "Its passes are no longer valid, and none can be issued." in words_of(client.get(of()))
    assert "has ended" in words_of(client.post(of("passes/issue/"), {"count": "1"}))
    assert "Choose one of" in words_of(client.post(of("state/"), {"to": "gone"}, follow=True))


def test_a_program_with_passes_cannot_be_deleted(client, at, world, of):
    world.issue(1)
    assert "End it instead of deleting it." in words_of(client.post(of("delete/"), follow=True))
    empty = client.post(at("passes/new/"), NEW)["Location"]
    assert "is deleted." in words_of(client.post(f"{empty}delete/", follow=True))
    assert client.get(empty).status_code == 404


# The overview


def test_counts_follow_what_gates_do(client, world, of):
    texts = world.issue(4)
    for text in texts[:3]:
        world.scan(text, way="in")
    world.scan(texts[0], way="in")
    world.scan("no pass")
    world.scan(texts[1], way="out")
    answer = client.get(of("counts/"))
    assert answer["Cache-Control"] == "no-store"
    parts = {name: text_of(html) for name, html in json.loads(answer.content)["parts"].items()}
    assert "2 / 10 20 %" in parts["zones"]
    assert "Admitted 3 Left 1 Refused 2" in parts["today"]
    assert "This pass was used already. 1" in parts["today"]
    assert "This code is no pass of ours. 1" in parts["today"]
    assert "2 of 2 online" in parts["devices"]
    # The page itself shows the same without any script.
    assert parts["today"] in words_of(client.get(of()))


def test_what_a_supervisor_takes_back_does_not_count(client, world, of):
    from control_plane.passes.occupancy import undo

    (text,) = world.issue(1)
    undo(device=world.supervisor, attempt_id=world.scan(text, way="in").attempt_id)
    page = words_of(client.get(of()))
    assert "Admitted 0 Left 0 Refused 0" in page
    assert "admitted, taken back" in page


def test_a_full_zone_says_so(client, world, of):
    hall = world.add_zone("Hall", parent=world.zone, capacity=1)
    gate = world.add_gate("Door", hall)
    world.scan(*world.issue(1), gate=gate, way="in")
    found = json.loads(client.get(of("counts/")).content)
    assert found["full"] == ["Hall"]
    assert found["warning"] == []
    assert "depth-1" in found["parts"]["zones"]


# Zones and gates


def test_zones_nest_and_are_changed(client, world, of):
    added = client.post(
        of("zones/new/"), {"name": "Hall A", "capacity": "5", "parent": world.zone.pk}, follow=True
    )
    assert "Hall A is added." in words_of(added)
    hall = scoped(world, "Zone", name="Hall A", program_id=world.program.pk)
    assert hall.path == [world.zone.pk, hall.pk]
    assert client.post(of(f"zones/{hall.pk}/"), {"name": "Hall B", "capacity": ""}).status_code == 302
    hall = scoped(world, "Zone", id=hall.pk)
    assert (hall.name, hall.capacity) == ("Hall B", None)
    assert "Hall B is deleted." in words_of(client.post(of(f"zones/{hall.pk}/delete/"), follow=True))


def test_what_a_zone_cannot_be_is_said_at_its_field(client, world, of):
    assert "in use here" in error_at(client.post(of("zones/new/"), {"name": "Venue"}), "name")
    assert "Give the zone a name" in error_at(client.post(of("zones/new/"), {"capacity": "1"}), "name")
    answer = client.post(of("zones/new/"), {"name": "X", "capacity": "many"})
    assert "Give a whole number" in error_at(answer, "capacity")
    answer = client.post(of("zones/new/"), {"name": "X", "parent": "99999999"})
    assert "Choose a zone of this program." in error_at(answer, "parent")
    for text in world.issue(3):
        world.scan(text, way="in")
    answer = client.post(of(f"zones/{world.zone.pk}/"), {"name": "Venue", "capacity": "2"})
    assert "3 are inside Venue now" in error_at(answer, "capacity")
    refused = words_of(client.post(of(f"zones/{world.zone.pk}/delete/"), follow=True))
    assert "3 are inside Venue." in refused


def test_gates_are_added_moved_closed_and_deleted(client, world, of):
    hall = world.add_zone("Hall")
    added = client.post(of("gates/new/"), {"name": "Door", "zone": world.zone.pk, "way": "exit"}, follow=True)
    assert "Door is added." in words_of(added)
    gate = scoped(world, "Gate", name="Door", program_id=world.program.pk)
    client.post(of(f"gates/{gate.pk}/"), {"name": "Side door", "zone": hall.pk, "way": "both"})
    gate = scoped(world, "Gate", id=gate.pk)
    assert (gate.name, gate.zone_id, gate.way) == ("Side door", hall.pk, "both")
    assert "Side door is closed." in words_of(
        client.post(of(f"gates/{gate.pk}/switch/"), {"open": "0"}, follow=True)
    )
    assert not scoped(world, "Gate", id=gate.pk).is_open
    client.post(of(f"gates/{gate.pk}/switch/"), {"open": "1"})
    assert scoped(world, "Gate", id=gate.pk).is_open
    assert "Side door is deleted." in words_of(client.post(of(f"gates/{gate.pk}/delete/"), follow=True))


def test_what_a_gate_cannot_be_is_said_at_its_field(client, world, of):
    form = {"name": "North", "zone": world.zone.pk, "way": "both"}
    assert "in use here" in error_at(client.post(of("gates/new/"), form), "name")
    assert "Choose a zone" in error_at(client.post(of("gates/new/"), form | {"zone": "1"}), "zone")
    assert "Choose entrance" in error_at(client.post(of("gates/new/"), form | {"way": "up"}), "way")


def test_the_count_is_corrected_with_a_reason(client, tenant, world, of):
    path = of(f"zones/{world.zone.pk}/correct/")
    assert "Say why" in error_at(client.post(path, {"inside": "4"}), "note")
    assert "Give the number" in error_at(client.post(path, {"inside": "-4", "note": "x"}), "inside")
    assert "has room for 10" in error_at(client.post(path, {"inside": "11", "note": "x"}), "inside")
    said = words_of(client.post(path, {"inside": "4", "note": "Counted at 18:00"}, follow=True))
    assert "Venue has 4 inside now." in said
    assert world.inside() == 4
    moved = scoped(world, "Movement", zone_id=world.zone.pk)
    assert (moved.note, moved.by_id) == ("Counted at 18:00", tenant.user.pk)


# Devices


def test_a_phone_is_paired_by_the_code_shown_once(client, world, of):
    from control_plane.passes import devices

    form = {"name": "Gate phone", "role": "steward", "gates": [world.gate.pk]}
    answer = client.post(of("devices/new/"), form)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    body = body_of(answer)
    code = re.search(r"swp_\w{12}_[\w-]{43}", body)[0]
    assert f"/gate/#{code}" in body
    assert 'src="data:image/svg' in body
    device = scoped(world, "Device", name="Gate phone")
    assert client.get(of(f"devices/{device.pk}/state/")).json() == {"paired": False}
    assert code not in body_of(client.get(of("devices/")))
    assert "waits for its phone" in words_of(client.get(of("devices/")))
    devices.pair(code=code)
    assert client.get(of(f"devices/{device.pk}/state/")).json() == {"paired": True}
    assert "Steward · online" in words_of(client.get(of("devices/")))


def test_a_new_code_leaves_the_phone_working_until_it_is_used(client, world, of):
    from control_plane.passes import devices

    body = body_of(client.post(of(f"devices/{world.device.device_id}/code/")))
    code = re.search(r"swp_\w{12}_[\w-]{43}", body)[0]
    state = of(f"devices/{world.device.device_id}/state/")
    assert client.get(state).json() == {"paired": False}
    devices.pair(code=code)
    assert client.get(state).json() == {"paired": True}


def test_a_removed_device_is_gone(client, world, of):
    path = of(f"devices/{world.device.device_id}/remove/")
    assert "Phone is removed." in words_of(client.post(path, follow=True))
    assert client.post(path).status_code == 404
    assert client.post(of(f"devices/{world.device.device_id}/code/")).status_code == 404


def test_battery_and_last_seen(client, world, of):
    from datetime import timedelta

    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Device

    with workspace_scope(world.workspace_id):
        Device.objects.filter(id=world.device.device_id).update(
            battery=12, seen_at=timezone.now() - timedelta(minutes=5)
        )
    page = client.get(of("devices/"))
    assert "Steward · away" in words_of(page)
    assert "5 min ago" in words_of(page)
    assert "Battery 12 %" in words_of(page)
    assert "is-low" in body_of(page)


def test_what_a_device_cannot_be_is_said_at_its_field(client, world, of):
    form = {"name": "Phone", "role": "steward", "gates": [world.gate.pk]}
    assert "Give the device a name" in error_at(client.post(of("devices/new/"), form | {"name": ""}), "name")
    assert "at least one gate" in error_at(client.post(of("devices/new/"), form | {"gates": []}), "gates")
    answer = client.post(of("devices/new/"), form | {"gates": ["99999999"]})
    assert "Choose gates of this program." in error_at(answer, "gates")


# Issuers


def test_issuers_have_quotas_and_days(client, world, of):
    form = {"name": "Box office", "quota_total": "5", "quota_daily": ""}
    assert "Box office may issue" in words_of(client.post(of("issuers/"), form, follow=True))
    issuer = scoped(world, "Issuer", name="Box office")
    assert "in use here" in error_at(client.post(of("issuers/"), form), "name")
    client.post(of("passes/issue/"), {"count": "4", "issuer": issuer.pk})
    assert "4 / 5" in words_of(client.get(of("issuers/")))
    answer = client.post(of("passes/issue/"), {"count": "2", "issuer": issuer.pk})
    assert "may issue 1 more passes, not 2" in error_at(answer, "count")
    client.post(of(f"issuers/{issuer.pk}/"), {"name": "Box", "quota_total": "", "quota_daily": "9"})
    now = scoped(world, "Issuer", id=issuer.pk)
    assert (now.name, now.quota_total, now.quota_daily) == ("Box", None, 9)
    said = words_of(client.post(of(f"issuers/{issuer.pk}/delete/"), follow=True))
    assert "has issued 4 passes. Switch it off instead." in said


def test_an_issuer_is_off_today_only(client, world, of):
    from django.utils import timezone

    client.post(of("issuers/"), {"name": "Sponsor"})
    issuer = scoped(world, "Issuer", name="Sponsor")
    (text,) = world.issue(1, issuer_id=issuer.pk)
    day = of(f"issuers/{issuer.pk}/day/")
    today = f"{timezone.now():%Y-%m-%d}"
    assert client.post(day, {"day": today, "on": "off"}).status_code == 302
    assert "Off today only" in words_of(client.get(of("issuers/")))
    assert world.scan(text).reason == "issuer_inactive"
    client.post(day, {"day": today, "on": ""})
    assert world.scan(text, way="in").admitted
    client.post(of(f"issuers/{issuer.pk}/switch/"), {"on": "0"})
    assert not scoped(world, "Issuer", id=issuer.pk).is_active
    assert "Choose a day" in error_at(client.post(day, {"day": "someday", "on": "off"}), "day")


# Passes


def test_many_passes_are_issued_and_printed(client, world, of):
    answer = client.post(of("passes/issue/"), {"count": "30"}, follow=True)
    assert "30 passes are issued: No. 1 to 30." in words_of(answer)
    assert 'value="1-30"' in body_of(answer)
    form = {"numbers": "1-30", "layout": "2x4", "paper": "a4", "title": "Festival", "cut_marks": "on"}
    pdf = client.post(of("passes/print/"), form)
    assert pdf.status_code == 200
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")
    assert pdf.content.count(b"/Type /Page\n") == 4 or b"/Count 4" in pdf.content
    assert "attachment" in pdf["Content-Disposition"]


@pytest.mark.parametrize("layout", ["1", "2x4", "3x8", "badge", "lanyard", "receipt"])
def test_each_layout_can_be_printed(client, world, of, layout):
    world.issue(2)
    pdf = client.post(
        of("passes/print/"),
        {"numbers": "1-2", "layout": layout, "paper": "letter", "title": "Fair", "lines": "Today\nHere"},
    )
    assert pdf.content.startswith(b"%PDF"), words_of(pdf)


def test_what_is_ticked_is_printed(client, world, of):
    world.issue(9)
    page = body_of(client.get(of("passes/print/") + "?n=2&n=3&n=4&n=9"))
    assert 'value="2-4, 9"' in page


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"numbers": ""}, "numbers", "Say which passes to print"),
        ({"numbers": "first"}, "numbers", "“first” is no number."),
        ({"numbers": "9-2"}, "numbers", "Write the smaller number first: 2-9."),
        ({"numbers": "1-5000"}, "numbers", "Name at most 1,000"),
        ({"numbers": "77"}, "numbers", "None of these numbers is a pass that can be printed."),
        ({"layout": "9x9"}, "layout", "Choose one of these layouts."),
        ({"paper": "a0"}, "paper", "Choose A4 or US Letter."),
        ({"title": ""}, "title", "Write a title."),
        ({"lines": "1\n2\n3\n4\n5"}, "lines", "Write at most 4 lines"),
        ({"logo": io.BytesIO(b"no picture")}, "logo", "Choose a PNG image as logo."),
    ],
)
def test_what_cannot_be_printed_is_said_at_its_field(client, world, of, given, field, said):
    world.issue(1)
    form = {"numbers": "1", "layout": "2x4", "paper": "a4", "title": "Fair"} | given
    assert said in error_at(client.post(of("passes/print/"), form), field)


def test_a_pass_with_a_holder_is_found_by_whole_words(client, world, of):
    form = {"count": "1", "name": "Ana Éxample", "email": "ana@example.com", "plate": "b ab 1234"}
    answer = client.post(of("passes/issue/"), form, follow=True)
    page = words_of(answer)
    assert "Pass No. 1 is issued." in page
    assert "Ana Éxample B AB 1234 ana@example.com" in page
    world.issue(2)
    for text in ("example", "ANA EXAMPLE", "ana@example.com", "BAB1234", "B AB 1234", "1", "#1"):
        found = body_of(client.get(of("passes/"), {"q": text}))
        assert found.count('<td class="no">') == 1, text
    assert "No pass matches" in words_of(client.get(of("passes/"), {"q": "exam"}))


def test_a_holder_is_for_one_pass(client, of):
    answer = client.post(of("passes/issue/"), {"count": "2", "name": "Ana"})
    assert "A holder is for one pass." in error_at(answer, "count")
    answer = client.post(of("passes/issue/"), {"count": "1", "email": "ana at home"})
    assert "This is no e-mail address." in error_at(answer, "email")
    for count in ("0", "50001", "x", ""):
        answer = client.post(of("passes/issue/"), {"count": count})
        assert "Issue 1 to 50,000 passes at once." in error_at(answer, "count")
    form = {"count": "1", "valid_from": "2030-01-02T10:00", "valid_until": "2030-01-01T10:00"}
    assert "The end must come" in error_at(client.post(of("passes/issue/"), form), "valid_until")


def test_passes_are_filtered_and_paged(client, world, of):
    texts = world.issue(60)
    world.scan(texts[3], way="in")
    first = body_of(client.get(of("passes/")))
    assert first.count('<td class="no">') == 50
    assert "No. 60<" in first
    following = re.search(r'rel="next" href="(\?[^"]+)"', first)[1].replace("&amp;", "&")
    second = body_of(client.get(of("passes/") + following))
    assert second.count('<td class="no">') == 10
    assert "First page" in second
    inside = body_of(client.get(of("passes/"), {"state": "inside"}))
    assert inside.count('<td class="no">') == 1
    assert "No. 4<" in inside


def test_a_pass_page_tells_its_whole_story(client, world, of):
    ((row, text),) = world.issue_rows(1, holder={"name": "Ana"})
    world.scan(text, way="in")
    world.scan(text, way="in")
    client.post(of(f"passes/{row.pk}/state/"), {"to": "held", "note": "Not paid"})
    page = words_of(client.get(of(f"passes/{row.pk}/")))
    assert "On hold" in page
    assert "Venue since" in page
    assert "Entries 1 of 1" in page
    history = page[page.index("History") :]
    told = ["Put on hold", "Not paid", "Refused: This pass was used already.", "Admitted", "Issued"]
    assert sorted(told, key=history.index) == told
    assert "North, Phone" in history


def test_the_code_admits(client, world, of):
    ((row, _),) = world.issue_rows(1)
    image = client.get(of(f"passes/{row.pk}/qr.png"))
    assert image["Cache-Control"] == "private, no-store"
    (found,) = zxingcpp.read_barcodes(
        Image.open(io.BytesIO(image.content)), formats=zxingcpp.BarcodeFormat.QRCode
    )
    assert world.scan(found.text, way="in").admitted
    assert b"<svg" in client.get(of(f"passes/{row.pk}/qr.svg")).content
    assert client.get(of(f"passes/{row.pk}/qr.pdf")).content.startswith(b"%PDF")


def test_hold_release_cancel_restore(client, world, of):
    ((row, text),) = world.issue_rows(1)

    def to(state: str) -> str:
        return words_of(client.post(of(f"passes/{row.pk}/state/"), {"to": state}, follow=True))

    assert "No. 1 is on hold." in to("held")
    assert world.scan(text).reason == "held"
    assert "No. 1 is valid again." in to("active")
    assert "No. 1 is cancelled." in to("revoked")
    assert world.scan(text).reason == "revoked"
    assert client.get(of(f"passes/{row.pk}/qr.svg")).status_code == 404
    to("active")
    assert world.scan(text, way="in").admitted
    assert "Choose one of" in to("gone")
    said = client.post(of(f"passes/{row.pk}/state/"), {"to": "held", "note": "x" * 201}, follow=True)
    assert "Use at most 200 characters" in words_of(said)


def test_extend_transfer_and_replace(client, world, of):
    ((row, text),) = world.issue_rows(1, holder={"name": "Ana", "fields": {"Seat": "12A"}})
    path = of(f"passes/{row.pk}/")
    form = {"valid_from": "2030-01-01T10:00", "valid_until": "2030-01-02T10:00"}
    assert client.post(f"{path}extend/", form).status_code == 302
    assert world.scan(text).reason == "not_yet_valid"
    answer = client.post(f"{path}extend/", form | {"valid_until": "2029-01-02T10:00"})
    assert "The end must come after the start." in error_at(answer, "valid_until")
    assert client.post(f"{path}extend/", {}).status_code == 302
    client.post(f"{path}transfer/", {"name": "Ben", "plate": "x 1"})
    page = words_of(client.get(path))
    assert "Ben X 1" in page
    assert "Seat: 12A" in page
    assert "no e-mail" in error_at(client.post(f"{path}transfer/", {"email": "x"}), "email")
    answer = client.post(f"{path}replace/", {"note": "Lost"}, follow=True)
    assert "This is the new pass" in words_of(answer)
    assert "Instead of No. 1" in words_of(answer)
    assert world.scan(text).reason == "revoked"
    assert "Replaced by another pass" in words_of(client.get(path))
    assert "Replace that one." in words_of(client.post(f"{path}replace/", {}))


def test_a_pass_that_is_inside_is_not_replaced(client, world, of):
    ((row, text),) = world.issue_rows(1)
    world.scan(text, way="in")
    assert "This pass is inside." in words_of(client.post(of(f"passes/{row.pk}/replace/"), {}))


# Who may


def test_a_viewer_sees_and_changes_nothing(tenant, world, of, at):
    ((row, _),) = world.issue_rows(1)
    viewer = signed_in(member(tenant, "viewer"))
    for path in ("", "counts/", "zones/", "devices/", "issuers/", "passes/", f"passes/{row.pk}/"):
        answer = viewer.get(of(path))
        assert answer.status_code == 200, path
        assert '<form method="post" action="/w/' not in body_of(answer), path
    # Whoever has the code gets in.
    for path in (f"passes/{row.pk}/qr.svg", "passes/issue/", "passes/print/", "edit/", "devices/new/"):
        assert viewer.get(of(path)).status_code == 403, path
    for path in ("zones/new/", "state/", "delete/", "gates/new/", f"passes/{row.pk}/state/"):
        assert viewer.post(of(path), {"to": "held"}).status_code == 403, path
    assert viewer.post(of("issuers/"), {"name": "Mine"}).status_code == 403
    assert viewer.get(at("passes/new/")).status_code == 403


def test_an_editor_issues_passes_and_leaves_gates_alone(tenant, world, of, at):
    editor = signed_in(member(tenant, "editor"))
    assert editor.post(of("passes/issue/"), {"count": "1"}).status_code == 302
    assert editor.post(of("issuers/"), {"name": "Mine"}).status_code == 302
    assert editor.post(of(f"gates/{world.gate.pk}/switch/"), {"open": "0"}).status_code == 403
    assert editor.post(of("state/"), {"to": "ended"}).status_code == 403
    assert "New program" not in words_of(editor.get(at("passes/")))


def test_gate_staff_see_none_of_it(tenant, of, at):
    staff = signed_in(member(tenant, "gate_staff"))
    assert staff.get(at("passes/")).status_code == 403
    assert staff.get(of()).status_code == 403


def test_rows_of_another_program_are_not_found(client, tenant, world, of):
    other = gate_world(tenant)
    ((row, _),) = other.issue_rows(1)
    for path in (
        f"zones/{other.zone.pk}/",
        f"gates/{other.gate.pk}/",
        f"devices/{other.device.device_id}/state/",
        f"passes/{row.pk}/",
    ):
        assert client.get(of(path)).status_code == 404, path


def test_another_workspace_has_its_own(client, of):
    stranger = new_tenant()
    there = Address(stranger)
    own = signed_in(stranger.user)
    program = of().split("/passes/")[1]
    assert own.get(of()).status_code == 404
    assert own.get(there(f"passes/{program}")).status_code == 404
    assert "Make your first program" in words_of(own.get(there("passes/")))
