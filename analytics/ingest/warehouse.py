"""ClickHouse, as ingest uses it: one segment is one INSERT with one deduplication token."""

from collections.abc import Sequence
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from analytics.ingest.rows import COLUMNS, Row
from analytics.ingest.settings import ClickHouseAddress

Failure: Final = (ClickHouseError, HTTPError, OSError)
"""What any method here raises where ClickHouse did not do it. Whether it did it after all is then unknown."""

_ROWS_PER_BLOCK: Final = 1_048_576
"""Far above a segment, so that a segment is one block, in the views too: the token counts per block."""

INSERT_SETTINGS: Final[dict[str, Any]] = {
    "async_insert": 0,
    "wait_end_of_query": 1,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_block_size": _ROWS_PER_BLOCK,
    "min_insert_block_size_rows": _ROWS_PER_BLOCK,
    "min_insert_block_size_bytes": 0,
    "min_insert_block_size_rows_for_materialized_views": _ROWS_PER_BLOCK,
    "min_insert_block_size_bytes_for_materialized_views": 0,
    "max_block_size": _ROWS_PER_BLOCK,
    "max_insert_threads": 1,
    "max_threads": 1,
    "parallel_view_processing": 0,
}
"""The same for every insert, always: another block size under a used token would count everything twice."""


class Warehouse:
    """Connects on first use, and again after a failure."""

    def __init__(self, address: ClickHouseAddress) -> None:
        self._address = address
        self._client: Any = None

    def missing(self) -> list[str]:
        """Columns of `events` that are not there yet (all of them where the table is not)."""
        found = self._connect().query(
            "SELECT name FROM system.columns WHERE database = {database:String} AND table = 'events'",
            parameters={"database": self._address.database},
        )
        there = {name for (name,) in found.result_rows}
        return [name for name in COLUMNS if name not in there]

    def insert(self, rows: Sequence[Row], token: str) -> None:
        """All rows at once, in one INSERT. Under a token used before nothing happens."""
        client = self._connect()
        client.insert(
            "events",
            [list(column) for column in zip(*rows, strict=True)],
            column_names=list(COLUMNS),
            column_type_names=list(COLUMNS.values()),
            column_oriented=True,
            settings={**INSERT_SETTINGS, "insert_deduplication_token": token},
        )

    def counts(self, chunk_ids: Sequence[str]) -> dict[str, int]:
        """Rows that are there, by chunk id; 0 for those without any."""
        found = self._connect().query(
            "SELECT chunk_id, count() FROM events WHERE chunk_id IN {chunks:Array(String)} GROUP BY chunk_id",
            parameters={"chunks": list(chunk_ids)},
        )
        return dict.fromkeys(chunk_ids, 0) | {chunk: int(rows) for chunk, rows in found.result_rows}

    def event_ids(self, chunk_id: str) -> set[object]:
        """The event ids of a chunk that are there."""
        found = self._connect().query(
            "SELECT event_id FROM events WHERE chunk_id = {chunk:String}", parameters={"chunk": chunk_id}
        )
        return {event_id for (event_id,) in found.result_rows}

    def chunks_since(self, at: float) -> int:
        """How many chunks were stored since a moment given in seconds since 1970."""
        found = self._connect().query(
            "SELECT uniqExact(chunk_id) FROM events "
            "WHERE ingested_at >= toDateTime64({at:Float64}, 3, 'UTC')",
            parameters={"at": at},
        )
        return int(found.result_rows[0][0])

    def close(self) -> None:
        """Drops the connection; the next call makes a new one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connect(self) -> Any:
        if self._client is None:
            address = self._address
            self._client = clickhouse_connect.get_client(
                host=address.host,
                port=address.port,
                username=address.user,
                password=address.password,
                database=address.database,
                secure=address.secure,
                autogenerate_session_id=False,
                compress="lz4",
                connect_timeout=3,
                # An insert of a full segment takes 0.2 s; a server that merges hard may take longer.
                send_receive_timeout=60,
                query_retries=0,
                show_clickhouse_errors=True,
            )
        return self._client
