"""Keys of the API: which are taken, what each may do, and how often."""

import json
import re
from datetime import timedelta

import pytest
import redis
from api_client import Api, problem
from console_stack import REDIS_URL, Tenant, new_tenant
from django.test import Client


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


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
                if needed in ("device", "none"):
                    assert answer.status_code == {"device": 401, "none": 422}[needed], (method, path)
                    continue
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
    assert body["key"]["scopes"] == [
        "domains:write", "gates:manage", "links:read", "links:write", "passes:read", "passes:write",
        "stats:read",
    ]  # fmt: skip


def test_the_rate_is_limited_by_key_and_fails_open(
    tenant: Tenant, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.accounts import limits
    from control_plane.api import rate

    monkeypatch.setattr(rate, "LIMIT", 3)
    # One window for the whole test, even where the minute turns.
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_015.0)
    left = [int(api("GET", "/workspace")["RateLimit-Remaining"]) for _ in range(3)]
    assert left == [2, 1, 0]
    over = api("GET", "/workspace")
    assert "3 requests a minute" in problem(over, 429)
    assert (over["Retry-After"], over["RateLimit-Reset"], over["RateLimit-Remaining"]) == ("45", "45", "0")
    assert Api(new_tenant().key)("GET", "/workspace").status_code == 200

    monkeypatch.setattr(limits, "_valkey", lambda: redis.Redis(port=1, socket_connect_timeout=0.1))
    answer = api("GET", "/workspace")
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer
    with redis.Redis.from_url(REDIS_URL) as client:
        # -1 is without an end; a key of an earlier minute may go meanwhile.
        assert all(client.ttl(name) != -1 for name in client.scan_iter("scanway:rate:*"))
