"""An embedded ClickHouse: the chDB engine in one process, behind ClickHouse's own HTTP interface."""
