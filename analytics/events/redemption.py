"""One scan of a pass at a gate, as a row of the `redemptions` table: numbers, and no person.

A door between packages: standard library only.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

TABLE: Final = "redemptions"

INSERT_SETTINGS: Final[dict[str, Any]] = {
    "async_insert": 0,
    "wait_end_of_query": 1,
    # Twice is harmless: the key and the version say which row stands. A window would silently leave out rows
    # that were lost here and are written again as they were.
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    # In a cluster the answer must mean that the shard has it, not that a queue on one host does.
    "distributed_foreground_insert": 1,
}


class Redemption(NamedTuple):
    """Times are aware. 0 is none: a code that was no pass, a gate that was removed, a refusal's use."""

    attempt_id: int
    workspace_id: int
    program_id: int
    gate_id: int
    device_id: int
    zone_id: int
    """Of the gate, when the row was written."""
    issuer_id: int
    pass_id: int
    at: datetime
    received_at: datetime
    direction: str
    reason: str
    refused_as: str
    use_no: int
    offline: bool
    conflict: bool
    undone: bool
    version: int
    """The higher one stands."""


COLUMNS: Final = {
    "attempt_id": "UInt64",
    "workspace_id": "UInt64",
    "program_id": "UInt64",
    "gate_id": "UInt64",
    "device_id": "UInt64",
    "zone_id": "UInt64",
    "issuer_id": "UInt64",
    "pass_id": "UInt64",
    "at": "DateTime64(6, 'UTC')",
    "received_at": "DateTime64(6, 'UTC')",
    "direction": "LowCardinality(String)",
    "reason": "LowCardinality(String)",
    "refused_as": "LowCardinality(String)",
    "use_no": "UInt32",
    "offline": "UInt8",
    "conflict": "UInt8",
    "undone": "UInt8",
    "version": "UInt64",
}
"""Column → ClickHouse type as inserted, in the order of a Redemption."""
