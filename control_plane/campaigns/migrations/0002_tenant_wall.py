"""The tenant wall around campaigns: see accounts/wall.py."""

from django.db import migrations

from control_plane.accounts import wall


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("accounts", "0002_tenant_wall")]

    operations = [
        wall.protect("campaigns_campaign"),
        wall.protect("campaigns_link"),
        wall.protect("campaigns_idempotencykey"),
        # A foreign key is checked past row-level security: without the workspace in it, a link could name
        # another workspace's campaign.
        migrations.RunSQL(
            """
            ALTER TABLE campaigns_campaign ADD CONSTRAINT campaign_in_workspace UNIQUE (workspace_id, id);
            ALTER TABLE campaigns_link ADD CONSTRAINT link_campaign_in_workspace
                FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns_campaign (workspace_id, id)
                DEFERRABLE INITIALLY DEFERRED;
            """,
            """
            ALTER TABLE campaigns_link DROP CONSTRAINT link_campaign_in_workspace;
            ALTER TABLE campaigns_campaign DROP CONSTRAINT campaign_in_workspace;
            """,
        ),
        # The sweep: who has links that a crash left unpublished?
        wall.door(
            "scanway_workspaces_to_publish",
            "",
            "SETOF bigint",
            "SELECT DISTINCT workspace_id FROM campaigns_link WHERE published_version < version",
        ),
        wall.door(
            "scanway_workspaces_to_forget",
            "",
            "SETOF bigint",
            "SELECT DISTINCT workspace_id FROM campaigns_idempotencykey WHERE created_at < now() - interval '24 hours'",
        ),
    ]
