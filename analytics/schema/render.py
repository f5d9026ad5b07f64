"""From a migration's template to statements, for one server or for a cluster.

On one server a table is a table. With a cluster's name every statement runs `ON CLUSTER`, tables are
replicated ones called `<name>_local`, and a Distributed table has the plain name, so that queries and ingest
are the same for both.
"""

import re
from string import Template
from typing import Final

TABLES: Final = ("events", "scans_hourly", "scans_daily", "redemptions")
_CLUSTER_ONLY = re.compile(r"^-- if cluster\n(.*?)^-- end\n", re.M | re.S)
_CLUSTER_NAME = re.compile(r"^[A-Za-z0-9_.\-]+$")


def render(template: str, cluster: str | None = None) -> list[str]:
    """The statements, in order, without the final semicolon.

    Raises ValueError for a cluster name that is not a plain one, KeyError for an unknown placeholder.
    """
    if cluster is not None and not _CLUSTER_NAME.match(cluster):
        raise ValueError(
            f"SCANWAY_CLICKHOUSE_CLUSTER is {cluster!r}: use letters, digits, '_', '-' and '.' only."
        )
    text = _CLUSTER_ONLY.sub(r"\1" if cluster else "", template)
    names = {name: f"{name}_local" if cluster else name for name in TABLES}
    text = Template(text).substitute(
        names,
        on_cluster=on_cluster(cluster),
        replicated="Replicated" if cluster else "",
        window="replicated_deduplication_window" if cluster else "non_replicated_deduplication_window",
        cluster=f"'{cluster}'",
    )
    code = "\n".join(line.rstrip() for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in re.split(r";\s*(?:\n|$)", code) if statement.strip()]


def on_cluster(cluster: str | None) -> str:
    """The clause, or nothing."""
    return f"ON CLUSTER '{cluster}'" if cluster else ""
