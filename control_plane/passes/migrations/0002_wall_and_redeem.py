"""The tenant wall around passes (accounts/wall.py), and redemption itself."""

from pathlib import Path

from django.db import migrations

from control_plane.accounts import wall

TABLES = [
    "program", "zone", "gate", "issuer", "issuerday", "pass", "change", "device", "devicegate", "attempt",
    "redemption", "movement", "signingkey",
]

# A foreign key is checked past row-level security: without the workspace in it, a row could name another
# workspace's.
TIES = [
    ("zone", "program"), ("zone", "zone", "parent_id"), ("gate", "program"), ("gate", "zone"),
    ("issuer", "program"), ("issuerday", "issuer"), ("pass", "program"), ("pass", "issuer"),
    ("pass", "zone", "inside_zone_id"), ("pass", "pass", "replaced_by_id"), ("change", "pass"),
    ("device", "program"), ("devicegate", "device"), ("devicegate", "gate"), ("attempt", "program"),
    ("attempt", "gate"), ("attempt", "device"), ("attempt", "pass"), ("redemption", "pass"),
    ("redemption", "attempt"), ("movement", "program"), ("movement", "zone"), ("movement", "attempt"),
    ("movement", "gate"), ("movement", "device"),
]


def tie(child, parent, column=None):
    column = column or f"{parent}_id"
    name = f"{child}_{column}_in_workspace"
    return migrations.RunSQL(
        f"ALTER TABLE passes_{child} ADD CONSTRAINT {name} FOREIGN KEY (workspace_id, {column})"
        f" REFERENCES passes_{parent} (workspace_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE passes_{child} DROP CONSTRAINT {name}",
    )


def named(table):
    return migrations.RunSQL(
        f"ALTER TABLE passes_{table} ADD CONSTRAINT {table}_in_workspace UNIQUE (workspace_id, id)",
        f"ALTER TABLE passes_{table} DROP CONSTRAINT {table}_in_workspace",
    )


class Migration(migrations.Migration):
    dependencies = [("passes", "0001_programs"), ("accounts", "0003_app_schemes")]

    operations = [
        *(wall.protect(f"passes_{table}") for table in TABLES),
        *(named(parent) for parent in sorted({tied[1] for tied in TIES})),
        *(tie(*tied) for tied in TIES),
        # A device's key or pairing code arrives alone.
        wall.door(
            "scanway_workspace_of_device",
            "device_prefix text",
            "bigint",
            "SELECT workspace_id FROM passes_device WHERE prefix = device_prefix",
        ),
        wall.door(
            "scanway_workspaces_with_auto_exit",
            "",
            "SETOF bigint",
            "SELECT DISTINCT pr.workspace_id FROM passes_program pr WHERE pr.auto_exit_minutes IS NOT NULL AND"
            " EXISTS (SELECT 1 FROM passes_pass p WHERE p.program_id = pr.id AND p.inside_zone_id IS NOT NULL"
            " AND p.inside_since < now() - make_interval(mins => pr.auto_exit_minutes))",
        ),
        migrations.RunSQL(
            Path(__file__).with_name("redeem_1.sql").read_text("utf-8"),
            "DROP FUNCTION scanway_redeem; DROP FUNCTION scanway_verdict",
        ),
    ]
