"""Putting streamed blocks together into one result.

chDB writes each fetched block as a document of its own. For most row formats their concatenation is the
result; those with a header repeat it, and it is cut from every block but the first. Formats with a frame
around the rows (JSON, Parquet, Pretty) cannot be joined and are produced in one piece.
"""

import re
from typing import Final

_PLAIN: Final = re.compile(
    r"^(?:native|tabseparated(?:raw)?|tsv(?:raw)?|raw|csv|rowbinary|tskv|jsoneachrow|jsonlines|ndjson|jsonl"
    r"|jsonstringseachrow|jsoncompact(?:strings)?eachrow|lineasstring|rawblob|msgpack|null)$"
)
_LINED: Final = re.compile(
    r"^(?:tabseparated(?:raw)?|tsv(?:raw)?|raw|csv|jsoncompact(?:strings)?eachrow)withnames(andtypes)?$"
)
_BINARY: Final = re.compile(r"^rowbinarywithnames(andtypes)?$")


def is_streamable(name: str) -> bool:
    lower = name.lower()
    return bool(_PLAIN.match(lower)) or bool(_LINED.match(lower)) or bool(_BINARY.match(lower))


def has_header(name: str) -> bool:
    return not _PLAIN.match(name.lower())


class Joiner:
    """Turns the blocks of one result into its bytes."""

    def __init__(self, name: str) -> None:
        self._name = name.lower()
        self._header: bytes | None = None if has_header(name) else b""

    def add(self, block: bytes) -> bytes:
        if self._header is None:
            self._header = block[: self._header_size(block)]
            return block
        return block[len(self._header) :]

    def _header_size(self, block: bytes) -> int:
        lined = _LINED.match(self._name)
        if lined:
            return _after_lines(block, 2 if lined[1] else 1, quoted=self._name.startswith("csv"))
        columns, at = _varint(block, 0)
        for _ in range(columns * (2 if self._name.endswith("andtypes") else 1)):
            size, at = _varint(block, at)
            at += size
        return at


def _after_lines(block: bytes, count: int, *, quoted: bool) -> int:
    """Offset behind the first lines; in CSV, line ends inside quotes are part of a name."""
    inside = False
    for at, byte in enumerate(block):
        if byte == 0x22 and quoted:
            inside = not inside
        elif byte == 0x0A and not inside:
            count -= 1
            if count == 0:
                return at + 1
    return len(block)


def _varint(block: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = block[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
