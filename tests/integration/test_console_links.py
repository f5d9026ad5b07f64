"""Creating, finding, changing, pausing and deleting links, as a person does it in the console."""

import html
import re
from datetime import UTC, datetime

import pytest
from console_pages import Address, member, new_link, signed_in, text_of
from console_stack import new_tenant


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def at(tenant):
    return Address(tenant)


def link_of(tenant, link_id):
    from control_plane.campaigns.selectors import get_link

    return get_link(workspace_id=tenant.workspace_id, link_id=link_id)


def test_a_new_link_leads_to_its_page_with_the_qr_code(client, tenant, at):
    form = {"destination": "https://example.com/menu", "code": f"{tenant.slug[:20]}-menu", "title": "Menu"}
    page = client.post(at("links/new/"), form, follow=True)
    body = page.content.decode()
    assert page.status_code == 200
    assert f"http://192.168.1.20:8080/{form['code']}" in body
    assert "/qr.svg" in body
    assert "Your link works" in text_of(body)


def test_the_code_is_random_where_none_is_given(client, tenant, at):
    page = client.post(at("links/new/"), {"destination": "https://example.com/"})
    link = link_of(tenant, int(page.headers["Location"].split("/")[-2]))
    assert len(link.code) == 10


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("destination", "", "Say where the link leads"),
        ("destination", "javascript:alert(1)", "cannot be used"),
        ("destination", "https://user:secret@example.com/", "password"),
        ("destination", "http://192.168.1.20:8080/abc", "short"),
        ("destination", "https://example.com/{town}", "no placeholder"),
        ("destination", "https://example.com/" + "x" * 10_000, "2,048"),
        ("code", "ab", "at least 3"),
        ("code", "a_b!", "letters"),
        ("code", "admin", "reserved"),
        ("title", "x" * 201, "200"),
        ("expires_at", "2020-01-01T10:00", "after the start"),
        ("campaign", "99", "no such campaign"),
        ("starts_at", "tomorrow", "date and a time"),
    ],
)
def test_a_bad_value_gets_a_sentence_at_its_field_and_nothing_is_lost(client, at, field, value, sentence):
    form = {
        "destination": "https://example.com/kept",
        "code": "",
        "title": "Kept title",
        "starts_at": "2030-01-01T10:00",
        "expires_at": "",
        "campaign": "",
    } | {field: value}
    page = client.post(at("links/new/"), form)
    body = page.content.decode()
    assert page.status_code == 422
    assert f'id="id_{field}-error"' in body
    control = re.search(rf'<[^>]*\bid="id_{field}"[^>]*>', body)[0]
    assert f"id_{field}-error" in re.search(r'aria-describedby="([^"]*)"', control)[1].split()
    assert 'aria-invalid="true"' in control
    shown = html.unescape(body.split(f'id="id_{field}-error"')[1].split("</div>")[0])
    assert sentence in shown
    for name in ("destination", "title"):
        if name != field:
            assert form[name] in body


def test_a_taken_code_is_refused_also_where_another_workspace_has_it(client, tenant, at):
    other = new_link(new_tenant(), code=f"taken-{tenant.slug[:20]}")
    page = client.post(at("links/new/"), {"destination": "https://example.com/", "code": other.code})
    assert page.status_code == 422
    assert "is taken" in text_of(page.content.decode())


def test_fields_are_checked_while_a_person_types(client, at):
    form = {"destination": "ftp://example.com", "code": "x"}
    errors = client.post(at("links/check/"), form).json()["errors"]
    assert set(errors) == {"destination", "code"}
    assert client.post(at("links/check/"), {"destination": "https://example.com"}).json() == {"errors": {}}


def test_an_edit_changes_the_destination_and_keeps_the_code(client, tenant, at):
    link = new_link(tenant)
    path = at(f"links/{link.pk}/edit/")
    assert 'name="code"' not in client.get(path).content.decode()
    client.post(path, {"destination": "https://example.com/new", "title": "New", "version": link.version})
    changed = link_of(tenant, link.pk)
    assert (changed.destination, changed.title, changed.version) == ("https://example.com/new", "New", 2)
    assert changed.code == link.code


def test_placeholders_are_typed_and_survive_an_edit_of_something_else(client, tenant, at):
    typed = "https://example.com/{country}/?at={placement}"
    assert client.post(at("links/check/"), {"destination": typed}).json() == {"errors": {}}
    page = client.post(at("links/new/"), {"destination": typed})
    link = link_of(tenant, int(page.headers["Location"].split("/")[-2]))
    assert link.destination == typed
    path = at(f"links/{link.pk}/edit/")
    shown = re.search(r'name="destination" value="([^"]*)"', client.get(path).content.decode())[1]
    client.post(path, {"destination": html.unescape(shown), "title": "New", "version": link.version})
    changed = link_of(tenant, link.pk)
    assert (changed.destination, changed.title) == (typed, "New")


def test_an_edit_that_somebody_else_overtook_is_refused(client, tenant, at):
    link = new_link(tenant)
    form = {"destination": "https://example.com/a", "version": 1}
    assert client.post(at(f"links/{link.pk}/edit/"), form).status_code == 302
    page = client.post(at(f"links/{link.pk}/edit/"), form | {"destination": "https://example.com/b"})
    assert page.status_code == 422
    assert "This link has changed since you loaded it" in text_of(page.content.decode())
    assert link_of(tenant, link.pk).destination == "https://example.com/a"


def test_times_are_typed_and_shown_in_the_workspaces_zone(client, tenant, at):
    from control_plane.accounts.services import update_workspace

    update_workspace(workspace_id=tenant.workspace_id, time_zone="Europe/Madrid")
    form = {"destination": "https://example.com/", "starts_at": "2030-07-01T10:00"}
    page = client.post(at("links/new/"), form)
    link = link_of(tenant, int(page.headers["Location"].split("/")[-2]))
    assert link.starts_at == datetime(2030, 7, 1, 8, 0, tzinfo=UTC)
    assert "2030-07-01T10:00" in client.get(at(f"links/{link.pk}/edit/")).content.decode()
    shown = text_of(client.get(at(f"links/{link.pk}/")).content.decode())
    assert "1 Jul 2030, 10:00" in shown
    assert "Scheduled" in shown


def test_pause_is_said_on_the_page_and_resume_ends_it(client, tenant, at):
    link = new_link(tenant)
    page = client.post(at(f"links/{link.pk}/pause/"), follow=True)
    assert "This link is paused" in text_of(page.content.decode())
    page = client.post(at(f"links/{link.pk}/resume/"), follow=True)
    assert "This link is paused" not in text_of(page.content.decode())


def test_a_deleted_link_is_gone_and_its_code_stays_taken(client, tenant, at):
    link = new_link(tenant)
    page = client.post(at(f"links/{link.pk}/delete/"), follow=True)
    assert f"{link.code} is deleted" in text_of(page.content.decode())
    assert client.get(at(f"links/{link.pk}/")).status_code == 404
    page = client.post(at("links/new/"), {"destination": "https://example.com/", "code": link.code})
    assert "is taken" in text_of(page.content.decode())


@pytest.mark.parametrize("action", ["pause", "resume", "delete"])
def test_nothing_changes_by_get(client, tenant, at, action):
    link = new_link(tenant)
    assert client.get(at(f"links/{link.pk}/{action}/")).status_code == 405


def test_the_list_searches_filters_sorts_and_turns_pages(client, tenant, at):
    from control_plane.campaigns.services import create_campaign, pause_link

    campaign = create_campaign(workspace_id=tenant.workspace_id, name="Fair")
    for number in range(27):
        new_link(tenant, title=f"Poster {number:02}")
    special = new_link(tenant, title="Needle", campaign_id=campaign.pk)
    pause_link(workspace_id=tenant.workspace_id, link_id=special.pk)

    def titles(query):
        body = client.get(at("links/") + query).content.decode()
        return [f"Poster {n:02}" for n in range(27) if f"Poster {n:02}" in body] + (
            ["Needle"] if ">Needle<" in body else []
        )

    for query in [
        "?q=needle",
        f"?q=http://192.168.1.20:8080/{special.code}",
        "?state=paused",
        f"?campaign={campaign.pk}",
    ]:
        assert titles(query) == ["Needle"], query
    body = client.get(at("links/?sort=title")).content.decode()
    assert body.index("Needle") < body.index("Poster 00") < body.index("Poster 05")
    assert len(titles("")) == 25
    more = html.unescape(
        client.get(at("links/")).content.decode().split('rel="next" href="')[1].split('"')[0]
    )
    assert len(titles(more)) == 3
    assert "No link matches" in text_of(client.get(at("links/?q=nowhere")).content.decode())
    assert client.get(at("links/?after=broken")).status_code == 302
    assert client.get(at("links/?campaign=abc&state=odd&sort=none")).status_code == 200


def test_what_people_type_is_shown_as_text(client, tenant, at):
    link = new_link(tenant, title='<img src=x onerror="alert(1)">')
    for path in ["", "links/", f"links/{link.pk}/", f"links/{link.pk}/edit/"]:
        assert "<img src=x" not in client.get(at(path)).content.decode()


def test_campaigns_are_created_once_per_name(client, at):
    assert client.post(at("campaigns/"), {"name": "Fair"}).status_code == 302
    page = client.post(at("campaigns/"), {"name": "Fair"})
    assert page.status_code == 422
    assert "already" in text_of(page.content.decode())
    assert client.post(at("campaigns/"), {"name": ""}).status_code == 422


def test_a_campaign_is_renamed_and_its_row_leads_to_its_links(client, tenant, at):
    from control_plane.campaigns.services import create_campaign

    create_campaign(workspace_id=tenant.workspace_id, name="Fair")
    campaign = create_campaign(workspace_id=tenant.workspace_id, name="Sprng")
    path = at(f"campaigns/{campaign.pk}/edit/")
    assert 'value="Sprng"' in client.get(path).content.decode()
    for name, sentence in [("Fair", "already"), ("", "1 to 80"), (" ", "1 to 80"), ("x" * 81, "1 to 80")]:
        page = client.post(path, {"name": name})
        assert page.status_code == 422
        assert sentence in text_of(page.content.decode())
    page = client.post(path, {"name": "Spring"}, follow=True)
    assert "Spring" in text_of(page.content.decode())
    assert f'href="{at("links/")}?campaign={campaign.pk}"' in page.content.decode()


def test_a_deleted_campaign_leaves_its_links(client, tenant, at):
    from control_plane.campaigns.services import create_campaign

    campaign = create_campaign(workspace_id=tenant.workspace_id, name="Fair")
    link = new_link(tenant, campaign_id=campaign.pk)
    body = client.get(at("campaigns/")).content.decode()
    assert f'data-opens="delete-{campaign.pk}"' in body
    assert "Its link stays and keeps working" in text_of(body)
    path = at(f"campaigns/{campaign.pk}/delete/")
    assert client.get(path).status_code == 405
    assert "Its links stay" in text_of(client.post(path, follow=True).content.decode())
    assert link_of(tenant, link.pk).campaign_id is None
    assert client.post(path).status_code == 404
    assert client.get(at(f"campaigns/{campaign.pk}/edit/")).status_code == 404


def test_only_who_may_edit_changes_a_campaign(tenant, at):
    from control_plane.campaigns.services import create_campaign

    campaign = create_campaign(workspace_id=tenant.workspace_id, name="Fair")
    viewer = signed_in(member(tenant, "viewer"))
    body = viewer.get(at("campaigns/")).content.decode()
    assert "Rename" not in body
    assert "<dialog" not in body or f"delete-{campaign.pk}" not in body
    for action in ["edit", "delete"]:
        assert viewer.post(at(f"campaigns/{campaign.pk}/{action}/"), {"name": "x"}).status_code == 403
    assert "Fair" in viewer.get(at("campaigns/")).content.decode()


def test_password_limit_fallback_and_gs1_are_set_shown_and_taken_away(client, tenant, at):
    form = {
        "destination": "https://example.com/",
        "password": "open sesame",
        "max_scans": "100",
        "fallback": "https://example.com/over",
        "pass_query": "on",
        "redirect_status": "307",
        "gtin": "9506000134352",
        "lot": "LOT7",
    }
    page = client.post(at("links/new/"), form, follow=True)
    body = page.content.decode()
    link = link_of(tenant, int(page.redirect_chain[-1][0].split("/")[-2]))
    assert link.has_password and "open sesame" not in link.password_hash
    assert (link.max_scans, link.fallback, link.pass_query) == (100, "https://example.com/over", True)
    assert link.redirect_status == 307
    assert link.gs1 == "01/09506000134352/10/LOT7"
    for words in ("protected", "limit 0/100", "fallback", "01/09506000134352/10/LOT7"):
        assert words in text_of(body), words
    path = at(f"links/{link.pk}/edit/")
    body = client.get(path).content.decode()
    assert "open sesame" not in body and link.password_hash not in body
    assert 'value="LOT7"' in body
    kept = {"destination": link.destination, "max_scans": "", "version": link.version}
    client.post(path, kept)
    changed = link_of(tenant, link.pk)
    assert changed.password_hash == link.password_hash
    assert (changed.max_scans, changed.fallback, changed.pass_query, changed.gs1) == (None, "", False, "")
    client.post(path, kept | {"remove_password": "on", "version": changed.version})
    assert not link_of(tenant, link.pk).has_password


def test_the_count_of_a_limited_link_can_be_reset(client, tenant, at):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link

    link = new_link(tenant, max_scans=10)
    with workspace_scope(tenant.workspace_id):
        Link.objects.filter(pk=link.pk).update(scans_used=10)
    assert "Used up" in text_of(client.get(at(f"links/{link.pk}/")).content.decode())
    form = client.get(at(f"links/{link.pk}/edit/")).content.decode()
    assert "10 of 10 used" in text_of(form)
    assert "/reset/" not in form  # a button there would throw away what was typed around it
    assert f'action="{at(f"links/{link.pk}/reset/")}"' in client.get(at(f"links/{link.pk}/")).content.decode()
    assert client.get(at(f"links/{link.pk}/reset/")).status_code == 405
    page = client.post(at(f"links/{link.pk}/reset/"), follow=True)
    assert "The count starts again" in text_of(page.content.decode())
    assert link_of(tenant, link.pk).scans_used == 0


def test_a_count_for_rules_alone_can_be_reset_by_who_may_edit(client, tenant, at):
    by_number = {"when": {"type": "scan_number", "first": 5}, "then": {"type": "gone"}}
    path = at(f"links/{new_link(tenant, rules=[by_number]).pk}/")
    assert f'action="{path}reset/"' in client.get(path).content.decode()
    shown = signed_in(member(tenant, "viewer")).get(path).content.decode()
    assert "Scans counted for rules" in shown and "/reset/" not in shown
    assert "/reset/" not in client.get(at(f"links/{new_link(tenant).pk}/")).content.decode()


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("password", "abc", "4 to 256"),
        ("max_scans", "0", "from 1"),
        ("max_scans", "many", "whole number"),
        ("fallback", "javascript:alert(1)", "cannot be used"),
        ("gtin", "9506000134353", "check digit"),
        ("lot", "LOT7", "GTIN"),
    ],
)
def test_a_bad_advanced_value_opens_the_section_with_its_sentence(client, at, field, value, sentence):
    page = client.post(at("links/new/"), {"destination": "https://example.com/", field: value})
    body = page.content.decode()
    assert page.status_code == 422
    assert sentence in html.unescape(text_of(body))
    assert re.search(r'<details class="card more" open', body)
