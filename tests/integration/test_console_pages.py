"""Every page of the console renders, keeps to the policy of its scripts, and says what it should."""

import io
import re

import pytest
from console_pages import Address, new_link, signed_in, text_of
from console_stack import new_tenant

PAGES = [
    "",
    "links/",
    "links/new/",
    "campaigns/",
    "settings/workspace/",
    "settings/domains/",
    "settings/apps/",
    "settings/members/",
    "settings/keys/",
]


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def at(tenant):
    return Address(tenant)


@pytest.mark.parametrize("path", PAGES)
def test_each_page_renders_without_inline_script_or_style(client, at, path):
    response = client.get(at(path))
    html = response.content.decode()
    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    assert not re.search(r"<style|<script(?![^>]*(\bsrc=|application/json))", html)
    assert "javascript:" not in html
    assert '<a class="skip" href="#content">' in html


def test_an_empty_workspace_teaches_the_first_step(client, at):
    assert "Create your first link" in text_of(client.get(at()).content.decode())
    assert "No links yet" in text_of(client.get(at("links/")).content.decode())
    assert "No campaigns yet" in text_of(client.get(at("campaigns/")).content.decode())


def test_the_root_leads_to_the_first_workspace(client, at):
    assert client.get("/").headers["Location"] == at()


def test_a_stranger_is_sent_to_sign_in(client, at):
    client.logout()
    assert client.get(at("links/")).headers["Location"].startswith("/login/?next=/w/")
    page = client.get("/login/")
    assert page.status_code == 200
    assert "Sign in" in text_of(page.content.decode())


def test_a_wrong_password_gets_a_sentence(client, tenant):
    client.logout()
    page = client.post("/login/", {"login": tenant.user.email, "password": "wrong"})
    assert 'role="alert"' in page.content.decode()
    assert tenant.user.email in page.content.decode()


@pytest.mark.parametrize("path", ["password/reset/", "password/change/", "email/", "2fa/", "logout/"])
def test_account_pages_wear_the_same_clothes(client, path):
    page = client.get(f"/{path}")
    assert page.status_code == 200
    assert "console/tokens.css" in page.content.decode()


def test_the_theme_comes_from_the_cookie_and_nothing_else(client, at):
    assert 'data-theme="system"' in client.get(at()).content.decode()
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get(at()).content.decode()
    client.cookies["theme"] = '"><script>alert(1)</script>'
    assert 'data-theme="system"' in client.get(at()).content.decode()


def test_an_unknown_address_gets_a_styled_404(client, at):
    page = client.get(at("links/999999999/"))
    assert page.status_code == 404
    assert "There is nothing here" in text_of(page.content.decode())
    assert client.get(at("links/99999999999999999999/")).status_code == 404


def test_a_forged_form_is_refused_with_a_sentence(tenant, at):
    client = signed_in(tenant.user, enforce_csrf_checks=True)
    page = client.post(at("campaigns/"), {"name": "x"})
    assert page.status_code == 403
    assert "too old" in text_of(page.content.decode())


def test_one_person_sees_both_workspaces_and_nobody_elses(tenant, at):
    from control_plane.accounts.services import create_workspace

    second = create_workspace(name="Second shop", owner=tenant.user)
    stranger = new_tenant()
    html = signed_in(tenant.user).get(at()).content.decode()
    assert f"/w/{second.slug}/" in html
    assert stranger.slug not in html


def test_two_workspaces_do_not_see_each_others_links(tenant, at):
    link = new_link(tenant, title="Only mine")
    stranger = new_tenant()
    client, there = signed_in(stranger.user), Address(stranger)
    for path in ["", "edit/", "qr.svg"]:
        assert client.get(at(f"links/{link.pk}/{path}")).status_code == 404
        assert client.get(there(f"links/{link.pk}/{path}")).status_code == 404
    for action in ["pause/", "resume/", "delete/"]:
        assert client.post(there(f"links/{link.pk}/{action}")).status_code == 404
    assert "Only mine" not in client.get(there("links/?q=Only")).content.decode()


@pytest.mark.parametrize("kind, magic", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_qr_images_are_named_after_the_code(client, tenant, at, kind, magic):
    link = new_link(tenant)
    image = client.get(at(f"links/{link.pk}/qr.{kind}?mm=30&error_correction=Q&quiet_zone=4&download=1"))
    assert image.status_code == 200
    assert image.content.startswith(magic)
    assert image["Content-Disposition"] == f'attachment; filename="{link.code}.{kind}"'


def test_a_placement_goes_into_the_code_and_its_file_name(client, tenant, at):
    import zxingcpp
    from PIL import Image

    link = new_link(tenant)
    image = client.get(at(f"links/{link.pk}/qr.png?mm=40&placement=Door&download=1"))
    assert image["Content-Disposition"] == f'attachment; filename="{link.code}-door.png"'
    (found,) = zxingcpp.read_barcodes(
        Image.open(io.BytesIO(image.content)), formats=zxingcpp.BarcodeFormat.QRCode
    )
    assert found.text.lower() == f"http://192.168.1.20:8080/{link.code}/p/door"
    refused = client.get(at(f"links/{link.pk}/qr.svg?placement=a/b"))
    assert refused.status_code == 422
    assert "placement" in refused.content.decode()


def test_a_code_too_small_to_scan_is_refused_with_a_sentence(client, tenant, at):
    link = new_link(tenant)
    image = client.get(at(f"links/{link.pk}/qr.svg?mm=5"))
    assert image.status_code == 422
    assert "Choose at least" in image.content.decode()
    assert client.get(at(f"links/{link.pk}/qr.gif")).status_code == 404


def test_a_gs1_code_is_named_without_a_placement_which_is_checked_all_the_same(client, tenant, at):
    link = new_link(tenant, gs1="09506000134352")
    path = at(f"links/{link.pk}/qr.svg?gs1=1&download=1&placement=")
    assert f'filename="{link.code}.svg"' in client.get(f"{path}door")["Content-Disposition"]
    for placement in ("a%0Ab", "a%22b"):
        refused = client.get(path + placement)
        assert (refused.status_code, "placement" in refused.content.decode()) == (422, True)
