"""Links and campaigns by API: the whole life of one, bad input, and pages."""

import uuid
from typing import Any

import pytest
from api_client import GOOD, Api, problem
from console_stack import Tenant
from django.test import Client


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


def test_the_life_of_a_link(api: Api) -> None:
    made = api("POST", "/links", {**GOOD, "title": "Poster", "code": "Spring-" + uuid.uuid4().hex[:8]})
    assert made.status_code == 201
    link = made.json()
    assert made["Location"] == f"/api/v1/links/{link['id']}"
    assert made["ETag"] == '"1"'
    assert link["code"] == link["code"].lower()
    assert link["short_url"] == f"http://192.168.1.20:8080/{link['code']}"
    assert (link["state"], link["version"], link["redirect_status"]) == ("active", 1, 302)

    path = f"/links/{link['id']}"
    read = api("GET", path)
    assert read.json() == link
    assert read["ETag"] == '"1"'

    changed = api(
        "PATCH",
        path,
        {"destination": "https://example.com/summer", "expires_at": "2030-01-01T01:00:00+01:00"},
    )
    assert changed.json()["destination"] == "https://example.com/summer"
    assert changed.json()["expires_at"] == "2030-01-01T00:00:00Z"
    assert changed.json()["title"] == "Poster"
    assert changed.json()["version"] == 2
    assert api("PATCH", path, {"expires_at": None}).json()["expires_at"] is None

    assert api("POST", f"{path}/pause").json()["state"] == "paused"
    assert api("POST", f"{path}/pause").json()["version"] == 4
    assert [row["id"] for row in api("GET", "/links?state=paused").json()["data"]] == [link["id"]]
    assert api("POST", f"{path}/resume").json()["state"] == "active"

    gone = api("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    problem(api("GET", path), 404)
    problem(api("DELETE", path), 404)
    assert "taken" in problem(api("POST", "/links", {**GOOD, "code": link["code"]}), 409, "code")


def test_the_life_of_a_campaign(api: Api) -> None:
    campaign = api("POST", "/campaigns", {"name": "Spring"}).json()
    assert "already" in problem(api("POST", "/campaigns", {"name": "Spring"}), 422, "name")
    link = api("POST", "/links", {**GOOD, "campaign_id": campaign["id"]}).json()
    api("POST", "/links", GOOD)
    assert [row["id"] for row in api("GET", f"/links?campaign_id={campaign['id']}").json()["data"]] == [
        link["id"]
    ]
    path = f"/campaigns/{campaign['id']}"
    assert api("PATCH", path, {"name": "Summer"}).json()["name"] == "Summer"
    assert api("GET", path).json()["name"] == "Summer"
    assert [row["name"] for row in api("GET", "/campaigns").json()["data"]] == ["Summer"]
    assert api("DELETE", path).status_code == 204
    problem(api("GET", path), 404)
    assert api("GET", f"/links/{link['id']}").json()["campaign_id"] is None


def test_search_finds_title_code_and_destination(api: Api) -> None:
    link = api(
        "POST", "/links", {"destination": "https://example.com/needle-a", "title": "Blue poster"}
    ).json()
    api("POST", "/links", GOOD)
    for q in ("needle-A", "blue", link["code"], link["short_url"]):
        assert [row["id"] for row in api("GET", f"/links?q={q}").json()["data"]] == [link["id"]], q
    assert api("GET", "/links?q=nothing-like-that").json() == {"data": [], "next": None}


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_qr_images_and_their_refusals(api: Api, kind: str) -> None:
    link = api("POST", "/links", GOOD).json()
    path = f"/links/{link['id']}/qr.{kind}"
    image = api("GET", f"{path}?mm=30&error_correction=Q")
    assert image.status_code == 200
    assert (
        image["Content-Type"] == {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}[kind]
    )
    assert link["code"] in image["Content-Disposition"]
    assert problem(api("GET", f"{path}?mm=1"), 422, "mm") == "Choose a print size from 5 to 2000 mm."
    assert "darker" in problem(api("GET", f"{path}?dark=%23fff&light=%23000"), 422, "dark")
    assert "size" in problem(api("GET", f"{path}?size=3"), 422, "size")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "destination", "required"),
        ({"destination": "ftp://example.com/"}, "destination", "https://"),
        ({"destination": "javascript:alert(1)"}, "destination", "https://"),
        ({"destination": "https://user:pass@example.com/"}, "destination", "password"),
        ({"destination": "https://example.com/\r\nX: y"}, "destination", ""),
        ({"destination": "https://exa\tmple.com/"}, "destination", ""),
        ({"destination": "https://example.com\\@evil.example/"}, "destination", "backslash"),
        ({"destination": "http://192.168.1.20:8080/abc"}, "destination", "circle"),
        ({"destination": "https://example.com/" + "a" * 10_000}, "destination", "2,048"),
        ({"destination": "https://example.com/\0"}, "destination", "stored"),
        ({"destination": 5}, "destination", "text"),
        ({"destination": None}, "destination", "text"),
        ({**GOOD, "code": "ab"}, "code", "at least 3"),
        ({**GOOD, "code": "robots"}, "code", "reserved"),
        ({**GOOD, "code": "-/metrics"}, "code", "letters"),
        ({**GOOD, "code": "späti"}, "code", "letters"),
        ({**GOOD, "code": "x" * 65}, "code", "at most 64"),
        ({**GOOD, "title": "x" * 201}, "title", "at most 200"),
        ({**GOOD, "title": "a\u202eb"}, "title", "cannot be shown"),
        ({**GOOD, "title": ["x"]}, "title", "text"),
        ({**GOOD, "campaign_id": 2**62}, "campaign_id", "no such campaign"),
        ({**GOOD, "campaign_id": 2**64}, "campaign_id", "at most"),
        ({**GOOD, "campaign_id": True}, "campaign_id", "whole number"),
        ({**GOOD, "starts_at": "tomorrow"}, "starts_at", "RFC 3339"),
        ({**GOOD, "starts_at": "2027-01-01T00:00:00"}, "starts_at", "time zone"),
        ({**GOOD, "starts_at": 1800000000}, "starts_at", "RFC 3339"),
        ({**GOOD, "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at", "years"),
        (
            {**GOOD, "starts_at": "2028-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z"},
            "expires_at",
            "after the start",
        ),
        ({**GOOD, "redirect_status": 200}, "redirect_status", "301"),
        ({**GOOD, "redirect_status": "302"}, "redirect_status", "whole number"),
        ({**GOOD, "colour": "red"}, "colour", "no field “colour”"),
        ({**GOOD, "workspace_id": 1, "state": "blocked"}, "workspace_id", "no field"),
    ],
)
def test_bad_values_are_refused_by_field(api: Api, body: dict[str, Any], field: str, words: str) -> None:
    assert words in problem(api("POST", "/links", body), 422, field)
    if body:
        link = api("POST", "/links", GOOD).json()
        changes = {name: value for name, value in body.items() if name != "code"}
        if changes != GOOD:
            assert words in problem(api("PATCH", f"/links/{link['id']}", changes), 422, field)
            assert api("GET", f"/links/{link['id']}").json() == link
    assert (
        len(api("GET", "/links").json()["data"]) == (1 if body and changes != GOOD else 0) or "code" in body
    )


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("[]", "application/json", 400),
        ('"text"', "application/json", 400),
        ("null", "application/json", 400),
        ("{", "application/json", 400),
        ('{"destination": NaN}', "application/json", 400),
        ("[" * 10_000, "application/json", 400),
        ('{"a":' * 30 + "1" + "}" * 30, "application/json", 400),
        ('{"redirect_status": ' + "9" * 5000 + "}", "application/json", 400),
        (b"\xff\xfe{}", "application/json", 400),
        ('{"title": "\\ud800"}', "application/json", 422),
        ("", "application/json", 422),
        ("destination=x", "application/x-www-form-urlencoded", 415),
        ("{}", "text/plain", 415),
        ("{}", "application/json; charset=latin-1", 422),
        (" " * 66_000, "application/json", 413),
    ],
)
def test_bodies_that_are_no_json_object_are_refused(
    api: Api, body: str | bytes, content_type: str, status: int
) -> None:
    problem(api("POST", "/links", body, content_type=content_type), status)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/links?limit=0", "limit"),
        ("/links?limit=101", "limit"),
        ("/links?limit=ten", "limit"),
        ("/links?state=deleted", "state"),
        ("/links?cursor=%F0%9F%98%80", "cursor"),
        ("/links?cursor=abc", "cursor"),
        ("/links?q=%00", "q"),
        ("/links?q=" + "a" * 201, "q"),
        ("/links?campaign_id=x", "campaign_id"),
        ("/links?stat=active", "stat"),
        ("/campaigns?cursor=e30", "cursor"),
        ("/campaigns?state=active", "state"),
    ],
)
def test_bad_parameters_are_refused_by_name(api: Api, path: str, field: str) -> None:
    assert problem(api("GET", path), 422, field)


def test_addresses_and_methods_that_do_not_exist(api: Api) -> None:
    for path in (
        "/nope",
        "/links/abc",
        "/links/-1",
        "/links/99999999999999999999999",
        "/links/1/qr.exe",
        "/",
        "/links/1/",
    ):
        problem(api("GET", path), 404)
    assert problem(api("PUT", "/links", {}), 405)
    assert set(api("PUT", "/links", {})["Allow"].split(", ")) == {"GET", "POST"}
    client = Client(raise_request_exception=False)
    problem(client.get("/api/"), 404)
    problem(client.get("/api/v2/links"), 404)
    problem(client.get("/api/v1/links", headers={"Host": "evil.example"}), 400)
    assert client.get("/api/v1/docs").status_code == 200


def test_nobody_overwrites_what_they_have_not_seen(api: Api) -> None:
    path = f"/links/{api('POST', '/links', GOOD).json()['id']}"
    assert api("PATCH", path, {"title": "a", "version": 1}).json()["version"] == 2
    assert "has changed since" in problem(api("PATCH", path, {"title": "b", "version": 1}), 409, "version")
    assert "has changed since" in problem(api("PATCH", path, {"title": "b"}, If_Match='"1"'), 412, "If-Match")
    assert "quotes" in problem(api("PATCH", path, {"title": "b"}, If_Match="2"), 422, "If-Match")
    assert api("PATCH", path, {"title": "b"}, If_Match='"2"')["ETag"] == '"3"'
    assert api("PATCH", path, {"title": "c"}, If_Match="*").json()["title"] == "c"


def test_a_blocked_link_cannot_be_changed(tenant: Tenant, api: Api) -> None:
    from control_plane.campaigns.services import block_link

    link = api("POST", "/links", GOOD).json()
    block_link(workspace_id=tenant.workspace_id, link_id=link["id"])
    assert api("GET", f"/links/{link['id']}").json()["state"] == "blocked"
    for method, tail, body in (
        ("PATCH", "", {"title": "x"}),
        ("POST", "/resume", None),
        ("DELETE", "", None),
    ):
        assert "abuse desk" in problem(api(method, f"/links/{link['id']}{tail}", body), 409, "state")


@pytest.mark.parametrize("what", ["links", "campaigns"])
def test_pages_neither_repeat_nor_hide_rows_while_others_come_and_go(api: Api, what: str) -> None:
    def make(number: int) -> int:
        body = GOOD if what == "links" else {"name": f"Campaign {number}"}
        return int(api("POST", f"/{what}", body).json()["id"])

    before = [make(number) for number in range(11)]
    seen: list[int] = []
    cursor = ""
    for turn in range(20):
        page = api("GET", f"/{what}?limit=3&cursor={cursor}").json()
        seen += [row["id"] for row in page["data"]]
        make(100 + turn)
        if turn == 1:
            # The row that the cursor names is gone, and so is one that was not shown yet.
            assert api("DELETE", f"/{what}/{seen[-1]}").status_code == 204
            assert api("DELETE", f"/{what}/{before[0]}").status_code == 204
        cursor = page["next"] or ""
        if not cursor:
            break
    assert seen == sorted(before[1:], reverse=True)
