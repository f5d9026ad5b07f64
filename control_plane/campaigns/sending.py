"""Records on their way to Valkey. Every command names one key, so that a cluster takes the same pipelines."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from control_plane.campaigns import valkey
from edge import record

# KEYS[1] record key · ARGV as in edge.record.PUBLISH_SCRIPT. Whatever is there.
_FORCE: Final = """
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
"""
# KEYS[1] record key · ARGV[1] head with the version · ARGV[2] name · ARGV[3] channel → 1 gone, 0 a newer
# version is there.
_REMOVE: Final = """
local old = redis.call('GETRANGE', KEYS[1], 0, 8)
if #old == 9 then
  for i = 2, 9 do
    local a, b = string.byte(old, i), string.byte(ARGV[1], i)
    if a > b then return 0 end
    if a < b then break end
  end
end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
"""
# KEYS[1] counter · KEYS[2] which reset it has seen · ARGV[1] scans so far · ARGV[2] version of the reset. Two
# senders of the same reset set it back once: scans counted in between stay counted.
_RESET: Final = """
local seen = redis.call('GET', KEYS[2])
if seen and tonumber(seen) >= tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'NX')
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'EX', 86400)
return 1
"""
_head: Final = struct.Struct(">BQ")


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of one link, ready to send. Independent of the model instance, which may change."""

    link_id: int
    workspace_id: int
    code: str
    version: int
    records: tuple[tuple[str, bytes], ...]
    """Name and value: the link under each of its names, and “gone” under those it had before."""
    count: int | None = None
    """Scans so far, of a link that counts."""
    reset: int = 0
    """The version that set the count back, where that may not have reached Valkey yet."""


@dataclass(frozen=True, slots=True)
class DomainPublication:
    """One version of one domain, ready to send."""

    domain_id: int
    workspace_id: int
    host: str
    version: int
    value: bytes | None
    """None: no edge shall answer for this host."""
    gone: tuple[str, ...] = ()
    """Names of links that go with it."""


def send(batch: Sequence[Publication], *, force: bool = False) -> None:
    """Counters first: an edge refuses to guess a count that is missing. Raises redis.RedisError, OSError."""
    counts = valkey.client().pipeline(transaction=False)
    for one in batch:
        if one.count is None:
            continue
        key = record.count_key(one.link_id)
        if one.reset:
            counts.eval(_RESET, 2, key, reset_key(one.link_id), one.count, one.reset)
        else:
            counts.set(key, one.count, nx=True)
    if len(counts):
        counts.execute()
    script = _FORCE if force else record.PUBLISH_SCRIPT
    _each(script, ((record.key(name), value, name) for one in batch for name, value in one.records))


def send_domains(batch: Sequence[DomainPublication], *, force: bool = False) -> None:
    """Raises redis.RedisError, OSError."""
    script = _FORCE if force else record.PUBLISH_SCRIPT
    here = [one for one in batch if one.value is not None]
    _each(script, ((record.domain_key(one.host), one.value, f"@{one.host}") for one in here))
    for one in batch:
        if one.value is None:
            head = _head.pack(record.FORMAT, one.version)
            keys = [(record.domain_key(one.host), f"@{one.host}")]
            keys += [(record.key(name), name) for name in one.gone]
            _each(_REMOVE, ((key, head, message) for key, message in keys))


def remove_if_same(name: str, value: bytes) -> None:
    """Takes away a record that no link has, unless it was replaced since `value` was read."""
    valkey.client().eval(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
        1, record.domain_key(name[1:]) if name.startswith("@") else record.key(name), value,
    )  # fmt: skip


def _each(script: str, calls: Iterable[tuple[str, Any, str]]) -> None:
    # EVAL, not EVALSHA: the server knows the text after the first, and a restarted one needs no care.
    pipe = valkey.client().pipeline(transaction=False)
    for key, value, message in calls:
        pipe.eval(script, 1, key, value, message, record.INVALIDATE_CHANNEL)
    if len(pipe):
        pipe.execute()


def reset_key(link_id: int) -> str:
    """Beside the counter, for a day: the version of the last reset that reached it."""
    return f"scanway:reset:{{{link_id}}}"
