"""The tenant wall around the tables of the third migration, and redemption with what it learned since."""

from pathlib import Path

from django.db import migrations

from control_plane.accounts import wall

TABLES = ["job", "delivery", "seat", "lease", "alert", "alertcontact", "platereading"]

# As in the second migration: a foreign key alone does not ask for the workspace.
TIES = [
    ("job", "program"), ("job", "issuer"), ("pass", "job"), ("delivery", "pass"), ("seat", "issuer"),
    ("lease", "device"), ("lease", "zone"), ("alert", "program"), ("alert", "zone"),
    ("alertcontact", "program"), ("platereading", "program"), ("platereading", "gate"),
    ("platereading", "device"),
]  # fmt: skip


def tie(child, parent):
    column = f"{parent}_id"
    name = f"{child}_{column}_in_workspace"
    return migrations.RunSQL(
        f"ALTER TABLE passes_{child} ADD CONSTRAINT {name} FOREIGN KEY (workspace_id, {column})"
        f" REFERENCES passes_{parent} (workspace_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE passes_{child} DROP CONSTRAINT {name}",
    )


def workspaces(name, condition):
    """A door for the worker: whose turn it is."""
    return wall.door(name, "", "SETOF bigint", f"SELECT DISTINCT workspace_id FROM {condition}")


class Migration(migrations.Migration):
    dependencies = [("passes", "0003_rooms")]

    operations = [
        *(wall.protect(f"passes_{table}") for table in TABLES),
        migrations.RunSQL(
            "ALTER TABLE passes_job ADD CONSTRAINT job_in_workspace UNIQUE (workspace_id, id)",
            "ALTER TABLE passes_job DROP CONSTRAINT job_in_workspace",
        ),
        *(tie(*tied) for tied in TIES),
        # An issuer's link or a phone's key arrives alone.
        wall.door(
            "scanway_workspace_of_seat",
            "seat_prefix text",
            "bigint",
            "SELECT workspace_id FROM passes_seat WHERE prefix = seat_prefix",
        ),
        workspaces("scanway_workspaces_with_jobs", "passes_job WHERE state IN ('waiting', 'running')"),
        workspaces(
            "scanway_workspaces_with_deliveries",
            "passes_delivery WHERE state = 'waiting' AND next_at <= now()",
        ),
        workspaces("scanway_workspaces_with_exports", "passes_attempt WHERE exported_at IS NULL"),
        workspaces(
            "scanway_workspaces_with_alerts",
            "passes_zone WHERE capacity > 0 AND ((inside + leased) * 100 >= capacity * 85"
            " OR EXISTS (SELECT 1 FROM passes_alert a WHERE a.zone_id = passes_zone.id AND"
            " (a.cleared_at IS NULL OR a.settled_at IS NULL)))",
        ),
        workspaces("scanway_workspaces_with_plates", "passes_platereading WHERE at < now() - interval '1 hour'"),
        migrations.RunSQL(
            Path(__file__).with_name("redeem_2.sql").read_text("utf-8"),
            migrations.RunSQL.noop,
        ),
    ]
