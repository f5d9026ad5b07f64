"""An issuer's own pages: passes in three taps, own numbers, quotas, days, the wall to other issuers."""

import io
import re
import uuid
from datetime import date, timedelta
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from console_pages import text_of
from console_stack import new_tenant
from django.test import Client
from PIL import Image
from seat_world import seat_world, signed_in


@pytest.fixture
def world(tenant):
    return seat_world(tenant)


def words_of(answer: Any) -> str:
    return text_of(answer.content.decode())


def numbers_of(answer: Any) -> dict[str, int]:
    found = re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)</dd>", answer.content.decode())
    return {name: int(value.replace(",", "")) for name, value in found}


def history_of(world: Any, row: Any) -> list[tuple[str, str, Any]]:
    from control_plane.passes.history import history

    lines = history(workspace_id=world.workspace_id, pass_id=row.pk)
    return [(line.what, line.note, line.by) for line in lines]


def update(world: Any, **changes: Any) -> None:
    from control_plane.passes import issuers

    issuers.update_issuer(workspace_id=world.workspace_id, issuer_id=world.issuer.pk, **changes)


# Making


def test_a_pass_is_made_shown_and_admitted_and_the_numbers_say_so(world):
    assert "No pass yet." in words_of(world.page())
    made = world.make(name="Ana Example")
    (row,) = world.passes()
    assert made["Location"] == f"/issue/passes/{row.pk}/?new"
    page = world.page(f"passes/{row.pk}/")
    assert f"No. {row.number}" in words_of(page)
    assert "Ana Example" in words_of(page)
    link = re.search(r'data-share="([^"]+)"', page.content.decode())[1]
    full = world.page(f"passes/{row.pk}/show/")
    assert f"No. {row.number}" in words_of(full)
    # What the phone shares is what the code says, and the gate takes either.
    assert world.gates.scan(link).reason == "ok"
    assert (row.issuer_id, row.created_by) == (world.issuer.pk, None)
    assert history_of(world, row)[0] == ("issued", "by Maria of Kiosk 7", None)
    home = world.page()
    assert numbers_of(home) == {"Made today": 1, "Made in all": 1, "Used today": 1, "Inside now": 1}
    assert "Used" in words_of(home)


def test_parking_asks_for_a_plate_and_is_for_today(tenant):
    world = seat_world(tenant, kind="parking", time_zone="Pacific/Auckland")
    form = world.page("new/").content.decode()
    assert 'name="plate"' in form
    assert 'name="name"' not in form
    today = re.search(r'<option value="(\d{4}-\d\d-\d\d)" selected>Today', form)[1]
    world.make(plate="b ab 1234", day=today)
    (row,) = world.passes()
    assert (row.valid_until - row.valid_from) <= timedelta(hours=25)
    from zoneinfo import ZoneInfo

    from django.utils import timezone

    zone = ZoneInfo("Pacific/Auckland")
    assert row.valid_from.astimezone(zone).date() == timezone.now().astimezone(zone).date()
    assert row.valid_from.astimezone(zone).hour == 0
    assert "B AB 1234" in words_of(world.page())
    assert world.gates.scan(world.text(row)).reason == "ok"


def test_several_at_once_up_to_the_quota_and_to_twenty(tenant):
    world = seat_world(tenant, quota_total=23)
    answer = world.make(count="20")
    assert answer["Location"] == "/issue/made/1-20/?new"
    page = world.page("made/1-20/")
    assert page.content.decode().count("QR code of No.") == 20
    assert "Make 1 to 3 passes at once." in words_of(world.make(count="4"))
    assert "Make 1 to 3 passes at once." in words_of(world.make(count="0"))
    assert "A name or plate is for one pass." in words_of(world.make(count="2", name="Ana"))
    assert len(world.passes()) == 20
    world.make(count="3")
    assert len(world.passes()) == 23
    closed = world.make()
    assert closed.status_code == 409
    assert "Kiosk 7 has made all its passes (23). Ask the organiser for more." in words_of(closed)
    assert "Kiosk 7 has made all its passes (23)." in words_of(world.page())
    assert "New pass" not in words_of(world.page()).replace("No new passes now", "")


def test_the_daily_quota(tenant):
    world = seat_world(tenant, quota_daily=1, quota_total=9)
    assert "1 of 1 left today · 9 of 9 left in all" in words_of(world.page())
    world.make()
    assert "Kiosk 7 has made all its passes for today (1). There are more tomorrow" in words_of(world.page())


def test_the_same_form_twice_makes_one_pass_and_another_wish_another(world):
    form = world.page("new/").content.decode()
    nonce = re.search(r'name="nonce" value="(\w+)"', form)[1]
    first = world.client.post("/issue/new/", {"count": "1", "nonce": nonce, "name": "Ana"})
    again = world.client.post("/issue/new/", {"count": "1", "nonce": nonce, "name": "Ana"})
    (row,) = world.passes()
    assert first["Location"] == f"/issue/passes/{row.pk}/?new"
    assert again["Location"] == f"/issue/passes/{row.pk}/?again"
    assert "This pass was made once." in words_of(world.client.get(again["Location"]))
    # Somebody went back, and wrote another name.
    world.client.post("/issue/new/", {"count": "1", "nonce": nonce, "name": "Ben"})
    assert len(world.passes()) == 2
    assert world.client.post("/issue/new/", {"count": "1", "nonce": "x"}).status_code == 422
    assert len(world.passes()) == 2


@pytest.mark.parametrize(
    ("settings", "days", "usual"),
    [
        ({}, 7, None),
        ({"kind": "parking"}, 7, 0),
        ({"kind": "parking", "ends_at": 3}, 4, 0),
        ({"ends_at": 0}, 0, None),
        ({"kind": "parking", "starts_at": 2, "ends_at": 4}, 3, None),
        ({"kind": "parking", "starts_at": 30, "ends_at": 40}, 0, None),
    ],
)
def test_days_to_choose_from(tenant, settings, days, usual):
    from datetime import UTC, datetime, time

    from control_plane.passes import desk

    now = datetime(2030, 6, 3, 12, tzinfo=UTC)

    def moment(ahead: int) -> datetime:
        # Starts in the morning, ends at night.
        return datetime.combine(now.date() + timedelta(days=ahead), time(9), tzinfo=UTC)

    given = {name: moment(value) if name.endswith("_at") else value for name, value in settings.items()}
    if "ends_at" in given:
        given["ends_at"] += timedelta(hours=13)
    world = seat_world(tenant, **given)
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import seats

    key = world.client.cookies["scanway-issuer"].value
    seat = seats.authenticate(key=key)
    with workspace_scope(world.workspace_id):
        found = desk.days(seat, now)
    first = now.date() + timedelta(days=settings.get("starts_at", 0))
    assert found == [first + timedelta(days=ahead) for ahead in range(days)]
    assert desk.usual_day(seat, found, now) == (None if usual is None else now.date())


def test_no_day_on_which_the_issuer_is_off_or_the_program_closed(tenant):
    from datetime import UTC, datetime

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import desk, issuers, seats

    monday = datetime(2030, 6, 3, 12, tzinfo=UTC)
    night = [{"days": [0, 2, 4], "from": "18:00", "to": "02:00"}]
    world = seat_world(tenant, opening_hours=night)
    issuers.set_day(
        workspace_id=world.workspace_id, issuer_id=world.issuer.pk, day=date(2030, 6, 5), is_active=False
    )
    seat = seats.authenticate(key=world.client.cookies["scanway-issuer"].value)
    with workspace_scope(world.workspace_id):
        assert desk.days(seat, monday) == [date(2030, 6, 3), date(2030, 6, 7)]
    # The night goes on past midnight.
    start, end = desk.window(seat.issuer.program, date(2030, 6, 3))
    assert (start.isoformat(), end.isoformat()) == ("2030-06-03T00:00:00+00:00", "2030-06-04T02:00:00+00:00")


def test_a_day_that_is_not_offered_is_refused(tenant):
    world = seat_world(tenant, kind="parking")
    answer = world.make(day="2020-01-01")
    assert answer.status_code == 422
    assert "Choose one of these days." in words_of(answer)
    assert world.passes() == []


# Off, over, ended


def test_off_today_over_and_back(world):
    from django.utils import timezone

    from control_plane.passes import issuers

    world.make()
    (row,) = world.passes()
    issuers.set_day(
        workspace_id=world.workspace_id,
        issuer_id=world.issuer.pk,
        day=timezone.now().date(),
        is_active=False,
    )
    said = "Kiosk 7 is switched off today. Ask the organiser to switch it on."
    assert said in words_of(world.page())
    assert said in words_of(world.page("new/"))
    # A form that was open since before.
    late = world.client.post("/issue/new/", {"count": "1", "nonce": "0" * 32})
    assert (late.status_code, len(world.passes())) == (409, 1)
    assert world.gates.scan(world.text(row)).reason == "issuer_inactive"
    # What is there can be seen still.
    assert world.page(f"passes/{row.pk}/").status_code == 200


def test_an_ended_program(world):
    from control_plane.passes import programs

    world.make()
    programs.update_program(
        workspace_id=world.workspace_id,
        program_id=world.gates.program.pk,
        expected_version=1,
        state="ended",
    )
    page = words_of(world.page())
    assert "has ended. No more passes can be made for it." in page
    assert world.make().status_code == 409
    assert len(world.passes()) == 1
    assert numbers_of(world.page())["Made in all"] == 1


# Cancelling


def test_an_unused_pass_is_cancelled_and_a_used_one_is_not(world):
    world.make(count="2")
    unused, used = world.passes()
    assert world.gates.scan(world.text(used)).reason == "ok"
    answer = world.client.post(f"/issue/passes/{unused.pk}/cancel/", follow=True)
    assert "No. 1 is cancelled. It admits nobody." in words_of(answer)
    assert "data:image" not in answer.content.decode()
    assert world.client.get(f"/issue/passes/{unused.pk}/show/").status_code == 302
    assert world.gates.scan(world.text(unused)).reason == "revoked"
    assert history_of(world, unused)[1] == ("revoked", "by Maria of Kiosk 7", None)
    answer = world.client.post(f"/issue/passes/{used.pk}/cancel/", follow=True)
    assert "No. 2 was used already. Only the organiser can cancel it now." in words_of(answer)
    assert "Cancel this pass" not in words_of(world.page(f"passes/{used.pk}/"))
    assert world.passes()[1].state == "active"
    # Cancelled ones go on counting: or else paper could be printed, and given back, without an end.
    assert numbers_of(world.page())["Made in all"] == 2


# Printing


def test_printed_with_the_logo_of_the_issuer(world):
    from control_plane.passes import issuers

    logo = io.BytesIO()
    Image.new("RGB", (500, 200), (200, 0, 0)).save(logo, "PNG")
    issuers.set_logo(workspace_id=world.workspace_id, issuer_id=world.issuer.pk, data=logo.getvalue())
    assert world.page("logo.png")["Content-Type"] == "image/png"
    world.make(count="3")
    for path, pages, codes in (("print/1-3.pdf", 3, 1), ("print/1-3.pdf?layout=2x4", 1, 3)):
        answer = world.page(path)
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.count(b"/Subtype /Image") == 1
        document = pypdfium2.PdfDocument(answer.content)
        assert len(document) == pages
        assert "Kiosk 7" in document[0].get_textpage().get_text_range()
        found = zxingcpp.read_barcodes(
            document[0].render(scale=3).to_pil(), formats=zxingcpp.BarcodeFormat.QRCode
        )
        assert len(found) == codes
        assert world.gates.scan(found[0].text).reason in ("ok", "already_used")
    assert "/issue/logo.png" in world.page().content.decode()


# The wall between two issuers


@pytest.fixture
def others(world):
    """Another issuer of the same program, and one of another workspace, each with a pass."""
    tenant = type("Same", (), {"workspace_id": world.workspace_id})()
    same = seat_world(tenant, name="Bravomark bar", person="Bravomark Ben", of=world)
    away = seat_world(
        new_tenant(f"bravomark{uuid.uuid4().hex[:8]}"), name="Bravomark tent", person="Bravomark Tim"
    )
    for one in (same, away):
        one.make(name="Bravomark guest")
    return [same, away]


def test_nothing_of_another_issuer_by_any_address(world, others):
    from control_plane.console import seat_urls

    world.make(name="Mine")
    mine = world.passes()[0]
    asked = 0
    for other in others:
        (theirs,) = other.passes()
        values = {"pass_id": theirs.pk, "first": theirs.number, "last": theirs.number}
        for entry in seat_urls.urlpatterns:
            route = str(entry.pattern)
            if "<" not in route or "code" in route:
                continue
            path = re.sub(r"<row:(\w+)>", lambda match, values=values: str(values[match[1]]), route)
            # Numbers are each program's own: the same one may be a pass of mine there, and shows that alone.
            own = other.gates.program != world.gates.program and "pass_id" not in route
            for method in ("get", "post"):
                answer = getattr(world.client, method)(f"/issue/{path}", follow=True)
                asked += 1
                assert answer.status_code in ((200, 404, 405) if own else (404, 405)), path
                assert b"ravomark" not in answer.content
        assert other.passes()[0].state == "active"
        assert other.passes()[0].uses == 0
    assert asked == 20
    for path in ("", "new/", f"passes/{mine.pk}/"):
        assert b"ravomark" not in world.page(path).content
    # The control: the same addresses on their own phones show it.
    for other in others:
        (theirs,) = other.passes()
        assert "Bravomark guest" in words_of(other.page(f"passes/{theirs.pk}/"))
        assert "Bravomark guest" in words_of(other.page())


def test_numbers_are_of_ones_own_issuer(world, others):
    same = others[0]
    same.make(count="4")
    world.make(count="2")
    assert numbers_of(world.page())["Made in all"] == 2
    assert numbers_of(same.page())["Made in all"] == 5
    assert words_of(world.page()).count("No. ") == 2
    # A range that reaches over to the others shows one's own.
    page = world.page("made/1-20/").content.decode()
    assert page.count("QR code of No.") == 2


def test_two_people_of_one_issuer_share_its_numbers(world):
    from control_plane.passes import seats

    made = seats.create_seat(workspace_id=world.workspace_id, issuer_id=world.issuer.pk, name="Luca")
    second = signed_in(made.code)
    world.make(client=second)
    world.make()
    assert numbers_of(world.page())["Made today"] == numbers_of(second.get("/issue/"))["Made today"] == 2
    assert [history_of(world, row)[0][1] for row in world.passes()] == [
        "by Luca of Kiosk 7", "by Maria of Kiosk 7",
    ]  # fmt: skip


def test_a_stranger_and_a_member_of_the_workspace_have_no_place_here(world, tenant):
    from console_pages import signed_in as member_signed_in

    world.make()
    (row,) = world.passes()
    for client in (Client(), member_signed_in(tenant.user)):
        for path in ("", "new/", f"passes/{row.pk}/", f"passes/{row.pk}/show/", "made/1-1/", "print/1-1.pdf"):
            answer = client.get(f"/issue/{path}")
            assert answer.status_code == 403, path
            assert b"Kiosk" not in answer.content
        assert client.post("/issue/new/", {"count": "1", "nonce": "0" * 32}).status_code == 403
        assert client.post(f"/issue/passes/{row.pk}/cancel/").status_code == 403
    assert len(world.passes()) == 1
