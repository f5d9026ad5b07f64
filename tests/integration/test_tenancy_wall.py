"""The wall between workspaces: PostgreSQL's side, asked in plain SQL as the application's own role."""

import psycopg
import pytest
from asgiref.sync import sync_to_async
from console_stack import Tenant, new_tenant

LINKS = "SELECT count(*) FROM campaigns_link"


@pytest.fixture
def two(console):
    """Two workspaces, each with a campaign and a link."""
    from control_plane.campaigns.services import create_campaign, create_link

    made = []
    for _ in range(2):
        tenant = new_tenant()
        campaign = create_campaign(workspace_id=tenant.workspace_id, name="Spring")
        link = create_link(
            workspace_id=tenant.workspace_id, destination="https://example.com/", campaign_id=campaign.pk
        )
        made.append((tenant, campaign, link))
    return made


def ask(sql, *parameters):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def tenant_tables():
    """(table, workspace column) of every model with a workspace, found by itself: a new one is in at once."""
    from django.apps import apps

    from control_plane.accounts.models import Workspace

    found = [(Workspace._meta.db_table, "id")]
    for model in apps.get_models():
        found += [
            (model._meta.db_table, field.column)
            for field in model._meta.local_fields
            if getattr(field, "related_model", None) is Workspace
        ]
    return found


def test_every_table_with_a_workspace_is_walled(console):
    tables = tenant_tables()
    assert len(tables) >= 7
    for table, _ in tables:
        ((enabled, forced),) = ask(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table
        )
        assert (enabled, forced) == (True, True), table


def test_every_model_with_a_workspace_refuses_to_work_without_a_scope(console):
    from django.apps import apps

    from control_plane.accounts.errors import ScopeError
    from control_plane.accounts.models import TenantModel

    models = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    assert len(models) >= 6
    for model in models:
        with pytest.raises(ScopeError):
            model.objects.count()


def test_without_a_scope_there_are_no_rows(two):
    for table, _ in tenant_tables():
        assert ask(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_in_a_scope_there_are_only_own_rows(two):
    from control_plane.accounts.tenancy import workspace_scope

    for tenant, _, _ in two:
        with workspace_scope(tenant.workspace_id):
            for table, column in tenant_tables():
                foreign = f"SELECT count(*) FROM {table} WHERE {column} <> %s"
                assert ask(foreign, tenant.workspace_id) == [(0,)], table
            assert ask(LINKS) == [(1,)]


def test_foreign_rows_cannot_be_written(two):
    from django.db import ProgrammingError, transaction

    from control_plane.accounts.tenancy import workspace_scope

    (mine, _, my_link), (theirs, _, their_link) = two
    with workspace_scope(mine.workspace_id):
        assert ask("UPDATE campaigns_link SET title = 'mine' WHERE id = %s", their_link.pk) == 0
        assert ask("DELETE FROM campaigns_link WHERE id = %s", their_link.pk) == 0
        for sql in (
            "UPDATE campaigns_link SET workspace_id = %s WHERE id = " + str(my_link.pk),
            "INSERT INTO campaigns_campaign (workspace_id, name, created_at) VALUES (%s, 'x', now())",
        ):
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                ask(sql, theirs.workspace_id)


def test_a_link_cannot_name_another_workspaces_campaign(two):
    """Foreign keys look past row-level security; the workspace is in this one."""
    from django.db import IntegrityError

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.errors import InvalidLink
    from control_plane.campaigns.services import update_link

    (mine, _, my_link), (_, their_campaign, _) = two
    with pytest.raises(InvalidLink, match="no such campaign"):
        update_link(workspace_id=mine.workspace_id, link_id=my_link.pk, campaign_id=their_campaign.pk)
    with pytest.raises(IntegrityError), workspace_scope(mine.workspace_id):
        ask("UPDATE campaigns_link SET campaign_id = %s WHERE id = %s", their_campaign.pk, my_link.pk)


def leftover(tenant: Tenant):
    """How many links the next user of the same pooled connection sees after a scope."""
    from django.db import connection

    from control_plane.accounts.tenancy import workspace_scope

    with workspace_scope(tenant.workspace_id):
        assert ask(LINKS) == [(1,)]
        before = ask("SELECT pg_backend_pid()")
    # The pool hands its connections out in turn: until the one of before comes again.
    for _ in range(50):
        connection.close()
        if ask("SELECT pg_backend_pid()") == before:
            return ask(LINKS)[0][0]
    raise AssertionError("The pool did not give this connection again.")


def test_a_scope_does_not_survive_in_a_pooled_connection(two):
    assert leftover(two[0][0]) == 0


def test_negative_control_a_setting_of_the_session_would_survive(two, monkeypatch):
    from control_plane.accounts import tenancy

    def for_the_session(name, value):
        ask("SELECT set_config(%s, %s, false)", name, value)

    with monkeypatch.context() as patch:
        patch.setattr(tenancy, "_set_config", for_the_session)
        seen = leftover(two[0][0])
    # The connection of before is still this thread's.
    for_the_session(tenancy.WORKSPACE_SETTING, "")
    assert seen == 1


def test_a_scope_inside_a_longer_transaction_ends_where_it_ends(two):
    from django.db import transaction

    from control_plane.accounts.tenancy import workspace_scope

    (one, _, _), (other, _, _) = two
    with transaction.atomic():
        with workspace_scope(one.workspace_id):
            assert ask(LINKS) == [(1,)]
        assert ask(LINKS) == [(0,)]
        with pytest.raises(RuntimeError), workspace_scope(other.workspace_id):
            raise RuntimeError
        assert ask(LINKS) == [(0,)]


def test_scopes_of_two_workspaces_do_not_nest(two):
    from control_plane.accounts.errors import ScopeError
    from control_plane.accounts.tenancy import workspace_scope

    (one, _, _), (other, _, _) = two
    with workspace_scope(one.workspace_id), workspace_scope(one.workspace_id):
        with pytest.raises(ScopeError), workspace_scope(other.workspace_id):
            pass
        assert ask(LINKS) == [(1,)]


def test_a_query_is_not_read_outside_of_its_scope(two):
    """PostgreSQL would say “no rows”, which reads as “there are none”."""
    from control_plane.accounts.errors import ScopeError
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link

    (one, _, _), (other, _, _) = two
    with workspace_scope(one.workspace_id):
        links = Link.objects.all()
    with pytest.raises(ScopeError):
        list(links)
    with workspace_scope(other.workspace_id), pytest.raises(ScopeError):
        list(links)


def test_a_row_of_another_workspace_cannot_be_saved(two):
    from control_plane.accounts.errors import ScopeError
    from control_plane.accounts.tenancy import workspace_scope

    (one, _, _), (_, _, their_link) = two
    with workspace_scope(one.workspace_id):
        with pytest.raises(ScopeError):
            their_link.save()
        with pytest.raises(ScopeError):
            their_link.delete()


def test_a_person_sees_own_memberships_and_their_workspaces_only(two):
    from control_plane.accounts.services import memberships_of
    from control_plane.accounts.tenancy import user_scope

    (one, _, _), _ = two
    assert [m.workspace.slug for m in memberships_of(user=one.user)] == [one.slug]
    with user_scope(one.user.pk):
        assert ask("SELECT id FROM accounts_workspace") == [(one.workspace_id,)]
        assert ask("SELECT workspace_id FROM accounts_membership") == [(one.workspace_id,)]
        assert ask(LINKS) == [(0,)]
        assert ask("UPDATE accounts_membership SET role = 'owner'") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE campaigns_link DISABLE ROW LEVEL SECURITY",
        "DROP POLICY wall ON campaigns_link",
        "TRUNCATE campaigns_link CASCADE",
        "SET ROLE scanway_owner",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DELETE FROM django_migrations",
    ],
)
def test_the_application_cannot_take_the_wall_down(console, sql):
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        ask(sql)


def test_a_function_over_the_wall_cannot_be_led_to_another_table(two):
    """A temporary table of the same name does not come before the real one."""
    from django.db import transaction

    with transaction.atomic():
        ask("CREATE TEMPORARY TABLE accounts_workspace ON COMMIT DROP AS SELECT 666 AS id")
        assert (666,) not in ask("SELECT scanway_workspaces()")


def test_the_application_refuses_to_run_as_the_owner(console, postgres_server):
    from django.db import connections

    from control_plane.accounts.grants import UnsafeRole, check_application_role

    check_application_role(connections["default"])
    with pytest.raises(UnsafeRole, match="owns the tables"):
        check_application_role(connections["owner"])


def test_even_the_owner_cannot_write_past_the_wall(two, console):
    from django.db import connections

    (one, _, _), _ = two
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE campaigns_link SET title = 'x' WHERE workspace_id = %s", [one.workspace_id])
        assert cursor.rowcount == 0


async def test_threads_of_async_views_keep_to_their_own_scope(two):
    import asyncio

    from control_plane.accounts.tenancy import current_workspace_id, workspace_scope
    from control_plane.campaigns.models import Link

    def codes(workspace_id):
        from django.db import connection

        try:
            with workspace_scope(workspace_id):
                return [link.code for link in Link.objects.all()]
        finally:
            connection.close()

    jobs = [(tenant, link) for tenant, _, link in two] * 10
    found = await asyncio.gather(
        *(sync_to_async(codes, thread_sensitive=False)(tenant.workspace_id) for tenant, _ in jobs)
    )
    assert found == [[link.code] for _, link in jobs]
    assert current_workspace_id() is None


def test_psycopg_is_what_the_pool_holds(console):
    """The tests above speak of a pool: there is one."""
    from django.db import connection

    connection.ensure_connection()
    assert connection.pool is not None
    assert isinstance(connection.connection, psycopg.Connection)
