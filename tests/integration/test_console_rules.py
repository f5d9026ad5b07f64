"""A link's rules in the console: saved, refused at the field, overtaken, tried, compared with real scans."""

import dataclasses
import html
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pytest
from console_pages import Address, member, new_link, signed_in, text_of
from console_stack import new_tenant

GERMANY = {
    "name": "Germany",
    "when": {"type": "country", "values": ["DE"]},
    "then": {"type": "redirect", "to": "https://example.com/de"},
}
DEEP = {
    "when": {
        "type": "not",
        "of": {
            "type": "any",
            "of": [{"type": "all", "of": [{"type": "any", "of": [{"type": "bot"}, {"type": "placement"}]}]}],
        },
    },
    "then": {"type": "gone"},
}


@pytest.fixture
def client(tenant):
    return signed_in(tenant.user)


@pytest.fixture
def at(tenant):
    return Address(tenant)


@pytest.fixture
def link(tenant):
    return new_link(tenant)


def saved(tenant, link):
    from control_plane.campaigns.selectors import get_link

    return get_link(workspace_id=tenant.workspace_id, link_id=link.pk).rules


def form(rules, version=1, **more):
    return {"rules": json.dumps(rules), "version": version, **more}


def text_typed(page):
    """What the JSON field holds: the one thing that is saved, and that the cards are drawn from."""
    return html.unescape(re.search(r'name="rules"[^>]*>(.*?)</textarea>', page.content.decode(), re.S)[1])


def shown(page):
    return json.loads(text_typed(page))


def data_of(page):
    body = page.content.decode()
    return json.loads(re.search(r'<script id="rules-data" type="application/json">(.*?)</script>', body)[1])


def test_the_editor_keeps_to_the_policy_and_brings_what_its_scripts_need(client, at, link):
    page = client.get(at(f"links/{link.pk}/rules/"))
    body = page.content.decode()
    assert page.status_code == 200
    assert not re.search(r"<[^>]+\s(style|on\w+)=", body)
    assert not re.search(r"<style|<script(?![^>]*(\bsrc=|application/json))", body)
    data = data_of(page)
    assert data["countries"]["DE"] == "Germany"
    assert data["languages"]["de"] == "German"
    assert "Europe/Madrid" in data["zones"]
    assert "Instagram" in data["in_apps"]
    assert shown(page) == [] and data["errors"] == [] and not data["readonly"]
    assert "One code, several destinations" in text_of(body)
    assert 'name="rules"' in body


def test_rules_are_saved_and_come_back_as_they_were(client, tenant, at, link):
    page = client.post(at(f"links/{link.pk}/rules/"), form([GERMANY, DEEP]), follow=True)
    assert page.status_code == 200
    assert "Saved." in text_of(page.content.decode())
    assert saved(tenant, link) == [GERMANY, DEEP]
    assert shown(page) == [GERMANY, DEEP]
    client.post(at(f"links/{link.pk}/rules/"), form([], version=2))
    assert saved(tenant, link) == []


def test_what_is_wrong_is_said_with_its_place_and_nothing_is_lost(client, tenant, at, link):
    bad = [
        GERMANY,
        {"when": {"type": "all", "of": [{"type": "country", "values": []}]}, "then": {"type": "gone"}},
    ]
    page = client.post(at(f"links/{link.pk}/rules/"), form(bad))
    assert page.status_code == 422
    data = data_of(page)
    (error,) = data["errors"]
    assert error["path"].startswith("rules[1].when.of[0]")
    assert error["message"].startswith("Rule 2, country:")
    assert shown(page) == bad
    body = page.content.decode()
    assert html.escape(error["message"]) in body or error["message"] in html.unescape(body)
    assert saved(tenant, link) == []


NESTED = (
    '[{"when": '
    + '{"type": "not", "of": ' * 600
    + '{"type": "bot"}'
    + "}" * 600
    + ', "then": {"type": "gone"}}]'
)


@pytest.mark.parametrize("text", [NESTED, "not json", '{"a": 1}', "[" * 100_000, '[1, "x", null]', "[{}]"])
def test_what_is_no_list_of_rules_gets_a_sentence(client, tenant, at, link, text):
    page = client.post(at(f"links/{link.pk}/rules/"), {"rules": text, "version": 1})
    assert page.status_code == 422
    assert "Not saved." in text_of(page.content.decode())
    assert text_typed(page) == text
    assert saved(tenant, link) == []


def test_a_draft_may_be_as_long_as_the_largest_list_is_when_indented_and_no_longer(client, tenant, at, link):
    from control_plane.campaigns.rules import MAX_RULES_BYTES
    from control_plane.console.views.rules import MAX_TEXT

    placements = [f"{number:05}" for number in range(10_000)]
    while len(json.dumps(placements, separators=(",", ":"))) > MAX_RULES_BYTES:
        placements = placements[:-1000]
    # As deep as it goes in the editor.
    nested = {"when": {"type": "all", "of": [{"type": "any", "of": [{"not": {"values": placements}}]}]}}
    assert len(json.dumps([nested], indent=2)) < 0.75 * MAX_TEXT
    for spaces, sentence in [(MAX_TEXT - 2, "Saved."), (MAX_TEXT - 1, "too long to be read")]:
        typed = "[" + " " * spaces + "]"
        page = client.post(at(f"links/{link.pk}/rules/"), {"rules": typed, "version": 1}, follow=True)
        assert sentence in text_of(page.content.decode())
    assert page.status_code == 422
    assert text_typed(page) == typed


def test_an_address_that_is_no_web_address_never_gets_in(client, tenant, at, link):
    bad = [{"then": {"type": "redirect", "to": "javascript:alert(1)"}}]
    page = client.post(at(f"links/{link.pk}/rules/"), form(bad))
    assert page.status_code == 422
    assert data_of(page)["errors"][0]["path"] == "rules[0].then.to"


def test_somebody_elses_edit_is_not_overwritten_unasked(client, tenant, at, link):
    path = at(f"links/{link.pk}/rules/")
    assert client.post(path, form([GERMANY])).status_code == 302
    mine = [DEEP]
    page = client.post(path, form(mine, version=1))
    assert page.status_code == 409
    assert "This link has changed since you opened this page" in text_of(page.content.decode())
    assert shown(page) == mine
    assert saved(tenant, link) == [GERMANY]
    assert 'name="overwrite" value="2"' in page.content.decode()
    assert client.post(path, form(mine, version=1, overwrite=2)).status_code == 302
    assert saved(tenant, link) == mine


def test_a_viewer_reads_and_tries_but_does_not_write(tenant, at, link):
    from control_plane.campaigns.services import update_link

    update_link(workspace_id=tenant.workspace_id, link_id=link.pk, rules=[GERMANY])
    viewer = signed_in(member(tenant, "viewer"))
    page = viewer.get(at(f"links/{link.pk}/rules/"))
    assert data_of(page)["readonly"]
    assert "Save rules" not in text_of(page.content.decode())
    assert viewer.post(at(f"links/{link.pk}/rules/"), form([])).status_code == 403
    assert viewer.post(at(f"links/{link.pk}/rules/try/"), {"rules": "[]"}).status_code == 200
    assert saved(tenant, link) == [GERMANY]
    staff = signed_in(member(tenant, "gate_staff"))
    for path in ("", "try/", "shadow/"):
        assert staff.post(at(f"links/{link.pk}/rules/{path}"), form([])).status_code == 403


def test_another_workspaces_link_is_not_there(tenant, at, link):
    stranger = new_tenant()
    client, there = signed_in(stranger.user), Address(stranger)
    for path in ("", "try/", "shadow/"):
        assert client.post(there(f"links/{link.pk}/rules/{path}"), form([])).status_code == 404
        assert client.post(at(f"links/{link.pk}/rules/{path}"), form([])).status_code == 404
    assert client.get(there(f"links/{link.pk}/rules/")).status_code == 404


def test_a_made_up_scan_is_told_rule_by_rule(client, at, link):
    draft = [
        GERMANY,
        {
            "when": {"type": "os", "values": ["ios"]},
            "then": {"type": "redirect", "to": "https://example.com/ios"},
        },
    ]
    path = at(f"links/{link.pk}/rules/try/")
    page = client.post(path, {"rules": json.dumps(draft), "preset": "iphone", "country": "FR"})
    body = page.content.decode()
    assert page.status_code == 200
    assert 'data-decided="2"' in body
    assert "https://example.com/ios" in body
    assert "country is FR, wanted DE" in text_of(body)
    otherwise = client.post(path, {"rules": json.dumps(draft), "preset": "windows"}).content.decode()
    assert 'data-decided="0"' in otherwise
    assert link.destination in otherwise
    assert "<html" not in body


@pytest.mark.parametrize(
    "preset, sentence",
    [
        ("iphone", "Opens the app where it is installed, else its store."),
        ("android", "Opens the app where it is installed, else its store."),
        ("windows", "https://example.com/ Status 302."),
    ],
)
def test_only_a_phone_is_said_to_open_an_app(client, tenant, at, link, preset, sentence):
    from control_plane.campaigns.app_schemes import add_app_scheme

    add_app_scheme(workspace_id=tenant.workspace_id, scheme="myapp")
    app = {"type": "app", "to": "https://example.com/", "ios_link": "myapp://x", "android_link": "myapp://x",
           "android_package": "com.example.shop"}  # fmt: skip
    page = client.post(at(f"links/{link.pk}/rules/try/"), form([{"then": app}], preset=preset))
    assert sentence in text_of(page.content.decode())


@pytest.mark.parametrize(
    "given, words",
    [
        ({"scan_number": "many"}, "whole number"),
        ({"ip": "nowhere"}, "IP address"),
        ({"at": "tomorrow"}, "date and time"),
        ({"country": "Atlantis"}, "two letters"),
        ({"rules": '[{"then": {"type": "redirect", "to": "ftp://x"}}]'}, "Rule 1"),
    ],
)
def test_a_scan_that_cannot_be_is_refused_with_a_sentence(client, at, link, given, words):
    page = client.post(at(f"links/{link.pk}/rules/try/"), {"rules": "[]", "preset": "iphone"} | given)
    assert page.status_code == 422
    assert words in text_of(page.content.decode())


def test_a_paused_link_says_so_before_any_rule(client, tenant, at, link):
    from control_plane.campaigns.services import pause_link

    pause_link(workspace_id=tenant.workspace_id, link_id=link.pk)
    page = client.post(at(f"links/{link.pk}/rules/try/"), form([GERMANY], country="DE"))
    assert "The link is paused" in text_of(page.content.decode())
    assert 'data-decided=""' in page.content.decode()


@pytest.fixture
def clickhouse(console, clickhouse_database, monkeypatch):
    """The console's statistics come from a database of this module's own."""
    from django.conf import settings

    from control_plane.campaigns import stats

    config = dataclasses.replace(settings.CONFIG, clickhouse_url=clickhouse_database)
    monkeypatch.setattr(settings, "CONFIG", config)
    monkeypatch.setattr(stats, "_client", None)
    yield clickhouse_database
    if stats._client is not None:
        stats._client.close()


def insert(url, tenant, link, at, scans):
    parts = urlsplit(url)
    rows = [
        {
            "event_id": uuid.uuid4(), "at": at, "workspace_id": tenant.workspace_id, "link_id": link.pk,
            "code": link.code, "reason": "ok", "status": 302, "visitor_id": number, "device": "phone",
        }
        | one
        for number, one in enumerate(scans)
    ]  # fmt: skip
    names = sorted(set().union(*rows))
    with clickhouse_connect.get_client(
        host=parts.hostname,
        port=parts.port,
        username=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
    ) as driver:
        driver.insert("events", [[row.get(name, "") for name in names] for row in rows], column_names=names)


def test_yesterdays_scans_are_compared_with_the_draft(client, clickhouse, tenant, at, link):
    yesterday = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    insert(clickhouse, tenant, link, yesterday, [{"country": "DE"}] * 3 + [{"country": "FR"}])
    page = client.post(at(f"links/{link.pk}/rules/shadow/"), form([GERMANY]))
    shown = text_of(page.content.decode())
    assert page.status_code == 200
    assert "3 of 4 scans by people" in shown
    assert "75 %" in shown
    assert "example.com/menu → then example.com/de 3" in shown
    assert "Rule 1: Germany 3 3" in shown
    assert "Otherwise 1 0" in shown
    nothing = text_of(client.post(at(f"links/{link.pk}/rules/shadow/"), form([])).content.decode())
    assert "0 of 4 scans" in nothing
    before = (yesterday - timedelta(days=5)).date().isoformat()
    empty = client.post(at(f"links/{link.pk}/rules/shadow/"), form([GERMANY], day=before))
    assert "No scans on" in text_of(empty.content.decode())


def test_a_comparison_says_what_records_cannot_answer_and_what_is_wrong(client, clickhouse, tenant, at, link):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    insert(clickhouse, tenant, link, yesterday, [{"country": "DE"}])
    draft = [{"when": {"type": "ip", "values": ["192.0.2.0/24"]}, "then": {"type": "gone"}}]
    page = client.post(at(f"links/{link.pk}/rules/shadow/"), form(draft))
    assert "The records cannot answer everything" in text_of(page.content.decode())
    for wrong in ({"day": "someday"}, {"day": "1999-01-01"}, {"rules": "x"}):
        assert client.post(at(f"links/{link.pk}/rules/shadow/"), form([]) | wrong).status_code == 422


def test_a_comparison_without_clickhouse_is_a_sentence(client, at, link):
    page = client.post(at(f"links/{link.pk}/rules/shadow/"), form([GERMANY]))
    assert page.status_code == 422
    assert "not available" in text_of(page.content.decode())


def test_the_statistics_name_rules_variants_and_placements(client, clickhouse, tenant, at, link):
    from control_plane.campaigns.services import update_link

    split = {
        "name": "Test",
        "then": {
            "type": "split",
            "variants": [
                {"to": "https://example.com/a", "name": "A"},
                {"to": "https://example.com/b", "name": "B"},
            ],
        },
    }
    update_link(workspace_id=tenant.workspace_id, link_id=link.pk, rules=[GERMANY, split])
    insert(
        clickhouse,
        tenant,
        link,
        datetime.now(UTC),
        [{"placement": "door", "rule": 1, "variant": 0}, {"placement": "", "rule": 2, "variant": 2}],
    )
    shown = text_of(client.get(at(f"links/{link.pk}/?period=24h")).content.decode())
    for words in ("door", "Rule 1: Germany", "Rule 2: Test", "Test: B", "at “door”"):
        assert words in shown, words
