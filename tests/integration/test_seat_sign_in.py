"""Signing a phone in for an issuer: once for each link, for 90 days, and out at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from console_pages import text_of
from django.test import Client
from seat_world import seat_world

COOKIE = "scanway-issuer"


@pytest.fixture
def world(tenant):
    return seat_world(tenant)


@pytest.fixture(autouse=True)
def no_guesses(console):
    """Tests share an address."""
    from control_plane.campaigns.valkey import client

    for key in client().scan_iter("scanway:guesses:*"):
        client().delete(key)


def words_of(answer: Any) -> str:
    return text_of(answer.content.decode())


def link_of(world: Any, name: str = "Luca") -> tuple[Any, str]:
    from control_plane.passes import seats

    made = seats.create_seat(workspace_id=world.workspace_id, issuer_id=world.issuer.pk, name=name)
    return made.seat, f"/issue/in/{made.code}/"


def change(world: Any, seat: Any, **values: Any) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Seat

    with workspace_scope(world.workspace_id):
        assert Seat.objects.filter(id=seat.pk).update(**values) == 1


def test_a_link_asks_first_and_signs_in_once(world):
    _, link = link_of(world)
    # A messenger's preview, a mail scanner: they look, as often as they like.
    for method in ("get", "head", "get"):
        answer = getattr(Client(), method)(link)
        assert answer.status_code == 200
        assert COOKIE not in answer.cookies
    page = words_of(answer)
    assert "Sign in as Luca of Kiosk 7" in page
    assert "Sign in on this phone" in page
    phone = Client()
    answer = phone.post(link)
    assert (answer.status_code, answer["Location"]) == (302, "/issue/")
    assert "New pass" in words_of(phone.get("/issue/"))
    for again in (Client(), phone):
        assert again.get(link).status_code == 410
        refused = again.post(link)
        assert refused.status_code == 410
        assert "This link was used or has run out. Ask the organiser for a new one." in words_of(refused)
        assert COOKIE not in refused.cookies
    assert "signed in as Luca of Kiosk 7 still" in words_of(phone.get(link))


def test_the_cookie_is_of_its_own_and_only_its_hash_is_kept(world):
    import hashlib

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Seat

    seat, link = link_of(world)
    phone = Client()
    cookie = phone.post(link).cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == 90 * 24 * 3600
    assert not cookie["domain"]
    assert "sessionid" not in phone.cookies
    with workspace_scope(world.workspace_id):
        row = Seat.objects.filter(id=seat.pk).values().get()
    kind, prefix, secret = re.fullmatch(r"(sws)_(\w{12})_(.{43})", cookie.value).groups()
    assert kind == "sws"
    assert (row["prefix"], row["key_hash"]) == (prefix, hashlib.sha256(secret.encode()).hexdigest())
    assert secret not in repr(row)
    assert link.split("_")[-1].rstrip("/") not in repr(row)
    # Neither code does the other's work.
    assert Client().post(f"/issue/in/{cookie.value}/").status_code == 410
    stranger = Client()
    stranger.cookies[COOKIE] = link.split("/")[3]
    assert stranger.get("/issue/").status_code == 403


def test_over_https_the_cookie_is_this_hosts_alone(world, monkeypatch):
    """As with SCANWAY_CONSOLE_URL=https://…; the name is chosen when the process starts."""
    from dataclasses import replace
    from urllib.parse import urlsplit

    from django.conf import settings
    from django.http import HttpResponse

    from control_plane.console import seat_page

    monkeypatch.setattr(
        settings, "CONFIG", replace(settings.CONFIG, console_url=urlsplit("https://console.example.com"))
    )
    monkeypatch.setattr(seat_page, "COOKIE", seat_page.cookie_name(settings.CONFIG.https))
    answer = HttpResponse()
    seat_page.remember(answer, "sws_x")
    (cookie,) = answer.cookies.values()
    assert cookie.key == "__Host-scanway-issuer"
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    seat_page.forget(answer)
    assert answer.cookies["__Host-scanway-issuer"]["secure"]


def test_a_link_runs_out_and_a_newer_one_ends_it(world):
    from django.utils import timezone

    from control_plane.passes import seats

    seat, link = link_of(world)
    change(world, seat, link_until=timezone.now() - timedelta(seconds=1))
    assert Client().post(link).status_code == 410
    newer = seats.new_link(workspace_id=world.workspace_id, seat_id=seat.pk)
    change(world, seat, link_until=timezone.now() + timedelta(minutes=1))
    assert Client().post(link).status_code == 410
    assert Client().post(f"/issue/in/{newer.code}/").status_code == 302
    assert (newer.seat.link_until - timezone.now()) <= timedelta(hours=24)


def test_a_new_link_signs_the_old_phone_out_when_it_is_used(world):
    from control_plane.passes import seats

    newer = seats.new_link(workspace_id=world.workspace_id, seat_id=world.seat.pk)
    assert world.page().status_code == 200
    second = Client()
    second.post(f"/issue/in/{newer.code}/")
    assert second.get("/issue/").status_code == 200
    answer = world.page()
    assert answer.status_code == 403
    assert "This phone was signed out" in words_of(answer)
    assert answer.cookies[COOKIE].value == ""
    # Told once: the phone has no cookie any more.
    assert "The organiser gives you a link" in words_of(world.page())


@pytest.mark.parametrize(
    "wrong", ["swi_", "x", "swi_aaaaaaaaaaaa_" + "A" * 43, "sws_aaaaaaaaaaaa_" + "A" * 43]
)
def test_what_is_no_link_of_ours(world, wrong):
    for method in ("get", "post"):
        assert getattr(Client(), method)(f"/issue/in/{wrong}/").status_code == 410
    phone = Client()
    phone.cookies[COOKIE] = wrong
    assert phone.get("/issue/").status_code == 403


def test_a_wrong_secret_of_a_person_that_exists(world):
    _, link = link_of(world)
    wrong = link[:-6] + ("AAAAA/" if not link.endswith("AAAAA/") else "BBBBB/")
    assert Client().get(wrong).status_code == 410
    assert Client().post(wrong).status_code == 410
    assert Client().post(link).status_code == 302


def test_a_removed_person_is_out_at_once(world):
    from control_plane.passes import seats
    from control_plane.passes.errors import NotFound

    waiting, link = link_of(world)
    world.make()
    key = world.client.cookies[COOKIE].value
    for seat in (world.seat, waiting):
        seats.remove_seat(workspace_id=world.workspace_id, seat_id=seat.pk)
        seats.remove_seat(workspace_id=world.workspace_id, seat_id=seat.pk)
        with pytest.raises(NotFound):
            seats.new_link(workspace_id=world.workspace_id, seat_id=seat.pk)
    assert Client().post(link).status_code == 410
    (row,) = world.passes()
    for path in (
        "",
        "new/",
        f"passes/{row.pk}/",
        f"passes/{row.pk}/show/",
        "made/1-1/",
        "print/1-1.pdf",
        "logo.png",
    ):
        world.client.cookies[COOKIE] = key
        assert world.page(path).status_code == 403, path
    assert world.gates.scan(world.text(row)).reason == "ok"


def test_ninety_days(world):
    from django.utils import timezone

    change(world, world.seat, signed_in_at=timezone.now() - timedelta(days=90, seconds=1))
    assert world.page().status_code == 403


def test_signing_out_and_another_person_on_the_same_phone(world):
    _, link = link_of(world)
    page = words_of(world.client.get(link))
    assert "This phone is signed in as Maria of Kiosk 7. That ends." in page
    key = world.client.cookies[COOKIE].value
    assert world.client.post(link).status_code == 302
    old = Client()
    old.cookies[COOKIE] = key
    assert old.get("/issue/").status_code == 403
    mine = world.client.cookies[COOKIE].value
    assert "This phone is signed out" in words_of(world.client.post("/issue/out/"))
    assert world.client.cookies[COOKIE].value == ""
    old.cookies[COOKIE] = mine
    assert old.get("/issue/").status_code == 403


def test_every_post_needs_its_token(world):
    """No form of another site can sign a phone in, or make a pass on one."""
    _, link = link_of(world)
    world.make()
    (row,) = world.passes()
    phone = Client(enforce_csrf_checks=True)
    phone.cookies[COOKIE] = world.client.cookies[COOKIE].value
    for path in (link, "/issue/new/", f"/issue/passes/{row.pk}/cancel/", "/issue/out/"):
        assert phone.post(path, {"count": "1", "nonce": "0" * 32}).status_code == 403, path
    assert len(world.passes()) == 1
    assert world.passes()[0].state == "active"
    # The same with the token of the page works: it is the token that was missing.
    page = phone.get("/issue/new/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    nonce = re.search(r'name="nonce" value="(\w+)"', page)[1]
    given = {"count": "1", "nonce": nonce, "csrfmiddlewaretoken": token}
    assert phone.post("/issue/new/", given).status_code == 302
    assert len(world.passes()) == 2


def test_who_tries_many_links_waits(world):
    from control_plane.passes import guesses

    _, link = link_of(world)
    for _ in range(guesses.MOST):
        assert Client().get("/issue/in/nonsense/").status_code == 410
    answer = Client().post(link)
    assert answer.status_code == 429
    assert "Wait ten minutes, then open yours again." in words_of(answer)
    # Elsewhere, and who is signed in, notices nothing; the link was not used up.
    assert world.page().status_code == 200
    assert Client(REMOTE_ADDR="203.0.113.9").post(link).status_code == 302


def test_nothing_is_kept_or_told_elsewhere(world):
    _, link = link_of(world)
    for answer in (Client().get(link), Client().get("/issue/in/x/"), Client().get("/issue/"), world.page()):
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "same-origin"


def test_seen_is_noted_and_the_console_is_none_of_their_business(world):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Seat

    change(world, world.seat, seen_at=None)
    world.page()
    with workspace_scope(world.workspace_id):
        assert Seat.objects.get(id=world.seat.pk).seen_at is not None
    assert world.client.get("/", follow=False)["Location"].startswith("/login/")
