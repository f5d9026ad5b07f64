"""A link's record in Valkey: one key, one encoding, and the script that publishes it.

The edge reads these, so the format lives here; the control plane imports it to write them (a door, see
the design). Nobody else builds a key by hand.

    scanway:link:<code>    format u8 | version u64 big-endian | MessagePack map with one-letter keys
    scanway:epoch          present while the key space is complete. Absent: Valkey was emptied, and a
                           missing record means "not known yet", not "no such link"
    scanway:invalidate     pub/sub channel; the message is a code
"""

import struct
from typing import Final

import msgspec

FORMAT: Final = 1
EPOCH_KEY: Final = "scanway:epoch"
INVALIDATE_CHANNEL: Final = "scanway:invalidate"

_head = struct.Struct(">BQ")
HEAD_SIZE: Final = _head.size

ACTIVE: Final = "a"
PAUSED: Final = "p"
BLOCKED: Final = "b"
DELETED: Final = "d"


class RecordError(ValueError):
    """These bytes are not a record this version can read."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the edge needs to answer for one code. Small: a plain link takes about 40 bytes and its URL."""

    workspace_id: int = msgspec.field(name="w")
    link_id: int = msgspec.field(name="l")
    destination: str = msgspec.field(name="d")
    """An absolute http or https URL, ASCII only, checked when it was saved."""
    version: int = 0
    """Set from the head when decoded; never in the map."""
    state: str = msgspec.field(name="s", default=ACTIVE)
    status: int = msgspec.field(name="r", default=302)
    """Redirect status: 301, 302, 303, 307 or 308."""
    starts_at: int | None = msgspec.field(name="f", default=None)
    """Milliseconds since 1970-01-01 UTC; inclusive."""
    expires_at: int | None = msgspec.field(name="t", default=None)
    """Milliseconds since 1970-01-01 UTC; exclusive."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def key(code: str) -> str:
    """The Valkey key of a code in its stored (lower-case) form."""
    return f"scanway:link:{code}"


def encode(record: Record) -> bytes:
    """The value to store. The version is in the head, where the publish script compares it as bytes."""
    body = _encoder.encode(msgspec.structs.replace(record, version=0))
    return _head.pack(FORMAT, record.version) + body


def decode(value: bytes) -> Record:
    """Raises RecordError where the value is torn, damaged or of a newer format."""
    if len(value) <= HEAD_SIZE:
        raise RecordError(f"A record has more than {HEAD_SIZE} bytes; this has {len(value)}.")
    found, version = _head.unpack_from(value)
    if found != FORMAT:
        raise RecordError(f"This record has format {found}; this edge reads format {FORMAT}.")
    try:
        record = _decoder.decode(memoryview(value)[HEAD_SIZE:])
    except msgspec.DecodeError as error:
        raise RecordError(f"This record cannot be read: {error}.") from error
    return msgspec.structs.replace(record, version=version)


# KEYS[1] record key · ARGV[1] value · ARGV[2] code · ARGV[3] channel → 1 stored, 0 a newer version is there.
# An equal version is stored again, so that a republish mends a damaged value. A value of another format is
# always replaced: its version is not comparable.
PUBLISH_SCRIPT: Final = """
local old = redis.call('GETRANGE', KEYS[1], 0, 8)
if #old == 9 and string.byte(old, 1) == string.byte(ARGV[1], 1) then
  for i = 2, 9 do
    local a, b = string.byte(old, i), string.byte(ARGV[1], i)
    if a > b then return 0 end
    if a < b then break end
  end
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
"""
