"""From the spool to ClickHouse: adopt, enrich, insert once. The process is `main.run`."""
