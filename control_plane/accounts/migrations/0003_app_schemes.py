"""A workspace's list of its own apps' schemes.

The wall of 0002 and the application's rights are those of the whole table, so they hold for this column too:
read and written in the workspace's own scope alone.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_tenant_wall")]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="app_schemes",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddConstraint(
            model_name="workspace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "app_schemes__regex",
                        r'^\[("[a-z][a-z0-9+.-]{1,40}"(, "[a-z][a-z0-9+.-]{1,40}"){0,19})?\]$',
                    )
                ),
                name="workspace_app_schemes_form",
            ),
        ),
    ]
