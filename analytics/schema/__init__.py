"""The tables in ClickHouse, as numbered .sql files, and the command that applies them."""
