"""UUIDv7 (RFC 9562, section 5.7), minted in well under a microsecond."""

import os
import random
import struct

_pack = struct.Struct(">QQ").pack


class Mint:
    """Makes event ids. One per worker, made after the fork: two with one seed would repeat each other.

    Layout, most significant first: unix milliseconds 48 bits | version 4 | fraction of the millisecond
    12 (method 3 of section 6.2, so ids of one worker sort by time to 0.25 µs) | variant 2 | random 62.
    """

    __slots__ = ("_bits",)

    def __init__(self, seed: bytes | None = None) -> None:
        # Unique, not secret: nobody may do anything with an event id, so the fast generator will do.
        self._bits = random.Random(os.urandom(32) if seed is None else seed).getrandbits  # noqa: S311

    def __call__(self, now_ns: int) -> bytes:
        """16 bytes for the moment `now_ns`, nanoseconds since 1970-01-01 UTC."""
        ms, rest = divmod(now_ns, 1_000_000)
        return _pack(
            ms << 16 & 0xFFFF_FFFF_FFFF_0000 | 0x7000 | (rest << 12) // 1_000_000,
            0x8000_0000_0000_0000 | self._bits(62),
        )
