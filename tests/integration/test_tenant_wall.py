"""The tenant wall, walked: a person of workspace A asks for all that is B's, and gets nothing.

The addresses come from the URL table and from the OpenAPI document, so a new one is in by itself. One with a
parameter that this test cannot fill fails it: say then, in `World.value`, what the parameter is.
"""

import pytest
from django.test import Client
from tenant_worlds import (
    MARK_A,
    MARK_B,
    World,
    api_operations,
    console_routes,
    everything,
    filled,
    request,
    signed_in,
    snapshot,
    two_worlds,
)


@pytest.fixture(scope="module")
def worlds(console: None) -> tuple[World, World]:
    return two_worlds()


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
        answer = request(Client(raise_request_exception=False), method, filled(path, b), operation, "", {})
        # Pairing needs a code instead of a key.
        expected = 422 if operation["x-scope"] == "none" else 401
        assert answer.status_code == expected, (method, path)


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
