"""An organiser adds people to an issuer and gives it a logo, in the console and by the API."""

import base64
import io
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pypdfium2
import pytest
from console_pages import Address, member, signed_in, text_of
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from seat_world import seat_world


@pytest.fixture
def world(tenant):
    return seat_world(tenant)


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def of(tenant, world):
    at = Address(tenant)
    return lambda path="": at(f"passes/{world.gates.program.pk}/issuers/{world.issuer.pk}/{path}")


@pytest.fixture
def api(tenant, world):
    """`api("GET", "/people")` below the issuer: status and body."""
    base = f"/api/v1/programs/{world.gates.program.pk}/issuers/{world.issuer.pk}"

    def ask(method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
        answer = Client().generic(
            method,
            base + path,
            data=json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers=headers or tenant.headers,
        )
        return answer.status_code, answer.json() if answer.content else None

    return ask


def words_of(answer: Any) -> str:
    return text_of(answer.content.decode())


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 120, 60)).save(out, kind)
    return out.getvalue()


def seats_of(world: Any) -> list[Any]:
    from control_plane.passes import seats

    return seats.list_seats(workspace_id=world.workspace_id, issuer_id=world.issuer.pk)


# People


def test_a_person_is_added_signs_in_and_is_removed(client, world, of):
    answer = client.post(of("people/"), {"name": "Luca"})
    assert answer["Cache-Control"] == "no-store"
    page = answer.content.decode()
    link = re.search(r"<code data-link>http://[^/]+(/issue/in/[^<]+)</code>", page)[1]
    assert "A link for Luca of Kiosk 7" in words_of(answer)
    seat = next(one for one in seats_of(world) if one.name == "Luca")
    assert client.get(of(f"people/{seat.pk}/state/")).json() == {"paired": False}
    assert "Link not used yet" in words_of(client.get(of()))
    # Shown once: it is on no other page.
    assert "swi_" not in client.get(of()).content.decode()
    phone = Client()
    assert phone.post(link).status_code == 302
    assert client.get(of(f"people/{seat.pk}/state/")).json() == {"paired": True}
    assert "Signed in, seen" in words_of(client.get(of()))
    again = client.post(of(f"people/{seat.pk}/link/")).content.decode()
    assert re.search(r"(/issue/in/[^<]+)</code>", again)[1] != link
    assert phone.get("/issue/").status_code == 200
    said = words_of(client.post(of(f"people/{seat.pk}/remove/"), follow=True))
    assert "Luca is removed, and that phone is signed out." in said
    assert phone.get("/issue/").status_code == 403
    assert client.post(of(f"people/{seat.pk}/link/")).status_code == 404
    assert [one.name for one in seats_of(world)] == ["Maria"]


def test_a_person_without_a_name(client, world, of):
    answer = client.post(of("people/"), {"name": " "})
    assert answer.status_code == 422
    assert "Give a name of 1 to 80 characters." in words_of(answer)
    answer = client.post(of("people/"), {"name": "Ma\u200bria"})
    assert "Leave out the control characters." in words_of(answer)
    assert len(seats_of(world)) == 1
    ids = re.findall(r'\sid="([^"]+)"', client.get(of()).content.decode())
    assert len(ids) == len(set(ids))


def test_an_issuer_has_fifty_people_at_most(client, world, of, monkeypatch):
    from control_plane.passes import seats

    monkeypatch.setattr(seats, "MOST", 2)
    client.post(of("people/"), {"name": "Luca"})
    answer = client.post(of("people/"), {"name": "Nina"})
    assert "An issuer has at most 2 people. Remove one first." in words_of(answer)


def test_the_history_of_a_pass_names_the_person(client, tenant, world):
    world.make()
    (row,) = world.passes()
    page = words_of(client.get(Address(tenant)(f"passes/{world.gates.program.pk}/passes/{row.pk}/")))
    assert "by Maria of Kiosk 7" in page


def test_who_may_not(tenant, world, of):
    editor = signed_in(member(tenant, "editor"))
    assert "People" not in words_of(editor.get(of()))
    for path in ("people/", f"people/{world.seat.pk}/link/", f"people/{world.seat.pk}/remove/"):
        assert editor.post(of(path), {"name": "x"}).status_code == 403
    viewer = signed_in(member(tenant, "viewer"))
    assert viewer.post(of("logo/"), {"remove": "1"}).status_code == 403
    assert len(seats_of(world)) == 1
    assert world.page().status_code == 200


def test_a_person_of_another_issuer_is_not_there(client, tenant, world, of):
    other = seat_world(tenant, name="Kiosk 8", of=world)
    for path in ("link", "remove"):
        assert client.post(of(f"people/{other.seat.pk}/{path}/")).status_code == 404
    assert client.get(of(f"people/{other.seat.pk}/state/")).status_code == 404
    assert other.page().status_code == 200


# Logo


def test_a_logo_is_uploaded_shown_printed_and_removed(client, tenant, world, of):
    assert client.get(of("logo.png")).status_code == 404
    answer = client.post(of("logo/"), {"logo": SimpleUploadedFile("logo.jpg", picture("JPEG"))}, follow=True)
    assert "The logo is saved." in words_of(answer)
    assert of("logo.png") in answer.content.decode()
    stored = client.get(of("logo.png"))
    assert stored["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(stored.content)).size == (600, 200)
    # On the sheet of an organiser, beside a pass of nobody.
    world.make()
    world.gates.issue(1)
    given = {"numbers": "1-2", "layout": "2x4", "paper": "a4", "title": "T"}
    sheets = Address(tenant)(f"passes/{world.gates.program.pk}/passes/print/")
    branded = client.post(sheets, given | {"branded": "on"}).content
    assert branded.count(b"/Subtype /Image") == 1
    said = pypdfium2.PdfDocument(branded)[0].get_textpage().get_text_range()
    assert said.count("Kiosk 7") == 1
    assert client.post(sheets, given).content.count(b"/Subtype /Image") == 0
    said = words_of(client.post(of("logo/"), {"remove": "1"}, follow=True))
    assert "The logo is removed." in said
    assert client.get(of("logo.png")).status_code == 404


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Export it as PNG"),
        (b"hello", "This is no image that can be read."),
        (b"", "This file is empty."),
        (picture(size=(4_097, 1)), "at most 4,096 pixels a side"),
        (bytes(1_048_577), "at most 1 MB"),
    ],
)
def test_what_is_no_logo_is_said_at_the_field(client, world, of, data, said):
    answer = client.post(of("logo/"), {"logo": SimpleUploadedFile("logo.png", data)})
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert client.get(of("logo.png")).status_code == 404
    assert "Choose a file first." in words_of(client.post(of("logo/")))


# By the API


def test_people_by_the_api(api, world):
    status, made = api("POST", "/people", {"name": "Luca"})
    assert (status, made["state"], made["issuer_id"]) == (201, "invited", world.issuer.pk)
    phone = Client()
    assert phone.post(urlsplit(made["link"]).path).status_code == 302
    status, body = api("GET", "/people")
    assert [(one["name"], one["state"]) for one in body["data"]] == [
        ("Luca", "signed_in"), ("Maria", "signed_in"),
    ]  # fmt: skip
    assert "link" not in body["data"][0]
    status, again = api("POST", f"/people/{made['id']}/link")
    assert status == 200
    assert again["link"] != made["link"]
    assert api("DELETE", f"/people/{made['id']}") == (204, None)
    assert phone.get("/issue/").status_code == 403
    assert api("DELETE", f"/people/{made['id']}")[0] == 404
    assert api("POST", "/people", {"name": ""})[0] == 422


def test_a_logo_by_the_api(api, client, of):
    big = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(big, "PNG")
    data = big.getvalue()
    assert 700_000 < len(data) < 1_048_576
    status, body = api("PUT", "/logo", {"image": base64.b64encode(data).decode()})
    assert status == 200
    assert Image.open(io.BytesIO(base64.b64decode(body["image"]))).size == (240, 240)
    assert client.get(of("logo.png")).content == base64.b64decode(body["image"])
    for image, said in (
        ("%%%", "Send the image as base64."),
        (base64.b64encode(b"<svg/>").decode(), "Export it as PNG"),
        (base64.b64encode(bytes(1_048_577)).decode(), "at most 1 MB"),
    ):
        status, body = api("PUT", "/logo", {"image": image})
        assert status == 422
        assert body["errors"][0]["field"] == "image"
        assert said in body["errors"][0]["message"]
    status, body = api("PUT", "/logo", {"image": "A" * 1_440_000})
    assert (status, body["detail"]) == (413, "The body is larger than 1,400 kB. Send less.")
    # Other bodies stay small.
    assert api("POST", "/people", {"name": "A" * 70_000})[0] == 413
    assert api("DELETE", "/logo") == (204, None)
    assert client.get(of("logo.png")).status_code == 404


def test_lists_do_not_carry_logos(client, tenant, world, of):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from control_plane.passes import issuers

    issuers.set_logo(workspace_id=world.workspace_id, issuer_id=world.issuer.pk, data=picture())
    world.make()
    at = Address(tenant)
    pages = [
        at(f"passes/{world.gates.program.pk}/{path}") for path in ("issuers/", "passes/", "passes/issue/")
    ]
    with CaptureQueriesContext(connection) as queries:
        for page in pages:
            assert client.get(page).status_code == 200
        world.page()
    asked = [query["sql"] for query in queries if '"logo"' in query["sql"]]
    # Whether there is one may be asked; the picture itself is not read.
    assert all("SELECT 1" in sql or '"logo" =' in sql for sql in asked), asked
    assert len(queries) > 10
