"""The control room in the console: its page, the wall, alerts, the report."""

import dataclasses
import io
import json
import re
import zipfile
from typing import Any

import pytest
from alert_receivers import webhook
from console_pages import Address, member, signed_in, text_of
from evening import evening
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


def words_of(answer: Any) -> str:
    return text_of(answer.content.decode())


def fill(world: Any, inside: int) -> None:
    from control_plane.passes import alerts, occupancy

    occupancy.correct(workspace_id=world.workspace_id, zone_id=world.zone.pk, inside=inside, note="counted")
    alerts.watch(world.workspace_id)


def test_the_room_says_how_full_it_is_and_works_without_javascript(client, world, of):
    fill(world, 9)
    answer = client.get(of("room/"))
    page = words_of(answer)
    for text in ("9 / 10 90 %", "Nearly full", "Venue reached 90 %", "with 9 of 10 inside", "Correct",
                 "Nobody was refused today.", "People per minute, UTC time", "2 of 2 online"):  # fmt: skip
        assert text in page
    html = answer.content.decode()
    assert '<noscript><meta http-equiv="refresh" content="20"></noscript>' in html
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    assert f"/zones/{world.zone.pk}/correct/" in html


def test_live_parts_are_those_of_the_page(client, world, of):
    (text,) = world.issue()
    world.scan(text)
    world.scan("nonsense")
    fill(world, 10)
    found = json.loads(client.get(of("room/counts/")).content)
    page = client.get(of("room/")).content.decode()
    assert set(found["parts"]) == set(re.findall(r'data-part="(\w+)"', page))
    assert (found["full"], found["warning"]) == (["Venue"], [])
    assert "This code is no pass of ours." in found["parts"]["refused"]
    wall = json.loads(client.get(of("room/counts/?tv=1")).content)
    assert set(wall["parts"]) == {"wall"}
    assert "FULL" in wall["parts"]["wall"]


def test_the_wall_shows_its_largest_zones_and_the_fullest_of_the_others(client, world, of):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Zone

    inner = [world.add_zone(f"Hall {number}", world.zone, capacity=100) for number in range(8)]
    with workspace_scope(world.workspace_id):
        for number, zone in enumerate(inner):
            Zone.objects.filter(id=zone.pk).update(inside=number * 10)
    page = words_of(client.get(of("room/tv/")))
    assert "Hall 7 70 / 100 Hall 6 60 / 100 Hall 5" in page
    assert "Hall 2" not in page
    assert "and 3 more zones" in page


def test_the_wall_has_no_navigation_and_is_behind_sign_in(client, of):
    html = client.get(of("room/tv/")).content.decode()
    assert "<nav" not in html
    assert 'class="sidebar"' not in html
    from django.test import Client

    assert Client().get(of("room/tv/")).status_code == 302


def test_who_may_see_and_change_what(tenant, of):
    viewer, staff = (signed_in(member(tenant, role)) for role in ("viewer", "gate_staff"))
    for path in ("room/", "room/tv/", "room/counts/", "report/", "report/report.pdf", "report/report.zip"):
        assert viewer.get(of(path)).status_code == 200, path
        assert staff.get(of(path)).status_code == 403, path
    assert viewer.get(of("room/alerts/")).status_code == 403
    page = viewer.get(of("room/")).content.decode()
    assert "room/alerts/" not in page
    assert "/correct/" not in page


# Alerts


def test_a_contact_is_added_tested_and_removed(client, world, of):
    from django.conf import settings
    from django.test import override_settings

    assert "Nobody is told yet" in words_of(client.get(of("room/alerts/")))
    with (
        webhook() as hook,
        override_settings(CONFIG=dataclasses.replace(settings.CONFIG, alert_private=True)),
    ):
        given = {"name": "Night shift", "kind": "chat", "address": hook.url("/hush")}
        page = words_of(client.post(of("room/alerts/"), given, follow=True))
        assert "Night shift is added." in page
        assert "Chat or webhook: Webhook, 127.0.0.1" in page
        assert "hush" not in page
        (test,) = re.findall(r'action="([^"]+/test/)"', client.get(of("room/alerts/")).content.decode())
        assert "A test message to Night shift is on its way." in words_of(client.post(test, follow=True))
        assert hook.got[0][1]["title"] == f"Test: {world.program.name}"
        hook.status = {"/hush": 410}
        said = words_of(client.post(test, follow=True))
        assert "Night shift was not reached. The service refused it, with status 410." in said
    assert "one of these services" in words_of(client.post(test, follow=True)), "http, without the setting"
    removed = client.post(test.replace("/test/", "/remove/"), follow=True)
    assert "Night shift is told no longer." in words_of(removed)
    assert client.post(test).status_code == 404


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"name": ""}, "name", "Give the contact a name"),
        ({"kind": "pigeon"}, "kind", "Choose mail, SMS or chat."),
        ({"address": ""}, "address", "Give the address to write to."),
        ({"address": "file:///etc/passwd"}, "address", "one of these services: Slack (slack://)"),
        ({"address": "slack://nothing"}, "address", "This address is not complete."),
        ({"address": "https://127.0.0.1/x"}, "address", "leads into a private network"),
    ],
)
def test_a_contact_that_cannot_be(client, of, given, field, said):
    start = {"name": "Night shift", "kind": "chat", "address": "https://hooks.example.com/x"}
    answer = client.post(of("room/alerts/"), start | given)
    assert answer.status_code == 422
    parts = answer.content.decode().split('data-field="')
    (found,) = [one for one in parts if one.startswith(f'{field}"') and 'class="error"' in one]
    assert said in text_of(found)


def test_the_list_of_alerts_says_who_was_told(client, world, of):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Alert

    fill(world, 9)
    line = {"id": 1, "kind": "mail", "tries": 5, "next_at": "", "done": True}
    with workspace_scope(world.workspace_id):
        Alert.objects.update(
            sent=[line | {"contact": "Kim", "problem": ""}, line | {"contact": "Lee", "problem": "No."}]
        )
    page = words_of(client.get(of("room/alerts/")))
    assert "Venue 90 % still so 9 / 10 Kim : told Lee : not reached. No." in page


# The report


def test_the_report_as_page_csv_and_pdf(client, tenant):
    world = evening(tenant)
    base = Address(tenant)(f"passes/{world.program.pk}/report/")
    days = "?first=2024-06-01&last=2024-06-01"
    answer = client.get(base + days)
    page = words_of(answer)
    for text in ("Passes used 3 of 8 issued", "No-shows 4 50 %, 1 cancelled", "People came 7 2 left",
                 "Refused 4 1 clone attempt", "Bakery 4 2 2 50 % 0 4", "Saturday 5 2",
                 "1 North Phone 10:05:00 =South Boss 11:00:00 11:01:00 2 This pass was used already.",
                 "busiest hour: 1 Jun, 10:00, 5 came", "wristband torn"):  # fmt: skip
        assert text in page, text
    assert "Lovelace" not in page
    assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.content.decode())
    archive = client.get(f"{base}report.zip{days}")
    assert "2024-06-01-2024-06-01.zip" in archive["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        assert len(files.namelist()) == 12
    assert client.get(f"{base}report.pdf{days}").content.startswith(b"%PDF")


def test_days_that_cannot_be_are_said_at_their_field(client, of):
    for query, said in (
        ("first=2024-06-02&last=2024-06-01", "must not be before the first"),
        ("first=soon", "Give a day, such as"),
        ("first=2000-01-01", "at most 400 days"),
    ):
        answer = client.get(of(f"report/?{query}"))
        assert answer.status_code == 422
        assert said in words_of(answer)
        followed = client.get(of(f"report/report.pdf?{query}"), follow=True)
        assert said in words_of(followed)
