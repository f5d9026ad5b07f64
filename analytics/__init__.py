"""ClickHouse: the event contract, ingest, schema and named queries."""
