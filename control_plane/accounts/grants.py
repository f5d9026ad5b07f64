"""What the application's role may do: read and write rows, call functions, and nothing else.

Run by `migrate` as the owner. It is neither the owner of a table nor BYPASSRLS, so it cannot alter a table,
drop a policy, or step over the wall.
"""

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from control_plane.accounts.errors import AccountsError


class UnsafeRole(AccountsError):
    """The application's database role can pass the tenant wall."""


def grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Give `role` its rights on everything in schema public. Idempotent."""
    statements = (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
        # What ran is the owner's record.
        "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(sql.SQL(statement).format(role=sql.Identifier(role)))


def check_application_role(connection: BaseDatabaseWrapper) -> None:
    """Raises UnsafeRole where the role of this connection could see over the wall."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        name, superuser, bypass = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity"
            " AND pg_has_role(current_user, relowner, 'USAGE')"
        )
        (owned,) = cursor.fetchone()
    what = (
        "is a superuser" if superuser else "has BYPASSRLS" if bypass else "owns the tables" if owned else ""
    )
    if what:
        raise UnsafeRole(
            f"SCANWAY_DATABASE_URL signs in as “{name}”, which {what}, so the wall between workspaces would "
            "not hold. Use an ordinary role there, and name the owner in SCANWAY_DATABASE_OWNER_URL for "
            "scanway migrate."
        )
