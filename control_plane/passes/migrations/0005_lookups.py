"""A scan finds its rows by the right index, also where PostgreSQL has not looked at the tables yet, and pays
for fewer of them.

What is planned while a table is small is kept, and an index that begins with the workspace is as good as any
other then: a scan read all passes of its workspace, until the next ANALYZE. So none begins with it, and those
that another index covers are gone.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# Whose row is named together with its workspace, and by whom.
TIES = {
    "pass": [("attempt", "pass_id"), ("change", "pass_id"), ("delivery", "pass_id"), ("pass", "replaced_by_id"),
             ("redemption", "pass_id")],
    "attempt": [("movement", "attempt_id"), ("redemption", "attempt_id")],
}  # fmt: skip


def named(parent, columns):
    return [
        f"ALTER TABLE passes_{parent} DROP CONSTRAINT {parent}_in_workspace CASCADE",
        f"ALTER TABLE passes_{parent} ADD CONSTRAINT {parent}_in_workspace UNIQUE ({columns})",
        *(
            f"ALTER TABLE passes_{child} ADD CONSTRAINT {child}_{column}_in_workspace"
            f" FOREIGN KEY (workspace_id, {column}) REFERENCES passes_{parent} (workspace_id, id)"
            " DEFERRABLE INITIALLY DEFERRED"
            for child, column in TIES[parent]
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_app_schemes"),
        ("passes", "0004_wall_and_redeem"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt", name="until_before", field=models.DateTimeField(null=True)
        ),
        *(
            migrations.RunSQL(named(parent, "id, workspace_id"), named(parent, "workspace_id, id"))
            for parent in TIES
        ),
        migrations.AlterField(
            model_name="attempt",
            name="device",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="passes.device",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="gate",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="passes.gate",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="of",
            field=models.ForeignKey(
                db_column="pass_id",
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="passes.pass",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="program",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="passes.program",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="device",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="passes.device",
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="gate",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="passes.gate",
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="program",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="passes.program",
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="zone",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="movements",
                to="passes.zone",
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="inside_zone",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="passes_inside",
                to="passes.zone",
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="issuer",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="passes",
                to="passes.issuer",
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="job",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="passes",
                to="passes.job",
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="program",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="passes",
                to="passes.program",
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="replaced_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replaces",
                to="passes.pass",
            ),
        ),
        migrations.AlterField(
            model_name="pass",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="redemption",
            name="of",
            field=models.ForeignKey(
                db_column="pass_id",
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="redemptions",
                to="passes.pass",
            ),
        ),
        migrations.AlterField(
            model_name="redemption",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddIndex(
            model_name="pass",
            index=models.Index(
                condition=models.Q(("replaced_by", None), _negated=True),
                fields=["replaced_by"],
                name="pass_replaced_by",
            ),
        ),
    ]
