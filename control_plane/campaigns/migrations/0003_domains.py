"""Short domains, and what a link can have besides a destination: rules, limits, a password, a GS1 name."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_tenant_wall'),
        ('campaigns', '0002_tenant_wall'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FormerName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='link',
            name='counts',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='link',
            name='fallback',
            field=models.CharField(blank=True, db_default='', default='', max_length=2048),
        ),
        migrations.AddField(
            model_name='link',
            name='gs1',
            field=models.CharField(blank=True, db_default='', default='', max_length=255),
        ),
        migrations.AddField(
            model_name='link',
            name='max_scans',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='link',
            name='pass_query',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='link',
            name='password_hash',
            field=models.CharField(blank=True, db_default='', default='', max_length=255),
        ),
        migrations.AddField(
            model_name='link',
            name='reset_version',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='link',
            name='rules',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name='link',
            name='scans_used',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='link',
            name='code',
            field=models.CharField(max_length=64),
        ),
        migrations.CreateModel(
            name='Domain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(max_length=253)),
                ('root_redirect', models.CharField(blank=True, default='', max_length=2048)),
                ('not_found_redirect', models.CharField(blank=True, default='', max_length=2048)),
                ('robots_txt', models.TextField(blank=True, default='')),
                ('favicon', models.BinaryField(blank=True, default=b'')),
                ('apple_apps', models.JSONField(blank=True, default=list)),
                ('android_apps', models.JSONField(blank=True, default=list)),
                ('verified_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
                ('version', models.BigIntegerField(default=1)),
                ('published_version', models.BigIntegerField(default=0)),
                ('first_version', models.BigIntegerField(default=1)),
                ('last_version', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace')),
            ],
        ),
        migrations.AddField(
            model_name='link',
            name='domain',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='links', to='campaigns.domain'),
        ),
        migrations.AddIndex(
            model_name='link',
            index=models.Index(condition=models.Q(('counts', True)), fields=['workspace', 'id'], name='link_counted'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.UniqueConstraint(condition=models.Q(('domain', None)), fields=('code',), name='campaigns_link_code_default'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.UniqueConstraint(condition=models.Q(('domain', None), _negated=True), fields=('domain', 'code'), name='campaigns_link_code_domain'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.UniqueConstraint(condition=models.Q(('domain', None), models.Q(('gs1', ''), _negated=True)), fields=('gs1',), name='campaigns_link_gs1_default'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('domain', None), _negated=True), models.Q(('gs1', ''), _negated=True)), fields=('domain', 'gs1'), name='campaigns_link_gs1_domain'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.CheckConstraint(condition=models.Q(('gs1', ''), ('gs1__regex', '^01/[0-9]{14}(/[!-~]+)?$'), _connector='OR'), name='link_gs1_form'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.CheckConstraint(condition=models.Q(('max_scans', None), ('max_scans__gte', 1), _connector='OR'), name='link_max_scans'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.CheckConstraint(condition=models.Q(('scans_used__gte', 0)), name='link_scans_used'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.CheckConstraint(condition=models.Q(('fallback', ''), ('fallback__regex', '^https?://[!-~]+$'), _connector='OR'), name='link_fallback_form'),
        ),
        migrations.AddConstraint(
            model_name='link',
            constraint=models.CheckConstraint(condition=models.Q(('reset_version__gte', 0), ('reset_version__lte', models.F('version'))), name='link_reset_version'),
        ),
        migrations.AddField(
            model_name='formername',
            name='domain',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='campaigns.domain'),
        ),
        migrations.AddField(
            model_name='formername',
            name='link',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_names', to='campaigns.link'),
        ),
        migrations.AddField(
            model_name='formername',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.workspace'),
        ),
        migrations.AddIndex(
            model_name='domain',
            index=models.Index(condition=models.Q(('published_version__lt', models.F('version'))), fields=['workspace'], name='domain_outbox'),
        ),
        migrations.AddIndex(
            model_name='domain',
            index=models.Index(condition=models.Q(('deleted_at', None), _negated=True), fields=['host'], name='domain_deleted_host'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('host',), name='domain_host_once'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.CheckConstraint(condition=models.Q(('host__regex', '^[a-z0-9_-]+(\\.[a-z0-9_-]+)+$')), name='domain_host_form'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.CheckConstraint(condition=models.Q(('root_redirect', ''), ('root_redirect__regex', '^https?://[!-~]+$'), _connector='OR'), name='domain_root_form'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.CheckConstraint(condition=models.Q(('not_found_redirect', ''), ('not_found_redirect__regex', '^https?://[!-~]+$'), _connector='OR'), name='domain_not_found_form'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='domain_version'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.CheckConstraint(condition=models.Q(('published_version__gte', 0), ('published_version__lte', models.F('version'))), name='domain_published_version'),
        ),
        migrations.AddConstraint(
            model_name='formername',
            constraint=models.UniqueConstraint(fields=('domain', 'name'), name='former_name_once', nulls_distinct=False),
        ),
    ]
