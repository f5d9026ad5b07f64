"""Which node of a cluster holds a key: CRC-16 of the key, or of what stands in braces in it, modulo 16384.

From the specification of Redis Cluster. A shard is a primary and the slots that it holds.
"""

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from operator import itemgetter
from typing import Any, Final

from analytics.valkey.url import Address

SLOTS: Final = 16_384


def slot_of(key: str) -> int:
    """The slot of a key."""
    data = key.encode()
    opened = data.find(b"{")
    if opened >= 0:
        closed = data.find(b"}", opened + 1)
        if closed > opened + 1:
            data = data[opened + 1 : closed]
    return binascii.crc_hqx(data, 0) % SLOTS


@lru_cache(maxsize=4096)
def tag(slot: int) -> str:
    """The smallest number in braces that puts a key into this slot. Some 10 ms the first time."""
    return next(f"{{{n}}}" for n in count() if binascii.crc_hqx(b"%d" % n, 0) % SLOTS == slot)


@dataclass(frozen=True, slots=True)
class Shard:
    """A primary and where its slots begin."""

    address: Address
    slot: int

    @property
    def tag(self) -> str:
        """Put into a key, it makes it one of this shard's. The same for everybody who sees the same slots."""
        return tag(self.slot)


class Shards:
    """The whole cluster as one of its nodes described it."""

    def __init__(self, reply: Sequence[Any], asked: Address) -> None:
        """`reply` is that of CLUSTER SLOTS; `asked` stands in where a node does not know its own address."""
        ranges = sorted(((int(each[0]), int(each[1]), each[2]) for each in reply), key=itemgetter(0))
        lowest: dict[Address, Shard] = {}
        self._table: list[Shard | None] = [None] * SLOTS
        for first, last, primary in ranges:
            host = primary[0].decode() if primary[0] else ""
            address = (host if host not in ("", "?") else asked[0], int(primary[1]))
            shard = lowest.setdefault(address, Shard(address, first))
            self._table[first : last + 1] = [shard] * (last + 1 - first)
        self._shards = tuple(lowest.values())

    def __iter__(self) -> Iterator[Shard]:
        return iter(self._shards)

    def of(self, key: str) -> Shard | None:
        """None where nobody holds the key's slot."""
        return self._table[slot_of(key)]

    def has_primary(self, address: Address) -> bool:
        """Whether a primary is there."""
        return any(shard.address == address for shard in self._shards)
