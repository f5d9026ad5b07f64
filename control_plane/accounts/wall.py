"""The tenant wall, PostgreSQL's side: operations for the first migration of every tenant-owned table.

FORCE makes the policies hold for the tables' owner as well. The owner may read every workspace (policy
`door`), because the SECURITY DEFINER functions below run as the owner and ask one narrow question each;
it may not write past the wall. `current_setting(…, true)` is NULL or '' where nothing was set, and NULL is
never equal to anything: no scope, no rows.
"""

from django.db import migrations

_WORKSPACE = "NULLIF(current_setting('scanway.workspace_id', true), '')::bigint"
_USER = "NULLIF(current_setting('scanway.user_id', true), '')::bigint"


def protect(table: str, column: str = "workspace_id") -> migrations.RunSQL:
    """Row-level security on `table`: rows of the open workspace only, to read and to write."""
    return migrations.RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY wall ON {table} FOR ALL
            USING ({column} = {_WORKSPACE}) WITH CHECK ({column} = {_WORKSPACE});
        CREATE POLICY door ON {table} FOR SELECT TO CURRENT_USER USING (true);
        """,
        f"""
        DROP POLICY door ON {table};
        DROP POLICY wall ON {table};
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def own_rows(table: str, condition: str) -> migrations.RunSQL:
    """Also show the rows where `condition` holds for the user whose scope is open, written as {user}."""
    return migrations.RunSQL(
        f"CREATE POLICY own ON {table} FOR SELECT USING ({condition.format(user=_USER)})",
        f"DROP POLICY own ON {table}",
    )


def door(name: str, arguments: str, returns: str, body: str) -> migrations.RunSQL:
    """A function that looks over the wall for one question. It runs as the owner, on a fixed search path."""
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {name}({arguments}) RETURNS {returns}
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
            AS $door$ {body} $door$;
        REVOKE ALL ON FUNCTION {name} FROM PUBLIC;
        """,
        f"DROP FUNCTION {name}",
    )
