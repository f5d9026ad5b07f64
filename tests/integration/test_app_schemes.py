"""Which apps rules may open: the workspace's own list, kept by those who administer it."""

import json
import re

import pytest
from api_client import GOOD, Api, problem
from console_pages import Address, member, new_link, signed_in, text_of
from console_stack import Tenant, new_tenant
from django.test import Client

REFUSAL = (
    "Rule 1, app: “myapp:” is not one of this workspace's apps. Whoever administers the workspace can add it "
    "under Settings, Apps."
)
PATH = "/workspace/app-schemes"


def opens(scheme: str = "myapp"):
    return [{"then": {"type": "app", "to": "https://example.com/", "ios_link": f"{scheme}://item"}}]


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return signed_in(tenant.user)


@pytest.fixture
def at(tenant: Tenant) -> Address:
    return Address(tenant)


def allow(tenant: Tenant, *schemes: str) -> list[str]:
    from control_plane.campaigns.app_schemes import set_app_schemes

    return set_app_schemes(workspace_id=tenant.workspace_id, schemes=schemes)


def listed(tenant: Tenant) -> list[str]:
    from control_plane.campaigns.app_schemes import list_app_schemes

    return list_app_schemes(workspace_id=tenant.workspace_id)


# The list


def test_a_new_workspace_lists_none_and_a_list_has_one_stored_form(tenant: Tenant) -> None:
    assert listed(tenant) == []
    assert allow(tenant, "Shop://", "myapp", "shop", "my.app+1") == ["my.app+1", "myapp", "shop"]
    assert listed(tenant) == ["my.app+1", "myapp", "shop"]
    assert allow(tenant) == []


def test_adding_and_removing_leave_the_others_and_twice_is_harmless(tenant: Tenant) -> None:
    from control_plane.campaigns import app_schemes as services

    allow(tenant, "shop")
    for _ in range(2):
        assert services.add_app_scheme(workspace_id=tenant.workspace_id, scheme="MyApp:") == "myapp"
        assert listed(tenant) == ["myapp", "shop"]
    for _ in range(2):
        services.remove_app_scheme(workspace_id=tenant.workspace_id, scheme="shop")
        assert listed(tenant) == ["myapp"]


def test_there_are_at_most_twenty(tenant: Tenant) -> None:
    from control_plane.campaigns.app_schemes import add_app_scheme
    from control_plane.campaigns.errors import InvalidApps

    full = [f"app{number:02}-{'x' * 35}" for number in range(20)]
    assert allow(tenant, *full) == full
    with pytest.raises(InvalidApps, match=r"At most 20 schemes are possible; these are 21\.") as caught:
        add_app_scheme(workspace_id=tenant.workspace_id, scheme="myapp")
    assert caught.value.field == "schemes"
    assert listed(tenant) == full


def test_the_name_of_a_workspace_is_saved_beside_the_list(tenant: Tenant) -> None:
    from control_plane.accounts.services import update_workspace

    allow(tenant, "myapp")
    update_workspace(workspace_id=tenant.workspace_id, name="Another name")
    assert listed(tenant) == ["myapp"]


@pytest.mark.parametrize(
    "schemes",
    [
        ["MyApp"], ["a"], ["a" * 42], ["my app"], ['x"y'], [5], {"myapp": 1}, "myapp", None,
        [f"app{number}" for number in range(21)],
    ],
)  # fmt: skip
def test_the_database_itself_refuses_what_is_no_list_of_schemes(tenant: Tenant, schemes: object) -> None:
    from django.db import DatabaseError, connection

    from control_plane.accounts.tenancy import workspace_scope

    with (
        pytest.raises(DatabaseError, match=r"workspace_app_schemes_form|null value"),
        workspace_scope(tenant.workspace_id),
        connection.cursor() as cursor,
    ):
        value = None if schemes is None else json.dumps(schemes)
        cursor.execute("UPDATE accounts_workspace SET app_schemes = %s::jsonb", [value])


def test_the_applications_role_changes_the_list_of_the_open_workspace_alone(tenant: Tenant) -> None:
    from django.db import connection

    from control_plane.accounts.tenancy import workspace_scope

    other = new_tenant()
    update = "UPDATE accounts_workspace SET app_schemes = '[\"taken\"]'"
    with connection.cursor() as cursor:
        cursor.execute(update)
        assert cursor.rowcount == 0
    with workspace_scope(tenant.workspace_id), connection.cursor() as cursor:
        cursor.execute(update + " WHERE id = %s", [other.workspace_id])
        assert cursor.rowcount == 0
        cursor.execute(update)
        assert cursor.rowcount == 1
    assert (listed(tenant), listed(other)) == (["taken"], [])


def test_a_workspace_of_an_older_version_of_the_program_has_an_empty_list(console: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_default, is_nullable FROM information_schema.columns"
            " WHERE table_name = 'accounts_workspace' AND column_name = 'app_schemes'"
        )
        assert cursor.fetchone() == ("'[]'::jsonb", "NO")


def test_the_migrations_say_what_the_models_say(console: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "accounts", check=True, dry_run=True, verbosity=0)


# The check, wherever rules come in


def test_each_way_in_refuses_a_scheme_that_is_not_listed(tenant: Tenant, api: Api) -> None:
    new = {**GOOD, "rules": opens()}
    link = api("POST", "/links", GOOD).json()
    path, field = f"/links/{link['id']}", "rules[0].then.ios_link"
    ways = [
        ("POST", "/links", new),
        ("PATCH", path, {"rules": opens()}),
        ("POST", f"{path}/simulate", {"rules": opens(), "scan": {}}),
        ("POST", f"{path}/shadow", {"rules": opens()}),
    ]
    for way in ways:
        assert problem(api(*way), 422, field) == REFUSAL
    # The list of others does not help.
    allow(new_tenant(), "myapp")
    for way in ways:
        assert problem(api(*way), 422, field) == REFUSAL
    allow(tenant, "myapp")
    # 503: the draft was taken, and there is no ClickHouse here.
    assert [api(*way).status_code for way in ways] == [201, 200, 200, 503]


def test_https_opens_apps_without_a_list(api: Api) -> None:
    rules = opens()
    rules[0]["then"]["ios_link"] = "https://example.com/item"
    assert api("POST", "/links", {**GOOD, "rules": rules}).status_code == 201


def test_saved_rules_stay_when_a_scheme_is_taken_off(tenant: Tenant, api: Api) -> None:
    allow(tenant, "myapp")
    link = api("POST", "/links", {**GOOD, "rules": opens()}).json()
    allow(tenant)
    path = f"/links/{link['id']}"
    assert api("GET", path).json() == link
    # What is not about rules can be edited, and the saved ones can be tried.
    assert api("PATCH", path, {"title": "Another"}).json()["rules"] == opens()
    phone = {"scan": {"os": "ios"}}
    assert api("POST", f"{path}/simulate", phone).json()["action"] == "app"
    assert problem(api("PATCH", path, {"rules": opens()}), 422, "rules[0].then.ios_link") == REFUSAL
    assert api("GET", path).json()["rules"] == opens()


def test_the_editor_says_it_at_the_rule(tenant: Tenant, client: Client, at: Address) -> None:
    link = new_link(tenant)
    form = {"rules": json.dumps(opens()), "version": link.version}
    page = client.post(at(f"links/{link.pk}/rules/"), form)
    assert page.status_code == 422
    assert "is not one of this workspace" in text_of(page.content.decode())
    tried = client.post(at(f"links/{link.pk}/rules/try/"), {"rules": form["rules"], "preset": "iphone"})
    assert tried.status_code == 422
    assert "is not one of this workspace" in text_of(tried.content.decode())
    allow(tenant, "myapp")
    assert client.post(at(f"links/{link.pk}/rules/"), form).status_code == 302


# The API


def test_the_list_by_api(api: Api) -> None:
    assert api("GET", PATH).json() == {"schemes": []}
    answer = api("PUT", PATH, {"schemes": ["Shop://", "myapp", "shop"]})
    assert (answer.status_code, answer.json()) == (200, {"schemes": ["myapp", "shop"]})
    assert api("GET", PATH).json() == {"schemes": ["myapp", "shop"]}
    assert api("PUT", PATH, {"schemes": []}).json() == {"schemes": []}


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "schemes", "required"),
        ({"schemes": "myapp"}, "schemes", "list"),
        ({"schemes": [5]}, "schemes.0", "text"),
        ({"schemes": ["myapp", "my app"]}, "schemes", "“my app” is not an app's scheme"),
        ({"schemes": ["JavaScript"]}, "schemes", "“javascript:” opens something other than an app"),
        ({"schemes": ["http"]}, "schemes", "“http:” opens something other"),
        ({"schemes": ["https"]}, "schemes", "without being listed"),
        ({"schemes": [f"app{number}" for number in range(21)]}, "schemes", "At most 20"),
        ({"schemes": [], "scheme": "x"}, "scheme", "no field"),
    ],
)
def test_a_wrong_list_is_refused_by_name_and_changes_nothing(api: Api, body, field, words) -> None:
    api("PUT", PATH, {"schemes": ["shop"]})
    assert words in problem(api("PUT", PATH, body), 422, field)
    assert api("GET", PATH).json() == {"schemes": ["shop"]}


def test_a_key_that_writes_links_does_not_choose_what_they_may_open(tenant: Tenant) -> None:
    from control_plane.accounts.keys import create_key

    made = create_key(
        workspace_id=tenant.workspace_id, name="shop", scopes=["links:read", "links:write", "stats:read"]
    )
    key = Api(made.secret)
    assert "domains:write" in problem(key("PUT", PATH, {"schemes": ["myapp"]}), 403)
    assert key("GET", PATH).json() == {"schemes": []}


def test_the_list_by_api_is_the_keys_workspaces(tenant: Tenant, api: Api) -> None:
    other = new_tenant()
    api("PUT", PATH, {"schemes": ["myapp"]})
    assert Api(other.key)("GET", PATH).json() == {"schemes": []}
    Api(other.key)("PUT", PATH, {"schemes": ["shop"]})
    assert (listed(tenant), listed(other)) == (["myapp"], ["shop"])


# The page


def test_no_app_yet_teaches_what_the_list_is_for(client: Client, at: Address) -> None:
    text = text_of(client.get(at("settings/apps/")).content.decode())
    assert "Rules that open your own app" in text
    assert "myapp://product/42" in text


def test_an_app_is_added_and_removed(tenant: Tenant, client: Client, at: Address) -> None:
    page = client.post(at("settings/apps/"), {"scheme": " MyApp:// "}, follow=True)
    body = page.content.decode()
    assert "Added. Rules may open myapp:// now." in text_of(body)
    assert "Removing an app changes no rule that is saved" in text_of(body)
    assert 'aria-label="Remove myapp://"' in body
    assert not re.search(r"<[^>]+\s(style|on\w+)=", body)
    assert listed(tenant) == ["myapp"]
    page = client.post(at("settings/apps/remove/"), {"scheme": "myapp"}, follow=True)
    assert "Removed. Rules that are saved stay as they are." in text_of(page.content.decode())
    assert listed(tenant) == []
    assert client.post(at("settings/apps/remove/"), {}).status_code == 302
    assert client.get(at("settings/apps/remove/")).status_code == 405


@pytest.mark.parametrize("text", ["", "my app", "javascript", "http", "https://", "x" * 500, "<b>x</b>"])
def test_what_cannot_be_listed_gets_a_sentence_at_its_field(
    tenant: Tenant, client: Client, at: Address, text: str
) -> None:
    page = client.post(at("settings/apps/"), {"scheme": text})
    assert page.status_code == 422
    assert 'id="id_scheme-error"' in page.content.decode()
    assert "<b>x" not in page.content.decode()
    assert listed(tenant) == []


@pytest.mark.parametrize("role", ["editor", "viewer", "gate_staff"])
def test_only_who_manages_the_workspace_touches_the_list(tenant: Tenant, at: Address, role: str) -> None:
    allow(tenant, "shop")
    client = signed_in(member(tenant, role))
    assert client.get(at("settings/apps/")).status_code == 403
    assert client.post(at("settings/apps/"), {"scheme": "myapp"}).status_code == 403
    assert client.post(at("settings/apps/remove/"), {"scheme": "shop"}).status_code == 403
    assert listed(tenant) == ["shop"]
    if role != "gate_staff":
        assert "settings/apps/" not in client.get(at("settings/members/")).content.decode()


def test_an_admin_may_and_a_stranger_finds_nothing(tenant: Tenant, at: Address) -> None:
    admin = signed_in(member(tenant, "admin"))
    assert admin.post(at("settings/apps/"), {"scheme": "myapp"}).status_code == 302
    stranger = signed_in(new_tenant().user)
    assert stranger.get(at("settings/apps/")).status_code == 404
    assert stranger.post(at("settings/apps/remove/"), {"scheme": "myapp"}).status_code == 404
    assert listed(tenant) == ["myapp"]
