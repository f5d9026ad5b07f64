"""A link's record in Valkey: one key, one encoding, and the script that publishes it.

The edge reads these, so the format lives here; the control plane imports it to write them (a door, see
the design). Nobody else builds a key by hand.

    scanway:link:<name>    format u8 | version u64 big-endian | MessagePack map with one-letter keys. The name
                           is a code on the default domain, or `<host>/<code>` on a workspace's own
    scanway:domain:<host>  the same head, then a Domain
    scanway:count:{<id>}   scans of a link that has a limit or rules by number; counted by the edge. The
                           control plane puts it there before the record: a missing one is unknown, not 0
    scanway:seen:{<id>}:<day>  today's visitors of a link whose rules ask for new ones; gone after 48 h
    scanway:epoch          present while the key space is complete. Absent: Valkey was emptied, and a
                           missing record means "not known yet", not "no such link". In a cluster each
                           shard has one, scanway:epoch:{<n>}, because each can be emptied by itself
    scanway:invalidate     pub/sub channel; the message is a link's name, or `@<host>` for a domain
"""

import struct
from typing import Final

import msgspec

from edge.rules import Rule

FORMAT: Final = 1
"""A plain link."""
RULED: Final = 2
"""A link with rules, a limit, a password or a fallback: which an older edge must not answer."""
EPOCH_KEY: Final = "scanway:epoch"
INVALIDATE_CHANNEL: Final = "scanway:invalidate"
DAMAGED_KEY: Final = "scanway:damaged"
"""A set of names, as in invalidations, whose records an edge could not read: they are published again."""

_head = struct.Struct(">BQ")
HEAD_SIZE: Final = _head.size

ACTIVE: Final = "a"
PAUSED: Final = "p"
BLOCKED: Final = "b"
DELETED: Final = "d"


class RecordError(ValueError):
    """These bytes are not a record this version can read."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
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
    rules: tuple[Rule, ...] = msgspec.field(name="x", default=())
    max_scans: int = msgspec.field(name="m", default=0)
    """Redirects in all, exact over all workers; 0 is no limit."""
    password: str = msgspec.field(name="h", default="")
    """`scrypt$<log2 n>$<r>$<p>$<salt>$<hash>`, both base64url without padding; '' is none."""
    fallback: str = msgspec.field(name="u", default="")
    """Where a scan goes when the link is paused, not started, expired or used up; '' is a page."""
    pass_query: bool = msgspec.field(name="q", default=False)
    """Adds the scan's query to `destination`, as a redirect's."""

    @property
    def is_plain(self) -> bool:
        return not (self.rules or self.max_scans or self.password or self.fallback or self.pass_query)


NOBODY: Final = Record(workspace_id=0, link_id=0, destination="")
"""Stands in for the link of a code that belongs to nobody, or about which nothing is known now."""


class Domain(msgspec.Struct, frozen=True, omit_defaults=True):
    """A short domain of a workspace. The default domain has no record."""

    workspace_id: int = msgspec.field(name="w")
    version: int = 0
    root: str = msgspec.field(name="d", default="")
    """Where / leads; '' is our own page."""
    not_found: str = msgspec.field(name="n", default="")
    """Where an unknown code leads; '' is our own page."""
    robots: str = msgspec.field(name="r", default="")
    """robots.txt; '' is ours, which forbids everything."""
    favicon: bytes = msgspec.field(name="i", default=b"")
    """A PNG of at most 16 kB."""
    apple_apps: tuple[str, ...] = msgspec.field(name="a", default=())
    """`<team>.<bundle>`, for apple-app-site-association."""
    android_apps: tuple[tuple[str, str], ...] = msgspec.field(name="p", default=())
    """Package and SHA-256 fingerprint with colons, for assetlinks.json."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
_domain_decoder = msgspec.msgpack.Decoder(Domain)


def link_name(code: str, host: str = "") -> str:
    """What a link is called in Valkey: its code in stored (lower-case) form, on a host ('': default)."""
    return f"{host}/{code}" if host else code


def key(name: str) -> str:
    """The Valkey key of a link by its name."""
    return f"scanway:link:{name}"


def domain_key(host: str) -> str:
    """The Valkey key of a short domain: lower case, punycode, no port."""
    return f"scanway:domain:{host}"


def count_key(link_id: int) -> str:
    """The Valkey key of a link's scan counter. The braces keep it beside `seen_key` in a cluster."""
    return f"scanway:count:{{{link_id}}}"


def seen_key(link_id: int, day: str) -> str:
    """The Valkey key of a link's visitors of a UTC day, YYYY-MM-DD."""
    return f"scanway:seen:{{{link_id}}}:{day}"


def epoch_key(tag: str) -> str:
    """EPOCH_KEY of one shard of a cluster, by its tag."""
    return f"{EPOCH_KEY}:{tag}"


def encode(record: Record) -> bytes:
    """The value to store. The version is in the head, where the publish script compares it as bytes."""
    body = _encoder.encode(msgspec.structs.replace(record, version=0))
    return _head.pack(FORMAT if record.is_plain else RULED, record.version) + body


def encode_domain(domain: Domain) -> bytes:
    """As a link's record."""
    return _head.pack(FORMAT, domain.version) + _encoder.encode(msgspec.structs.replace(domain, version=0))


def decode_domain(value: bytes) -> Domain:
    """Raises RecordError."""
    version = _version(value, (FORMAT,))
    try:
        domain = _domain_decoder.decode(memoryview(value)[HEAD_SIZE:])
    except msgspec.DecodeError as error:
        raise RecordError(f"This record cannot be read: {error}.") from error
    return msgspec.structs.replace(domain, version=version)


def decode(value: bytes) -> Record:
    """Raises RecordError where the value is torn, damaged or of a newer format."""
    version = _version(value, (FORMAT, RULED))
    try:
        record = _decoder.decode(value[HEAD_SIZE:])
    except msgspec.DecodeError as error:
        raise RecordError(f"This record cannot be read: {error}.") from error
    msgspec.structs.force_setattr(record, "version", version)  # nobody has seen it yet
    return record


def _version(value: bytes, formats: tuple[int, ...]) -> int:
    if len(value) <= HEAD_SIZE:
        raise RecordError(f"A record has more than {HEAD_SIZE} bytes; this has {len(value)}.")
    found, version = _head.unpack_from(value)
    if found not in formats:
        raise RecordError(f"This record has format {found}; this edge reads up to format {max(formats)}.")
    return int(version)


# KEYS[1] record key · ARGV[1] value · ARGV[2] name · ARGV[3] channel → 1 stored, 0 a newer version is there.
# An equal version is stored again, so that a republish mends a damaged value. A value of an unknown format is
# always replaced: its version is not comparable.
PUBLISH_SCRIPT: Final = """
local old = redis.call('GETRANGE', KEYS[1], 0, 8)
if #old == 9 and (string.byte(old, 1) == 1 or string.byte(old, 1) == 2) then
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
