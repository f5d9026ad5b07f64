"""Links and campaigns by API: the whole life of one, bad input, pages, and retries."""

import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from console_stack import REDIS_URL, Tenant, new_tenant
from django.test import Client

PROBLEM = "application/problem+json"
GOOD = {"destination": "https://example.com/spring"}


class Api:
    """One key at work."""

    def __init__(self, key: str) -> None:
        self.headers = {"Authorization": f"Bearer {key}"}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = (
            {"data": body if isinstance(body, str | bytes) else json.dumps(body)} if body is not None else {}
        )
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(raise_request_exception=False)
        content_type = given.pop("content-type", "application/json")
        return client.generic(
            method, f"/api/v1{path}", content_type=content_type, headers={**self.headers, **given}, **data
        )


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


def problem(response: Any, status: int, field: str | None = None) -> str:
    """Checks the form of an error, and returns its sentence about `field`."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM
    body = response.json()
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail", "instance"}
    assert body["status"] == status
    assert body["type"].startswith("urn:scanway:problem:")
    if field is None:
        return str(body["detail"])
    messages = {error["field"]: error["message"] for error in body["errors"]}
    assert field in messages, messages
    return str(messages[field])


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
    assert "Somebody else" in problem(api("PATCH", path, {"title": "b", "version": 1}), 409, "version")
    assert "Somebody else" in problem(api("PATCH", path, {"title": "b"}, If_Match='"1"'), 412, "If-Match")
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


def test_a_retry_with_the_same_key_gets_the_stored_answer(api: Api) -> None:
    key = uuid.uuid4().hex
    first = api("POST", "/links", GOOD, Idempotency_Key=key)
    again = api("POST", "/links", GOOD, Idempotency_Key=key)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert len(api("GET", "/links").json()["data"]) == 1
    other = api("POST", "/links", {"destination": "https://example.com/other"}, Idempotency_Key=key)
    assert "different request" in problem(other, 409, "Idempotency-Key")
    assert "different request" in problem(
        api("POST", "/campaigns", {"name": "x"}, Idempotency_Key=key), 409, "Idempotency-Key"
    )


def test_a_refused_request_keeps_nothing_under_its_key(api: Api) -> None:
    key = uuid.uuid4().hex
    problem(api("POST", "/links", {"destination": "x"}, Idempotency_Key=key), 422)
    assert api("POST", "/links", GOOD, Idempotency_Key=key).status_code == 201


def test_keys_of_two_workspaces_are_apart(api: Api) -> None:
    other = Api(new_tenant().key)
    key = uuid.uuid4().hex
    first, second = (one("POST", "/links", GOOD, Idempotency_Key=key) for one in (api, other))
    assert first.json()["id"] != second.json()["id"]
    assert "Idempotency-Replayed" not in second


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
def test_odd_idempotency_keys_are_refused(api: Api, key: str) -> None:
    assert problem(api("POST", "/links", GOOD, Idempotency_Key=key), 422, "Idempotency-Key")


def _at_once(api: Api, count: int, key: str | None) -> list[Any]:
    barrier = threading.Barrier(count)
    headers = {} if key is None else {"Idempotency_Key": key}

    def one(_: int) -> Any:
        from django.db import connection

        try:
            barrier.wait(timeout=30)
            return api("POST", "/links", GOOD, **headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_the_same_request_at_once_is_done_once(api: Api) -> None:
    answers = _at_once(api, 8, uuid.uuid4().hex)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert len(api("GET", "/links").json()["data"]) == 1


def test_negative_control_without_the_key_it_is_done_each_time(api: Api) -> None:
    answers = _at_once(api, 8, None)
    assert len({answer.json()["id"] for answer in answers}) == 8


def test_negative_control_without_the_note_in_the_transaction_the_race_is_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look first, then work, then write it down: without the unique index it is done many times."""
    from control_plane.campaigns import idempotency

    seen: dict[str, Any] = {}
    all_looked = threading.Barrier(4)

    def careless(*, workspace_id: int, key: str, request: bytes, work: Any) -> Any:
        found = seen.get(key)
        all_looked.wait(timeout=30)
        if found is None:
            found = seen[key] = work()
        return found

    monkeypatch.setattr(idempotency, "remember", careless)
    answers = _at_once(api, 4, uuid.uuid4().hex)
    assert len({answer.json()["id"] for answer in answers}) == 4


def test_keys_missing_wrong_revoked_and_expired_get_the_same_401(tenant: Tenant) -> None:
    from django.utils import timezone

    from control_plane.accounts import keys
    from control_plane.accounts.models import ApiKey
    from control_plane.accounts.tenancy import workspace_scope

    revoked = keys.create_key(workspace_id=tenant.workspace_id, name="revoked", scopes=["links:read"])
    assert Api(revoked.secret)("GET", "/links").status_code == 200
    keys.revoke_key(workspace_id=tenant.workspace_id, key_id=revoked.key.pk)
    expired = keys.create_key(
        workspace_id=tenant.workspace_id,
        name="expired",
        scopes=["links:read"],
        expires_at=timezone.now() + timedelta(hours=1),
    )
    with workspace_scope(tenant.workspace_id):
        ApiKey.objects.filter(id=expired.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    changed = tenant.key[:-1] + ("a" if tenant.key[-1] != "a" else "b")
    sentences = set()
    for key in (revoked.secret, expired.secret, changed, "sw_x", "sw_" + "0" * 12 + "_" + "a" * 43, "\x7f"):
        answer = Api(key)("GET", "/workspace")
        sentences.add(problem(answer, 401))
        assert answer["WWW-Authenticate"] == 'Bearer realm="scanway", error="invalid_token"'
    assert len(sentences) == 1
    client = Client(raise_request_exception=False)
    for headers in ({}, {"Authorization": f"Basic {tenant.key}"}, {"Authorization": "Bearer"}):
        answer = client.get("/api/v1/links", headers=headers)
        assert "Authorization: Bearer" in problem(answer, 401)
        assert answer["WWW-Authenticate"] == 'Bearer realm="scanway"'


def test_a_console_session_is_no_key(tenant: Tenant) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(tenant.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    problem(client.get("/api/v1/links"), 401)


def test_a_key_does_what_its_scopes_say_and_no_more(tenant: Tenant) -> None:
    from control_plane.accounts.keys import create_key
    from control_plane.accounts.permissions import KeyScope
    from control_plane.api.v1 import api as ninja

    document = json.loads(Client().get("/api/v1/openapi.json").content)
    assert ninja is not None
    keys = {
        scope: Api(create_key(workspace_id=tenant.workspace_id, name=scope, scopes=[scope]).secret)
        for scope in KeyScope
    }
    asked = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            needed = operation["x-scope"]
            at = re.sub(r"\{\w+\}", "1", path.removeprefix("/api/v1"))
            for scope, key in keys.items():
                answer = key(method.upper(), at, {} if "requestBody" in operation else None)
                refused = needed is not None and scope != needed
                assert (answer.status_code == 403) == refused, (method, path, scope, answer.content)
                if refused:
                    assert needed in problem(answer, 403)
                    assert f'scope="{needed}"' in answer["WWW-Authenticate"]
                asked += 1
    assert asked > 40


def test_the_key_says_whose_it_is(tenant: Tenant, api: Api) -> None:
    body = api("GET", "/workspace").json()
    assert (body["id"], body["slug"], body["name"]) == (tenant.workspace_id, tenant.slug, tenant.name)
    assert body["key"]["scopes"] == ["domains:write", "links:read", "links:write", "stats:read"]


def test_the_rate_is_limited_by_key_and_fails_open(
    tenant: Tenant, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.api import rate

    monkeypatch.setattr(rate, "LIMIT", 3)
    # One window for the whole test, even where the minute turns.
    monkeypatch.setattr(rate.time, "time", lambda: 1_800_000_015.0)
    left = [int(api("GET", "/workspace")["RateLimit-Remaining"]) for _ in range(3)]
    assert left == [2, 1, 0]
    over = api("GET", "/workspace")
    assert "3 requests a minute" in problem(over, 429)
    assert (over["Retry-After"], over["RateLimit-Reset"], over["RateLimit-Remaining"]) == ("45", "45", "0")
    assert Api(new_tenant().key)("GET", "/workspace").status_code == 200

    monkeypatch.setattr(rate, "_valkey", lambda: redis.Redis(port=1, socket_connect_timeout=0.1))
    answer = api("GET", "/workspace")
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer
    with redis.Redis.from_url(REDIS_URL) as client:
        # -1 is without an end; a key of an earlier minute may go meanwhile.
        assert all(client.ttl(name) != -1 for name in client.scan_iter("scanway:rate:*"))
