"""The tenant wall, walked: a person and a key of workspace A ask for all that is B's, and get nothing.

The addresses come from the URL table and from the OpenAPI document, so a new one is in by itself. One with a
parameter that this test cannot fill fails it: say then, in `World.value`, what the parameter is.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from console_stack import Tenant, new_tenant
from django.test import Client

MARK_A, MARK_B = "alphamark", "bravomark"


@dataclass(frozen=True)
class World:
    """One workspace and one row of everything in it, each with the workspace's mark in its texts."""

    tenant: Tenant
    mark: str
    ids: dict[str, Any]

    def value(self, name: str, where: str) -> Any:
        """What stands for the URL parameter `name`. Raises KeyError for one that nobody explained."""
        if name == "slug":
            return self.tenant.slug
        if name == "kind":
            return "svg"
        return self.ids[name]


def build(mark: str, suffix: str) -> World:
    from control_plane.accounts import keys, services
    from control_plane.accounts.permissions import Role
    from control_plane.campaigns import domains
    from control_plane.campaigns import services as campaigns

    tenant = new_tenant(f"{mark}{suffix}")
    own = tenant.workspace_id
    person = services.create_user(
        email=f"{mark}{suffix}-second@example.com",
        password="correct horse battery staple",
        name=f"{mark} second",
    )
    member = services.add_member(workspace_id=own, user=person, role=Role.EDITOR)
    invited = services.invite_member(
        workspace_id=own, email=f"{mark}{suffix}-guest@example.com", role=Role.VIEWER
    )
    key = keys.create_key(workspace_id=own, name=f"{mark} key", scopes=["links:read"])
    domain = domains.create_domain(
        workspace_id=own,
        host=f"{mark}-{suffix}.example.com",
        root_redirect=f"https://example.com/{mark}-root",
    )
    campaign = campaigns.create_campaign(workspace_id=own, name=f"{mark} campaign")
    link = campaigns.create_link(
        workspace_id=own,
        title=f"{mark} title",
        destination=f"https://example.com/{mark}",
        code=f"{mark}-{suffix}",
        campaign_id=campaign.pk,
        domain_id=domain.pk,
    )
    # Moved, so that there is a name it had before.
    campaigns.update_link(workspace_id=own, link_id=link.pk, domain_id=None)
    ids = {
        "link_id": link.pk,
        "campaign_id": campaign.pk,
        "domain_id": domain.pk,
        "membership_id": member.pk,
        "invitation_id": invited.invitation.pk,
        "key_id": key.key.pk,
        "token": f"{mark}-no-such-token",
    }
    return World(tenant, mark, ids)


@pytest.fixture(scope="module")
def worlds(console: None) -> tuple[World, World]:
    import uuid

    suffix = uuid.uuid4().hex[:8]
    return build(MARK_A, suffix), build(MARK_B, suffix)


# The addresses


def console_routes() -> list[tuple[str, dict[str, Any]]]:
    """(route, parameter → converter) of each address of ours in the URL table, without those of the API.

    Signing in is allauth's, and knows no workspaces.
    """
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(patterns: Any, prefix: str, given: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for entry in patterns:
            route = prefix + str(entry.pattern)
            converters = {**given, **getattr(entry.pattern, "converters", {})}
            regex = getattr(entry.pattern, "regex", None)
            if not hasattr(entry.pattern, "_route") and regex is not None:
                converters |= dict.fromkeys(regex.groupindex)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, route, converters)
            elif isinstance(entry, URLPattern) and entry.callback.__module__.startswith("control_plane."):
                yield route, converters

    return [
        (route, names)
        for route, names in walk(get_resolver().url_patterns, "", {})
        if not route.startswith("api/")
    ]


def api_operations() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of each operation in the OpenAPI document."""
    document = json.loads(Client().get("/api/v1/openapi.json").content)
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete", "head", "options")
    ]


def filled(route: str, world: World) -> str:
    """The route with the world's values. Raises AssertionError for a parameter nobody explained."""

    def one(match: "re.Match[str]") -> str:
        name = match["name"]
        try:
            return str(world.value(name, route))
        except KeyError:
            raise AssertionError(
                f"The wall's test does not know what to put for “{name}” in {route}. Add it to build()."
            ) from None

    return re.sub(r"<(?:\w+:)?(?P<name>\w+)>|\{(?:\w+:)?(?P<other>\w+)\}", lambda m: one(_named(m)), route)


def _named(match: "re.Match[str]") -> Any:
    return {"name": match["name"] or match["other"]}


def everything(response: Any) -> str:
    """All that the client gets: headers and body."""
    if getattr(response, "streaming", False):
        # Endless, and only ever of the workspace in its address.
        body = ""
        response.close()
    else:
        body = response.content.decode("utf-8", "replace")
    return f"{response.status_code} {dict(response.headers)} {body}"


def signed_in(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.tenant.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def snapshot(world: World) -> str:
    """All rows of the workspace, to see that nothing was changed."""
    from django.apps import apps

    from control_plane.accounts.models import TenantModel, Workspace
    from control_plane.accounts.tenancy import workspace_scope

    with workspace_scope(world.tenant.workspace_id):
        rows = [list(Workspace.objects.values())]
        for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
            if issubclass(model, TenantModel):
                hidden = {"last_used_at", "published_version"}
                names = [
                    field.attname for field in model._meta.concrete_fields if field.attname not in hidden
                ]
                rows.append(list(model.objects.order_by("pk").values(*names)))
    return repr(rows)


# The walk


def test_there_is_something_to_walk(console: None) -> None:
    routes = [route for route, names in console_routes() if "slug" in names]
    assert len(routes) >= 15
    assert len(api_operations()) >= 15


def test_a_person_of_a_gets_nothing_of_b_from_any_page(worlds: tuple[World, World]) -> None:
    a, b = worlds
    before = snapshot(b)
    leaks = []
    for route, names in console_routes():
        if not names:
            continue
        for method in ("get", "post"):
            client = signed_in(a)
            url = "/" + filled(route, b)
            answer = getattr(client, method)(url)
            # The address itself may come back, in a link to the log-in page for instance.
            told = everything(answer).replace(url, "")
            if answer.status_code not in (403, 404, 405) and "slug" in names:
                leaks.append(f"{method} {url}: {answer.status_code}")
            elif MARK_B in told.replace(b.ids["token"], ""):
                leaks.append(f"{method} {url}: shows {MARK_B}")
    assert leaks == []
    assert snapshot(b) == before


def test_a_person_of_a_gets_nothing_of_b_through_their_own_workspace(worlds: tuple[World, World]) -> None:
    """The slug is theirs, every other number is B's: the answer is as for a number that nobody has."""
    a, b = worlds
    before = snapshot(b)
    mixed = World(a.tenant, a.mark, b.ids)
    nobody = World(a.tenant, a.mark, dict.fromkeys(b.ids, 10**15))
    leaks, asked = [], 0
    for route, names in console_routes():
        if "slug" not in names or not names.keys() - {"slug", "kind"}:
            continue
        for method in ("get", "post"):
            asked += 1
            answer, absent = (
                getattr(signed_in(a), method)("/" + filled(route, world), follow=True)
                for world in (mixed, nobody)
            )
            if answer.status_code != absent.status_code or MARK_B in everything(answer):
                leaks.append(f"{method} {route}: {answer.status_code}, and {absent.status_code} for nobody's")
    assert asked > 10
    assert leaks == []
    assert snapshot(b) == before


def test_no_page_of_a_shows_b(worlds: tuple[World, World]) -> None:
    """All of A's own pages, lists and searches for B's words among them."""
    a, b = worlds
    before = snapshot(b)
    shown = 0
    for route, _names in console_routes():
        if "slug" not in _names or "live/" in route:
            continue
        url = "/" + filled(route, a)
        for query in (
            "",
            f"?q={MARK_B}",
            f"?campaign={b.ids['campaign_id']}&campaign_id={b.ids['campaign_id']}",
        ):
            answer = signed_in(a).get(url + query)
            told = everything(answer)
            assert answer.status_code < 500, (url, told)
            shown += MARK_A in told
            # A search says again what was searched for, once or so; it may not say more than that word.
            assert f"{MARK_B} " not in told
            assert f"{MARK_B}-" not in told
            assert f"com/{MARK_B}" not in told
            assert query or MARK_B not in told
    # The marks are there to be seen: otherwise this test would pass on empty pages.
    assert shown > 10
    assert snapshot(b) == before


def _request(client: Client, method: str, path: str, operation: dict[str, Any], key: str, body: Any) -> Any:
    content = {"data": json.dumps(body)} if "requestBody" in operation else {}
    return client.generic(
        method.upper(),
        path,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
        **content,
    )


def test_a_key_of_a_gets_nothing_of_b_from_any_operation(worlds: tuple[World, World]) -> None:
    a, b = worlds
    before = snapshot(b)
    client = Client(raise_request_exception=False)
    leaks, asked = [], 0
    for method, path, operation in api_operations():
        url = filled(path, b)
        bodies = [{}, {"name": "x"}, {"title": "x"}, {"destination": "https://example.com/taken-over"}]
        for body in bodies if "requestBody" in operation else [None]:
            answer = _request(client, method, url, operation, a.tenant.key, body)
            told = everything(answer)
            asked += 1
            if MARK_B in told:
                leaks.append(f"{method} {path}: shows {MARK_B}")
            # 422: refused for its form, before anything was looked up.
            if "{" in path and answer.status_code not in (403, 404, 422):
                leaks.append(f"{method} {path}: {answer.status_code}")
    assert asked > 20
    assert leaks == []
    assert snapshot(b) == before


def test_no_list_and_no_search_of_a_key_of_a_shows_b(worlds: tuple[World, World]) -> None:
    a, b = worlds
    client = Client(raise_request_exception=False)
    shown = 0
    for method, path, operation in api_operations():
        if method != "get" or "{" in path:
            continue
        names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        queries = [{}, *({name: value} for name in names for value in (MARK_B, b.ids.get(name, 1)))]
        for query in queries:
            answer = client.get(path, query, headers=a.tenant.headers)
            told = everything(answer)
            assert answer.status_code < 500
            assert MARK_B not in told, (path, query)
            shown += MARK_A in told
    assert shown >= 3


def test_b_cannot_be_named_in_a_body(worlds: tuple[World, World]) -> None:
    """Every body field that is somebody's number, in every operation that takes a body."""
    a, b = worlds
    before = snapshot(b)
    document = json.loads(Client().get("/api/v1/openapi.json").content)
    schemas = document["components"]["schemas"]
    client = Client(raise_request_exception=False)
    tried = 0
    for method, path, operation in api_operations():
        if "requestBody" not in operation:
            continue
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[
            1
        ]
        for name in schemas[reference]["properties"]:
            if not name.endswith("_id"):
                continue
            body = {"destination": "https://example.com/", name: b.ids[name]}
            answer = _request(client, method, filled(path, a), operation, a.tenant.key, body)
            tried += 1
            assert answer.status_code == 422, (method, path, answer.content)
            assert [error["field"] for error in answer.json()["errors"]] == [name]
    assert tried >= 2
    assert snapshot(b) == before


def test_a_code_of_b_is_taken_and_says_no_more(worlds: tuple[World, World]) -> None:
    a, b = worlds
    code = f"{MARK_B}-{b.tenant.slug.removeprefix(MARK_B).split('-')[0]}"
    client = Client(raise_request_exception=False)
    answers = [
        _request(client, "post", "/api/v1/links", {"requestBody": 1}, a.tenant.key,
                 {"destination": "https://example.com/", "code": code})
    ]  # fmt: skip
    body = answers[0].json()
    assert answers[0].status_code == 409
    assert f"com/{MARK_B}" not in json.dumps(body)
    assert b.tenant.name not in json.dumps(body)


def test_somebody_who_is_not_signed_in_sees_nothing(worlds: tuple[World, World]) -> None:
    _, b = worlds
    for route, names in console_routes():
        if "slug" not in names:
            continue
        answer = Client(raise_request_exception=False).get("/" + filled(route, b))
        assert answer.status_code in (302, 401, 403, 404, 405), route
        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/") or "login" in answer["Location"]
    for method, path, operation in api_operations():
        answer = _request(Client(raise_request_exception=False), method, filled(path, b), operation, "", {})
        assert answer.status_code == 401, (method, path)


# The controls: each wall, taken away, is missed


def test_negative_control_a_member_of_both_sees_b(worlds: tuple[World, World]) -> None:
    """The same walk as somebody who may see B finds its marks on many pages."""
    _, b = worlds
    client = signed_in(b)
    shown = sum(
        MARK_B in everything(client.get("/" + filled(route, b)))
        for route, names in console_routes()
        if "slug" in names and "live/" not in route
    )
    assert shown > 5


def test_negative_control_postgresql_holds_where_python_does_not(worlds: tuple[World, World]) -> None:
    """Raw SQL without any WHERE, in A's scope, by the application's own role: not one row of B."""
    from django.apps import apps
    from django.db import connection

    from control_plane.accounts.models import TenantModel
    from control_plane.accounts.tenancy import workspace_scope

    a, b = worlds
    tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)]
    assert len(tables) >= 5
    with workspace_scope(a.tenant.workspace_id), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT DISTINCT workspace_id FROM {table}")
            assert {row[0] for row in cursor.fetchall()} <= {a.tenant.workspace_id}, table
            cursor.execute(f"DELETE FROM {table} WHERE workspace_id = %s", [b.tenant.workspace_id])
            assert cursor.rowcount == 0, table
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] == 0, table


def test_an_unknown_parameter_fails_the_walk(worlds: tuple[World, World]) -> None:
    with pytest.raises(AssertionError, match="does not know what to put for “shoe_id”"):
        filled("w/<slug:slug>/shoes/<row:shoe_id>/", worlds[0])
