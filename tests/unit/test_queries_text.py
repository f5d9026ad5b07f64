"""The named queries, as text."""

import re
import subprocess
import sys

import pytest

from analytics import queries
from analytics.verify import DIMENSIONS

CONTRACT = {
    "link_totals": ["humans", "bots", "visitors", "last_at"],
    "link_series_minute": ["bucket", "humans", "bots"],
    "link_series_hour": ["bucket", "humans", "bots"],
    "link_series_day": ["bucket", "humans", "bots"],
    "link_breakdowns": ["dimension", "value", "humans", "bots", "visitors"],
    "link_recent": ["at", "reason"],
    "link_shadow": ["at", "country", "bucket", "is_new", "scans", "total"],
    "workspace_totals": ["humans", "bots", "visitors", "last_at"],
    "workspace_series_hour": ["bucket", "humans", "bots"],
    "workspace_series_day": ["bucket", "humans", "bots"],
    "workspace_breakdown": ["value", "humans", "bots", "visitors"],
    "workspace_top_links": ["link_id", "humans", "bots"],
    "links_totals": ["link_id", "humans", "bots"],
    "program_entries_hour": ["bucket", "entries", "exits", "refusals", "passes"],
    "program_refusals": ["refusal", "scans", "passes", "admitted"],
    "workspace_redemptions": ["program_id", "reason", "scans", "undone"],
    "reconcile": ["rows", "unique_ids", "hourly", "daily"],
    "reconcile_days": ["day", "rows", "unique_ids", "hourly", "daily"],
}


def test_all_names_are_known():
    assert set(queries.names()) == set(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_each_reads_one_workspace_or_is_marked(name):
    query = queries.get(name)
    assert query.description.endswith(".")
    # A redemption may be there twice until ClickHouse merges: without FINAL it would not count as a read.
    reads = len(re.findall(r"^\s*FROM (?:events|scans_\w+|redemptions FINAL)$", query.sql, re.M))
    assert reads or query.is_operator_only
    if query.is_operator_only:
        assert "workspace_id" not in query.parameters
    else:
        # Once for every table that is read, subqueries too.
        assert query.sql.count("workspace_id = {workspace_id:UInt64}") == reads
        assert query.parameters["workspace_id"] == "UInt64"
        if name.startswith("link_"):
            assert query.sql.count("link_id = {link_id:UInt64}") == reads


def test_only_the_reconciliations_are_the_operators():
    assert [name for name in CONTRACT if queries.get(name).is_operator_only] == [
        "reconcile",
        "reconcile_days",
    ]


def test_the_description_is_not_sent_and_names_every_dimension():
    for name in ("link_breakdowns", "workspace_breakdown"):
        query = queries.get(name)
        assert not query.sql.startswith("--")
        assert all(re.search(rf"\b{dimension}\b", query.description) for dimension in DIMENSIONS)


def test_an_unknown_name_is_a_key_error():
    for name in ("nothing", "../schema/0001_events", ""):
        with pytest.raises(KeyError):
            queries.get(name)


def test_the_door_imports_the_standard_library_only():
    code = (
        "import sys; before = set(sys.modules); import analytics.queries;"
        "print([m for m in set(sys.modules) - before"
        " if m.split('.')[0] not in sys.stdlib_module_names | {'analytics'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
