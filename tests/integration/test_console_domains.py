"""Short domains in the settings, and links on them."""

import io
import re

import pytest
import zxingcpp
from console_pages import Address, member, new_link, signed_in, text_of
from console_stack import new_tenant
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def at(tenant):
    return Address(tenant)


@pytest.fixture
def host(tenant):
    return f"go.{tenant.slug[:20].strip('-')}.example"


def new_domain(tenant, host, **values):
    from control_plane.campaigns.domains import create_domain

    return create_domain(workspace_id=tenant.workspace_id, host=host, **values)


def test_no_domain_yet_teaches_what_one_is_for(client, at):
    assert "Short links in your own name" in text_of(client.get(at("settings/domains/")).content.decode())


def test_a_new_domain_waits_and_shows_its_record(client, at, host):
    page = client.post(at("settings/domains/"), {"host": host.upper()}, follow=True)
    body = page.content.decode()
    assert f"{host} is added" in text_of(body)
    assert "Waiting for DNS" in text_of(body)
    assert 'data-copy="192.168.1.20"' in body
    assert not re.search(r"<[^>]+\s(style|on\w+)=", body)


@pytest.mark.parametrize("text", ["", "https://go.example.com/", "localhost", "192.0.2.1", "go example.com"])
def test_what_is_no_host_name_gets_a_sentence_at_its_field(client, at, text):
    page = client.post(at("settings/domains/"), {"host": text})
    assert page.status_code == 422
    assert 'id="id_host-error"' in page.content.decode()


def test_a_domain_that_another_workspace_verified_is_taken(client, tenant, at, host, monkeypatch):
    from control_plane.campaigns import dns
    from control_plane.campaigns.domains import verify_domain

    monkeypatch.setattr(dns, "check_leads_here", lambda host, short: None)
    other = new_tenant()
    mine, theirs = new_domain(tenant, host), new_domain(other, host)
    verify_domain(workspace_id=other.workspace_id, domain_id=theirs.pk)
    page = client.post(at(f"settings/domains/{mine.pk}/verify/"), follow=True)
    assert "Another workspace has connected this domain already." in text_of(page.content.decode())
    assert "Waiting for DNS" in text_of(page.content.decode())


def test_checking_says_why_it_does_not_lead_here(client, tenant, at, host, monkeypatch):
    from control_plane.campaigns import dns

    found = new_domain(tenant, host)
    monkeypatch.setattr(dns, "_addresses", lambda name: set() if name == host else {"192.168.1.20"})
    page = client.post(at(f"settings/domains/{found.pk}/verify/"), follow=True)
    assert "is not in the DNS yet" in text_of(page.content.decode())
    monkeypatch.setattr(dns, "_addresses", lambda name: {"192.168.1.20"})
    page = client.post(at(f"settings/domains/{found.pk}/verify/"), follow=True)
    assert "leads here" in text_of(page.content.decode())
    assert "Verified" in text_of(page.content.decode())


def test_what_a_domain_answers_can_be_changed(client, tenant, at, host):
    from control_plane.campaigns.domains import get_domain

    found = new_domain(tenant, host)
    icon = io.BytesIO()
    Image.new("RGB", (128, 128), "#0a7352").save(icon, "PNG")
    path = at(f"settings/domains/{found.pk}/")
    form = {
        "root_redirect": "https://example.com/",
        "not_found_redirect": "https://example.com/oops",
        "robots_txt": "User-agent: *\nAllow: /",
        "apple_apps": "9JA89QQLNQ.com.example.shop",
        "android_apps": "com.example.shop " + ":".join(["AB"] * 32),
        "icon": SimpleUploadedFile("icon.png", icon.getvalue(), "image/png"),
    }
    assert client.post(path, form).status_code == 302
    changed = get_domain(workspace_id=tenant.workspace_id, domain_id=found.pk)
    assert changed.root_redirect == "https://example.com/"
    assert changed.apple_apps == ["9JA89QQLNQ.com.example.shop"]
    assert changed.android_apps[0]["package"] == "com.example.shop"
    shown = client.get(at(f"settings/domains/{found.pk}/icon.png"))
    assert shown.content.startswith(b"\x89PNG")
    body = client.get(path).content.decode()
    assert "9JA89QQLNQ.com.example.shop" in body
    # An icon that is neither uploaded nor removed stays.
    assert client.post(path, form | {"icon": ""}).status_code == 302
    assert client.get(at(f"settings/domains/{found.pk}/icon.png")).status_code == 200
    assert client.post(path, form | {"icon": "", "remove_icon": "on"}).status_code == 302
    assert client.get(at(f"settings/domains/{found.pk}/icon.png")).status_code == 404


def test_an_edit_of_a_domain_that_somebody_else_overtook_is_refused(client, tenant, at, host):
    from control_plane.campaigns.domains import get_domain, update_domain

    found = new_domain(tenant, host)
    path = at(f"settings/domains/{found.pk}/")
    version = re.search(r'name="version" value="(\d+)"', client.get(path).content.decode())[1]
    theirs = "https://example.com/theirs"
    update_domain(workspace_id=tenant.workspace_id, domain_id=found.pk, root_redirect=theirs)
    page = client.post(path, {"root_redirect": "https://example.com/mine", "version": version})
    assert page.status_code == 422
    assert "has changed since you loaded it" in text_of(page.content.decode())
    assert "https://example.com/mine" in page.content.decode()
    stored = get_domain(workspace_id=tenant.workspace_id, domain_id=found.pk)
    assert stored.root_redirect == theirs


@pytest.mark.parametrize(
    "field, value",
    [
        ("root_redirect", "javascript:alert(1)"),
        ("not_found_redirect", "ftp://example.com"),
        ("apple_apps", "nonsense"),
        ("android_apps", "com.example.shop"),
        ("android_apps", "com.example.shop zz"),
        ("icon", SimpleUploadedFile("icon.png", b"no image", "image/png")),
        ("icon", SimpleUploadedFile("icon.png", bytes(1024 * 1024 + 1), "image/png")),
    ],
)
def test_a_bad_value_gets_a_sentence_at_its_field(client, tenant, at, host, field, value):
    found = new_domain(tenant, host)
    page = client.post(at(f"settings/domains/{found.pk}/"), {field: value})
    assert page.status_code == 422
    assert f'id="id_{field}-error"' in page.content.decode()


def test_a_domain_with_links_is_not_removed(client, tenant, at, host):
    found = new_domain(tenant, host)
    link = new_link(tenant, domain_id=found.pk)
    page = client.post(at(f"settings/domains/{found.pk}/delete/"), follow=True)
    assert "1 link uses" in text_of(page.content.decode())
    client.post(at(f"links/{link.pk}/delete/"))
    page = client.post(at(f"settings/domains/{found.pk}/delete/"), follow=True)
    assert f"{host} is removed" in text_of(page.content.decode())


@pytest.mark.parametrize("role", ["editor", "viewer", "gate_staff"])
def test_only_who_manages_the_workspace_touches_domains(tenant, at, host, role):
    found = new_domain(tenant, host)
    client = signed_in(member(tenant, role))
    assert client.get(at("settings/domains/")).status_code == 403
    assert client.post(at("settings/domains/"), {"host": f"x.{host}"}).status_code == 403
    for path in ("", "verify/", "delete/"):
        assert client.post(at(f"settings/domains/{found.pk}/{path}")).status_code == 403


def test_another_workspaces_domain_is_not_there(tenant, at, host):
    found = new_domain(tenant, host)
    stranger = new_tenant()
    client, there = signed_in(stranger.user), Address(stranger)
    assert client.get(there(f"settings/domains/{found.pk}/")).status_code == 404
    for path in ("verify/", "delete/"):
        assert client.post(there(f"settings/domains/{found.pk}/{path}")).status_code == 404


def test_a_link_lives_on_the_chosen_domain(client, tenant, at, host):
    found = new_domain(tenant, host)
    form = {"destination": "https://example.com/", "code": "menu", "domain": found.pk}
    page = client.post(at("links/new/"), form, follow=True)
    assert page.status_code == 200
    assert f"http://{host}:8080/menu" in page.content.decode()
    assert f"{host}:8080/menu" in client.get(at("links/")).content.decode()
    number = page.redirect_chain[-1][0].split("/")[-2]
    image = Image.open(io.BytesIO(client.get(at(f"links/{number}/qr.png?mm=40")).content))
    assert (
        zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)[0].text.lower()
        == f"http://{host}:8080/menu"
    )
    stranger = new_domain(new_tenant(), f"x.{host}")
    page = client.post(at("links/new/"), form | {"domain": stranger.pk})
    assert page.status_code == 422
    assert "no such domain" in text_of(page.content.decode())
