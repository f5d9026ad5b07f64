"""The tenant wall around accounts: see accounts/wall.py."""

from django.db import migrations

from control_plane.accounts import wall


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        wall.protect("accounts_workspace", column="id"),
        wall.protect("accounts_membership"),
        wall.protect("accounts_invitation"),
        wall.protect("accounts_apikey"),
        # Signing in: which workspaces are mine?
        wall.own_rows("accounts_membership", "user_id = {user}"),
        wall.own_rows(
            "accounts_workspace",
            "id IN (SELECT m.workspace_id FROM accounts_membership m WHERE m.user_id = {user})",
        ),
        # An API key or an invitation comes alone: which workspace's scope is to be opened?
        wall.door(
            "scanway_workspace_of_key",
            "text",
            "bigint",
            "SELECT workspace_id FROM accounts_apikey WHERE prefix = $1",
        ),
        wall.door(
            "scanway_workspace_of_invitation",
            "text",
            "bigint",
            "SELECT workspace_id FROM accounts_invitation WHERE token_hash = $1",
        ),
        # Publishing everything goes through the workspaces one by one.
        wall.door("scanway_workspaces", "", "SETOF bigint", "SELECT id FROM accounts_workspace ORDER BY id"),
    ]
