"""ClickHouse, as ingest uses it: one segment is one INSERT with one deduplication token."""

from collections.abc import Sequence
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from analytics.ingest.rows import COLUMNS, Row
from analytics.schema.migrate import pending
from analytics.schema.server import Server

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
    "max_joined_block_size_rows": _ROWS_PER_BLOCK,
    "group_by_two_level_threshold": 0,
    "group_by_two_level_threshold_bytes": 0,
    "max_insert_threads": 1,
    "max_threads": 1,
    "parallel_view_processing": 0,
    # In a cluster the answer must mean that the shard has it, not that a queue on one host does.
    "distributed_foreground_insert": 1,
}
"""The same for every insert, always: another block size under a used token would count everything twice."""


class Warehouse:
    """Connects on first use, and again after a failure."""

    def __init__(self, url: str) -> None:
        """url: http[s]://user:password@host:port/database. Raises ValueError."""
        self._url = url
        self._server = Server.from_url(url)
        self._client: Any = None

    def missing(self) -> list[str]:
        """Names of the schema's migrations that did not run yet.

        All must have: an event stored before its views exist would be in no rollup.
        """
        return pending(self._url)

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
            server = self._server
            self._client = clickhouse_connect.get_client(
                host=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                database=server.database,
                secure=server.secure,
                autogenerate_session_id=False,
                compress="lz4",
                connect_timeout=3,
                # An insert of a full segment takes 0.2 s; a server that merges hard may take longer.
                send_receive_timeout=60,
                query_retries=0,
                show_clickhouse_errors=True,
            )
        return self._client
