"""A tick: the hint that new scans of a workspace are in ClickHouse. Screens read again when one comes.

Best effort, never counted on: the numbers on any screen come from ClickHouse.
"""

import msgspec


class Tick(msgspec.Struct, frozen=True):
    """Published as JSON on the workspace's channel after an insert."""

    links: dict[str, tuple[int, int]]
    """Link id in decimal → (scans by humans, scans by bots) in that insert."""
    at: int
    """Time of the newest event in it, in microseconds since 1970-01-01 UTC."""

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, message: bytes) -> "Tick":
        """Raises msgspec.DecodeError."""
        return msgspec.json.decode(message, type=cls)


def tick_channel(workspace_id: int) -> str:
    """Name of the Valkey pub/sub channel."""
    return f"scanway:ticks:{workspace_id}"
