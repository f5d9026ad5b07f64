"""A host belongs to the workspace that verified it; until then, several may claim it."""

from django.db import migrations, models

_LINK_OF_NAME = """
CREATE OR REPLACE FUNCTION scanway_link_of_name(text, text) RETURNS TABLE (workspace_id bigint, link_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $door$
    SELECT l.workspace_id, l.id FROM campaigns_link l LEFT JOIN campaigns_domain d ON d.id = l.domain_id
        WHERE l.code = $2 AND COALESCE(d.host, '') = $1 AND d.deleted_at IS NULL {verified}
    UNION
    SELECT l.workspace_id, l.id FROM campaigns_link l LEFT JOIN campaigns_domain d ON d.id = l.domain_id
        WHERE l.gs1 = $2 AND $2 <> '' AND COALESCE(d.host, '') = $1 AND d.deleted_at IS NULL {verified}
    UNION
    SELECT f.workspace_id, f.link_id FROM campaigns_formername f
        LEFT JOIN campaigns_domain d ON d.id = f.domain_id
        WHERE f.name = $2 AND COALESCE(d.host, '') = $1 AND d.deleted_at IS NULL {verified}
    $door$
"""
_DOMAIN_OF_HOST = """
CREATE OR REPLACE FUNCTION scanway_domain_of_host(text) RETURNS TABLE (workspace_id bigint, domain_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $door$
    SELECT workspace_id, id FROM campaigns_domain WHERE host = $1 AND deleted_at IS NULL {verified}
    $door$
"""
# The owner may not write past the wall; constraints first, or the table could not be altered again.
_ONE_CLAIM = """
ALTER TABLE campaigns_domain NO FORCE ROW LEVEL SECURITY;
UPDATE campaigns_domain AS d SET deleted_at = now(), last_version = d.version
    WHERE d.deleted_at IS NULL AND d.verified_at IS NULL AND EXISTS (
        SELECT FROM campaigns_domain other WHERE other.host = d.host AND other.deleted_at IS NULL
            AND other.id <> d.id AND (other.verified_at IS NOT NULL OR other.id < d.id));
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE campaigns_domain FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_domains_wall")]

    operations = [
        migrations.RemoveConstraint(model_name="domain", name="domain_host_once"),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None), models.Q(("verified_at", None), _negated=True)),
                fields=("host",),
                name="domain_host_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None)),
                fields=("workspace", "host"),
                name="domain_claimed_once",
            ),
        ),
        # A record in Valkey is never a claim's.
        migrations.RunSQL(
            _LINK_OF_NAME.format(verified="AND (d.id IS NULL OR d.verified_at IS NOT NULL)"),
            _LINK_OF_NAME.format(verified=""),
        ),
        migrations.RunSQL(
            _DOMAIN_OF_HOST.format(verified="AND verified_at IS NOT NULL"),
            _DOMAIN_OF_HOST.format(verified=""),
        ),
        # Backwards, where a host may be claimed once only: the verified one stays, or else the first.
        migrations.RunSQL(migrations.RunSQL.noop, _ONE_CLAIM),
    ]
