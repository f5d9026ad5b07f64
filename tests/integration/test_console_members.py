"""Roles, invitations and keys: who sees which button, and who gets a 403."""

import re

import pytest
from console_pages import Address, member, new_link, signed_in, text_of
from console_stack import new_tenant


@pytest.fixture
def at(tenant):
    return Address(tenant)


def test_a_viewer_sees_no_way_to_change_anything(tenant, at):
    link = new_link(tenant)
    client = signed_in(member(tenant, "viewer"))
    for path in ["", "links/", f"links/{link.pk}/", "campaigns/", "settings/members/"]:
        page = client.get(at(path))
        body = page.content.decode()
        assert page.status_code == 200
        assert "links/new/" not in body
        assert "/pause/" not in body
        assert "/edit/" not in body
        assert set(re.findall(r'method="post"(?: action="([^"]*)")?', body)) <= {
            "/logout/",
            at(f"settings/members/{client_membership(tenant, client)}/remove/"),
        }


def client_membership(tenant, client):
    from control_plane.accounts.services import list_members

    user_id = int(client.session["_auth_user_id"])
    return next(m.pk for m in list_members(workspace_id=tenant.workspace_id) if m.user_id == user_id)


@pytest.mark.parametrize("role", ["viewer", "gate_staff"])
def test_writing_without_the_right_is_a_403_page(tenant, at, role):
    link = new_link(tenant)
    client = signed_in(member(tenant, role))
    for method, path in [
        ("get", "links/new/"),
        ("post", "links/new/"),
        ("post", "links/check/"),
        ("get", f"links/{link.pk}/edit/"),
        ("post", f"links/{link.pk}/pause/"),
        ("post", f"links/{link.pk}/delete/"),
        ("post", "campaigns/"),
        ("get", "settings/workspace/"),
        ("get", "settings/keys/"),
        ("post", "settings/members/"),
    ]:
        page = getattr(client, method)(at(path))
        assert page.status_code == 403, path
        assert "Your role" in text_of(page.content.decode())


def test_an_editor_writes_links_but_not_settings(tenant, at):
    client = signed_in(member(tenant, "editor"))
    assert client.post(at("links/new/"), {"destination": "https://example.com/"}).status_code == 302
    assert client.get(at("settings/keys/")).status_code == 403
    assert client.get(at("settings/")).headers["Location"] == at("settings/members/")


def test_gate_staff_read_why_they_see_no_links(tenant, at):
    new_link(tenant)
    client = signed_in(member(tenant, "gate_staff"))
    assert "You are gate staff here" in text_of(client.get(at()).content.decode())
    assert client.get(at("links/")).status_code == 403


def test_an_invitation_brings_a_person_in_once(tenant, at):
    guest = new_tenant()
    page = signed_in(tenant.user).post(at("settings/members/"), {"email": guest.user.email, "role": "editor"})
    token = re.search(r"/invitations/([\w-]+)/", page.content.decode())[1]
    assert page["Cache-Control"] == "no-store"
    path = f"/invitations/{token}/"
    wrong = signed_in(new_tenant().user)
    assert wrong.get(path).status_code == 403
    client = signed_in(guest.user)
    assert f"Join {tenant.name}" in text_of(client.get(path).content.decode())
    assert client.post(path).headers["Location"] == at()
    assert client.get(at("links/")).status_code == 200
    assert client.post(path).status_code == 410


def test_a_stranger_with_an_invitation_may_create_an_account(tenant, at):
    from django.test import Client

    page = signed_in(tenant.user).post(
        at("settings/members/"), {"email": f"new-{tenant.slug}@example.com", "role": "viewer"}
    )
    token = re.search(r"/invitations/([\w-]+)/", page.content.decode())[1]
    client = Client()
    assert "Sign-up is closed" in text_of(client.get("/signup/").content.decode())
    assert "Create an account" in text_of(client.get(f"/invitations/{token}/").content.decode())
    form = {
        "email": f"new-{tenant.slug}@example.com",
        "password1": "long enough 42",
        "password2": "long enough 42",
    }
    client.post("/signup/", form)
    assert client.get("/").headers["Location"] == f"/invitations/{token}/"
    assert client.post(f"/invitations/{token}/").headers["Location"] == at()


@pytest.mark.parametrize(
    "form, sentence",
    [
        ({"email": "nonsense", "role": "editor"}, "complete e-mail address"),
        ({"email": "", "role": "editor"}, "complete e-mail address"),
        ({"email": "a@example.com", "role": "king"}, "king"),
    ],
)
def test_a_bad_invitation_gets_a_sentence(tenant, at, form, sentence):
    page = signed_in(tenant.user).post(at("settings/members/"), form)
    assert page.status_code == 422
    assert sentence in text_of(page.content.decode())


def test_roles_change_and_the_last_owner_stays(tenant, at):
    client = signed_in(tenant.user)
    user = member(tenant, "viewer")
    theirs = client_membership(tenant, signed_in(user))
    client.post(at(f"settings/members/{theirs}/role/"), {"role": "editor"})
    assert signed_in(user).get(at("links/new/")).status_code == 200
    own = client_membership(tenant, client)
    page = client.post(at(f"settings/members/{own}/remove/"), follow=True)
    assert "needs an owner" in text_of(page.content.decode())
    client.post(at(f"settings/members/{theirs}/remove/"))
    assert signed_in(user).get(at("links/")).status_code == 404


def test_an_admin_cannot_touch_an_owner(tenant, at):
    admin = signed_in(member(tenant, "admin"))
    owner = client_membership(tenant, signed_in(tenant.user))
    page = admin.post(at(f"settings/members/{owner}/role/"), {"role": "viewer"}, follow=True)
    assert "Your role does not allow this" in text_of(page.content.decode())
    assert signed_in(tenant.user).get(at("settings/workspace/")).status_code == 200


def test_a_key_is_shown_once_and_revoked_for_good(tenant, at):
    client = signed_in(tenant.user)
    form = {"name": "Shop", "expires": "30", "scopes": ["links:read"]}
    page = client.post(at("settings/keys/"), form)
    secret = re.search(r"<code>(sw_\w{12}_[\w-]{43})</code>", page.content.decode())[1]
    assert page["Cache-Control"] == "no-store"
    assert secret not in client.get(at("settings/keys/")).content.decode()
    answer = client.get("/api/v1/links", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    from control_plane.accounts.keys import list_keys

    key = list_keys(workspace_id=tenant.workspace_id)[0]
    assert key.name == "Shop"
    assert key.expires_at is not None
    client.post(at(f"settings/keys/{key.pk}/revoke/"))
    answer = client.get("/api/v1/links", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


def test_a_key_may_have_each_scope_that_there_is(tenant, at):
    from control_plane.accounts.permissions import KeyScope

    body = signed_in(tenant.user).get(at("settings/keys/")).content.decode()
    assert set(re.findall(r'name="scopes" value="([^"]+)"', body)) == set(KeyScope)


def test_a_key_without_name_or_scope_gets_sentences(tenant, at):
    page = signed_in(tenant.user).post(at("settings/keys/"), {"name": "", "expires": "30"})
    shown = text_of(page.content.decode())
    assert page.status_code == 422
    assert "Give the key a name" in shown
    assert "Choose at least one thing" in shown


def test_the_workspace_is_renamed_and_moved_to_another_zone(tenant, at):
    client = signed_in(tenant.user)
    client.post(at("settings/workspace/"), {"name": "Café Sol", "time_zone": "Europe/Madrid"})
    shown = text_of(client.get(at()).content.decode())
    assert "Café Sol" in shown
    page = client.post(at("settings/workspace/"), {"name": " ", "time_zone": "Mars/Olympus"})
    assert page.status_code == 422
    assert "Choose a time zone" in text_of(page.content.decode())
