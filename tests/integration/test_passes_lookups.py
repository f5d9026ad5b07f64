"""What a scan reads: its own rows, however many others there are, and whenever its plans were made."""

import uuid
from typing import Any

import pytest
from console_stack import Tenant
from gate_world import gate_world

pytestmark = pytest.mark.usefixtures("console")

TABLES = ("passes_pass", "passes_attempt", "passes_redemption", "passes_movement")


def test_no_index_of_what_a_scan_reads_begins_with_the_workspace(tenant: Tenant) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes"
            " WHERE tablename = ANY (%s) AND indexdef LIKE '%%(workspace_id%%'",
            [list(TABLES)],
        )
        # Of what still has to be written to ClickHouse: as good as empty.
        assert [name for (name,) in cursor.fetchall()] == ["attempt_unexported"]


def test_a_scan_reads_a_handful_of_rows(tenant: Tenant) -> None:
    from django.db import connection, transaction

    world = gate_world(tenant)
    texts = world.issue(300)
    uids = [bytes(row.uid) for row, _ in world.issue_rows(40)]

    def rows_read(cursor: Any) -> dict[str, int]:
        cursor.execute(
            "SELECT relname, seq_tup_read + COALESCE(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = ANY (%s)",
            [list(TABLES)],
        )
        return dict(cursor.fetchall())

    def scan(cursor: Any, uid: bytes) -> str:
        cursor.execute(
            "SELECT scanway_redeem(%s, %s, %s, %s, %s, '', false, 'in', '', now(), false) ->> 'reason'",
            [tenant.workspace_id, world.device.device_id, world.gate.pk, str(uuid.uuid4()), uid],
        )
        (reason,) = cursor.fetchone()
        return str(reason)

    assert len(texts) == 300
    with transaction.atomic(), connection.cursor() as cursor:
        # The first ones are planned for themselves, the others by a plan that is kept.
        for uid in uids[:20]:
            assert scan(cursor, uid) == "ok"
        before = rows_read(cursor)
        for uid in uids[20:]:
            assert scan(cursor, uid) == "ok"
            assert scan(cursor, uid) == "already_used"
        after = rows_read(cursor)
        transaction.set_rollback(True)
    read = {name: (after[name] - before[name]) / 40 for name in TABLES}
    assert max(read.values()) < 10, read
