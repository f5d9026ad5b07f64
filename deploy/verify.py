"""`scanway verify`: are the counts on screens exactly the scans that were recorded?

And has ClickHouse each scan of a pass at a gate that PostgreSQL has?
"""

import os
from datetime import UTC, datetime

from deploy.config import require, value
from deploy.errors import DeployError


def run(*, mend: bool) -> int:
    """Prints one line a day that differs and a summary. Returns 1 where anything differs at the end."""
    scans = _scans(mend=mend)
    return max(scans, _redemptions(mend=mend))


def _scans(*, mend: bool) -> int:
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from analytics.schema.migrate import SchemaError
    from analytics.verify import Report, repair, verify

    require("verify", os.environ)
    url = value(os.environ, "SCANWAY_CLICKHOUSE_URL")

    def compare() -> Report:
        report = verify(url)
        for day in report.differing_days:
            odd = {name: scans for name, scans in sorted(day.daily.items()) if scans != day.rows}
            print(
                f"✗ {day.day}: {day.rows} rows, {day.unique_ids} unique ids, {day.hourly} by the hour"
                + "".join(f", {scans} by {name}" for name, scans in odd.items())
                + "".join(f"; {table} has scans in the wrong place" for table in day.misplaced)
            )
        return report

    try:
        report = compare()
        if mend and not report.ok:
            today = datetime.now(UTC).date()
            days = [day.day for day in report.differing_days if day.day < today]
            print(f"Removing doubled events of {len(days)} days and rebuilding their rollups …")
            repair(url, days)
            report = compare()
    except SchemaError as error:
        raise DeployError(str(error)) from error
    except (ClickHouseError, ValueError) as error:
        raise DeployError(f"ClickHouse does not answer as it should: {error}") from error
    if report.ok:
        print(f"✓ {report.rows} rows = {report.unique_ids} unique ids = each rollup, on every day.")
        return 0
    if not mend:
        print("  → Mend it with: scanway verify --repair (past days, while ingest is stopped)")
    return 1


def _redemptions(*, mend: bool) -> int:
    """PostgreSQL's scans at gates against ClickHouse's rows. Left out where only ClickHouse is known here."""
    if not all(value(os.environ, name) for name in ("SCANWAY_DATABASE_URL", "SCANWAY_SECRET_KEY")):
        print("– Scans at gates are not compared: SCANWAY_DATABASE_URL and SCANWAY_SECRET_KEY are not set.")
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "control_plane.settings")
    import django

    django.setup()
    from django.db import Error

    from control_plane.campaigns.errors import StatsUnavailable
    from control_plane.passes import export

    try:
        found = export.differences()
        for one in found:
            counts = f"{one.scans} scans at gates, {one.found} in ClickHouse, {one.waiting} to be written"
            taken_back = "; not the same were taken back" if one.scans == one.found else ""
            print(f"✗ Program {one.program_id}, {one.reason}: {counts}{taken_back}")
        if found and mend:
            again = export.write_again(found)
            print(f"The worker writes {again} scans at gates again. Verify once more in a minute.")
    except (Error, StatsUnavailable) as error:
        raise DeployError(f"Scans at gates cannot be compared: {error.__cause__ or error}") from error
    if not found:
        print("✓ Every scan at a gate is in ClickHouse, or waits for the worker.")
        return 0
    if not mend:
        print("  → Have them written again with: scanway verify --repair")
    return 1
