"""The tenant wall around domains and former names, and what looks over it: see accounts/wall.py."""

from django.db import migrations

from control_plane.accounts import wall

_TO_PUBLISH = """
CREATE OR REPLACE FUNCTION scanway_workspaces_to_publish() RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $door$ {body} $door$
"""
_LINKS = "SELECT DISTINCT workspace_id FROM campaigns_link WHERE published_version < version"


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_domains")]

    operations = [
        wall.protect("campaigns_domain"),
        wall.protect("campaigns_formername"),
        # A foreign key is checked past row-level security: see 0002.
        migrations.RunSQL(
            """
            ALTER TABLE campaigns_domain ADD CONSTRAINT domain_in_workspace UNIQUE (workspace_id, id);
            ALTER TABLE campaigns_link ADD CONSTRAINT link_domain_in_workspace
                FOREIGN KEY (workspace_id, domain_id) REFERENCES campaigns_domain (workspace_id, id)
                DEFERRABLE INITIALLY DEFERRED;
            ALTER TABLE campaigns_formername ADD CONSTRAINT former_name_domain_in_workspace
                FOREIGN KEY (workspace_id, domain_id) REFERENCES campaigns_domain (workspace_id, id)
                DEFERRABLE INITIALLY DEFERRED;
            """,
            """
            ALTER TABLE campaigns_formername DROP CONSTRAINT former_name_domain_in_workspace;
            ALTER TABLE campaigns_link DROP CONSTRAINT link_domain_in_workspace;
            ALTER TABLE campaigns_domain DROP CONSTRAINT domain_in_workspace;
            """,
        ),
        # The message begins like that of the unique index, and means the same to a person: taken. AFTER, since
        # then the unique index has waited for whoever is giving the name up, and this sees what they left.
        migrations.RunSQL(
            """
            CREATE FUNCTION scanway_refuse_former_name() RETURNS trigger
                LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
                AS $trigger$
            DECLARE taken text;
            BEGIN
                SELECT f.name INTO taken FROM campaigns_formername f
                    WHERE f.name IN (NEW.code, NEW.gs1) AND f.link_id <> NEW.id
                    AND f.domain_id IS NOT DISTINCT FROM NEW.domain_id LIMIT 1;
                IF taken IS NOT NULL THEN
                    RAISE unique_violation USING MESSAGE =
                        CASE WHEN taken = NEW.code THEN 'campaigns_link_code' ELSE 'campaigns_link_gs1' END
                        || '_former: another link had this name';
                END IF;
                RETURN NULL;
            END $trigger$;
            REVOKE ALL ON FUNCTION scanway_refuse_former_name FROM PUBLIC;
            CREATE TRIGGER refuse_former_name AFTER INSERT OR UPDATE OF code, gs1, domain_id ON campaigns_link
                FOR EACH ROW EXECUTE FUNCTION scanway_refuse_former_name();
            """,
            """
            DROP TRIGGER refuse_former_name ON campaigns_link;
            DROP FUNCTION scanway_refuse_former_name;
            """,
        ),
        migrations.RunSQL(
            _TO_PUBLISH.format(
                body=_LINKS
                + " UNION SELECT workspace_id FROM campaigns_domain WHERE published_version < version"
            ),
            _TO_PUBLISH.format(body=_LINKS),
        ),
        # A host that comes again, perhaps to another workspace: where do its versions start?
        wall.door(
            "scanway_last_version_of_host",
            "text",
            "bigint",
            "SELECT COALESCE(max(last_version), 0) FROM campaigns_domain"
            " WHERE host = $1 AND deleted_at IS NOT NULL",
        ),
        # An edge reports a damaged record by its name: whose is it? "" is the default domain.
        wall.door(
            "scanway_link_of_name",
            "text, text",
            "TABLE (workspace_id bigint, link_id bigint)",
            """
            SELECT l.workspace_id, l.id FROM campaigns_link l LEFT JOIN campaigns_domain d ON d.id = l.domain_id
                WHERE l.code = $2 AND COALESCE(d.host, '') = $1 AND d.deleted_at IS NULL
            UNION
            SELECT l.workspace_id, l.id FROM campaigns_link l LEFT JOIN campaigns_domain d ON d.id = l.domain_id
                WHERE l.gs1 = $2 AND $2 <> '' AND COALESCE(d.host, '') = $1 AND d.deleted_at IS NULL
            UNION
            SELECT f.workspace_id, f.link_id FROM campaigns_formername f
                LEFT JOIN campaigns_domain d ON d.id = f.domain_id
                WHERE f.name = $2 AND COALESCE(d.host, '') = $1 AND d.deleted_at IS NULL
            """,
        ),
        wall.door(
            "scanway_domain_of_host",
            "text",
            "TABLE (workspace_id bigint, domain_id bigint)",
            "SELECT workspace_id, id FROM campaigns_domain WHERE host = $1 AND deleted_at IS NULL",
        ),
        # Counters come back from Valkey: whose?
        wall.door(
            "scanway_workspaces_with_counts",
            "",
            "SETOF bigint",
            "SELECT DISTINCT workspace_id FROM campaigns_link WHERE counts",
        ),
    ]
