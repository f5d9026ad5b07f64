"""The spool's file format: a header, then frames of `length | crc32c | payload`.

An open segment is longer than what was written to it: the rest is zeros, reserved beforehand.

Both numbers are unsigned 32-bit little-endian; the checksum is CRC-32C (Castagnoli, RFC 3720 appendix B.4)
over the payload alone. A sealed segment is the unit of everything after: one chunk, one INSERT, one
deduplication token, which is the file's name without its suffix.

Folders below the spool, and how a segment moves through them by rename:

    open/       <segment id>.seg     held by flock by the worker that appends to it
    sealed/     <segment id>.seg     complete, fsynced, never changed again
    delivered/  <segment id>.seg     in ClickHouse; removed after 15 minutes
    damaged/    <segment id>.seg     what could not be read, kept for a person to look at
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import google_crc32c

if TYPE_CHECKING:
    import mmap

OPEN: Final = "open"
SEALED: Final = "sealed"
DELIVERED: Final = "delivered"
DAMAGED: Final = "damaged"
SUFFIX: Final = ".seg"

MAGIC: Final = b"SCANWAY\0"
VERSION: Final = 1
HEADER_SIZE: Final = 12
_header = struct.Struct("<8sI")
_frame = struct.Struct("<II")
FRAME_HEAD: Final = _frame.size
_pack: Final = _frame.pack
_pack_into: Final = _frame.pack_into
_crc: Final = google_crc32c.value

# No frame is larger: the edge bounds each field. A larger length is damage, not an event.
MAX_PAYLOAD: Final = 64 * 1024


class Damage(StrEnum):
    """What is wrong with a segment's bytes."""

    HEADER = "header"
    """Not a segment at all, or its header is torn."""
    NEWER = "newer"
    """Written by a newer version: left alone until this one is upgraded."""
    TORN = "torn"
    """The last frame is incomplete, or space was reserved behind it: the writer died. Everything before is
    good."""
    CHECKSUM = "checksum"
    """A frame's checksum does not match: the disk or something else changed it."""


@dataclass(frozen=True, slots=True)
class SegmentContents:
    """What could be read of a segment."""

    payloads: list[bytes]
    good_bytes: int
    """Length of the readable prefix, in bytes, header included."""
    damage: Damage | None


def segment_header() -> bytes:
    """The first bytes of every segment."""
    return _header.pack(MAGIC, VERSION)


def frame(payload: bytes) -> bytes:
    """One frame, ready to be appended."""
    return _pack(len(payload), _crc(payload)) + payload


def put_frame(buffer: "mmap.mmap | bytearray", at: int, payload: bytes) -> int:
    """Write one frame into a zeroed buffer at an offset; returns the offset behind it.

    The payload goes first: a writer that is killed in between leaves a header of zeros, which is no frame.
    Raises IndexError or struct.error where it does not fit; MAX_PAYLOAD bounds what a reader takes.
    """
    start = at + FRAME_HEAD
    end = start + len(payload)
    buffer[start:end] = payload
    _pack_into(buffer, at, len(payload), _crc(payload))
    return end


def read_segment(data: bytes) -> SegmentContents:
    """Every whole frame up to the first that is torn or does not match its checksum.

    Reading stops at the first bad frame: past it nothing says where the next one starts.
    """
    if len(data) < HEADER_SIZE:
        return SegmentContents([], 0, Damage.HEADER)
    magic, version = _header.unpack_from(data)
    if magic != MAGIC:
        return SegmentContents([], 0, Damage.HEADER)
    if version != VERSION:
        return SegmentContents([], 0, Damage.NEWER)
    payloads: list[bytes] = []
    at, end = HEADER_SIZE, len(data)
    while at < end:
        if end - at < FRAME_HEAD:
            return SegmentContents(payloads, at, Damage.TORN)
        length, checksum = _frame.unpack_from(data, at)
        start = at + FRAME_HEAD
        if length == 0:
            # Nothing was written here: the rest of a reserved file, with at most one unfinished payload.
            # Whatever lies further on was written after it, so this header is damaged.
            unwritten = checksum == 0 and not data[start + MAX_PAYLOAD :].strip(b"\0")
            return SegmentContents(payloads, at, Damage.TORN if unwritten else Damage.CHECKSUM)
        if length > MAX_PAYLOAD:
            return SegmentContents(payloads, at, Damage.CHECKSUM)
        if end - start < length:
            return SegmentContents(payloads, at, Damage.TORN)
        payload = data[start : start + length]
        if _crc(payload) != checksum:
            return SegmentContents(payloads, at, Damage.CHECKSUM)
        payloads.append(payload)
        at = start + length
    return SegmentContents(payloads, at, None)
