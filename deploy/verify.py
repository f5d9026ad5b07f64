"""`scanway verify`: are the counts on screens exactly the scans that were recorded?"""

import os
from datetime import UTC, datetime

from deploy.config import require, value
from deploy.errors import DeployError


def run(*, mend: bool) -> int:
    """Prints one line a day that differs and a summary. Returns 1 where anything differs at the end."""
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
