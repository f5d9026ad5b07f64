"""Tables, ClickHouse's schema and the first account: what must be there before the processes start.

`scanway up` runs this as one short process (`python -m deploy.provision`), because each start of Django costs
a second of processor time. It prints one line for the supervisor: `account {"email": …, "password": …}` where
it made the first account, `account null` where there was one.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable

from deploy.config import value

FIRST_EMAIL = "admin@example.com"
FIRST_WORKSPACE = "My workspace"
LINE = "account "

# Letters and digits that are not taken for one another when copied from a screen.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """Four groups of four, 79 bits: easy to read out, nothing to guess."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _timed(what: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    result = work()
    detail = f": {len(result)} applied" if isinstance(result, list) and result else ""
    print(f"{what}{detail} ({time.monotonic() - began:.1f} s)", file=sys.stderr, flush=True)


def migrate_database() -> None:
    """PostgreSQL's tables, made by their owner; the command then gives the application's role its rights."""
    from control_plane.manage import call

    call("migrate", "--no-input", "--verbosity", "0")


def migrate_clickhouse() -> list[str]:
    """ClickHouse's schema. Returns the names of the migrations that ran now."""
    from analytics.schema.migrate import migrate

    cluster = os.environ.get("SCANWAY_CLICKHOUSE_CLUSTER") or None
    return list(migrate(value(os.environ, "SCANWAY_CLICKHOUSE_URL"), cluster))


def first_account() -> dict[str, str] | None:
    """Make the first account and its workspace. None where there is an account already."""
    from django.contrib.auth import get_user_model

    from control_plane.manage import call

    if get_user_model().objects.exists():
        return None
    password = new_password()
    call("create_user", "--email", FIRST_EMAIL, "--password", password, "--workspace", FIRST_WORKSPACE,
         "--if-no-users")  # fmt: skip
    return {"email": FIRST_EMAIL, "password": password}


def migrate() -> None:
    _timed("PostgreSQL's tables are up to date", migrate_database)
    _timed("ClickHouse's schema is up to date", migrate_clickhouse)


def main() -> None:
    migrate()
    print(LINE + json.dumps(first_account()), flush=True)


if __name__ == "__main__":
    main()
