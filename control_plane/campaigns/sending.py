"""Records on their way to Valkey. Every command names one key, so that a cluster takes the same pipelines."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from control_plane.campaigns import valkey
from edge import record

# Names on a workspace's own host can be removed, and then nothing is left that has a version: a publication
# that was on its way would bring them back. So the removal leaves its version beside them, for a day.
# KEYS[1] record key · KEYS[2] its removal · ARGV as in edge.record.PUBLISH_SCRIPT, or for a removal the head
# with its version instead of a value.
_NEWER: Final = """
local function newer(a, b)
  for i = 2, 9 do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return false
end
"""
_ON_HOST: Final = f"""{_NEWER}
local removed = redis.call('GET', KEYS[2])
if removed and not newer(ARGV[1], removed) then return 0 end
{record.PUBLISH_SCRIPT}"""
_REMOVE: Final = f"""{_NEWER}
local removed = redis.call('GET', KEYS[2])
if not removed or newer(ARGV[1], removed) then redis.call('SET', KEYS[2], ARGV[1], 'EX', 86400) end
local old = redis.call('GETRANGE', KEYS[1], 0, 8)
if #old == 9 and newer(old, ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
"""
# Whatever is there.
_FORCE: Final = """
redis.call('SET', KEYS[1], ARGV[1])
if KEYS[2] then redis.call('DEL', KEYS[2]) end
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
    records: tuple[tuple[str, bytes, bool], ...]
    """Name, value, and whether it is on a workspace's own host: the link under each of its names, and “gone”
    under those it had before."""
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
    is_claim: bool = False
    """Never verified: there is nothing to send."""


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
    _each(
        (_FORCE if force else None, record.key(name), value, name, host)
        for one in batch
        for name, value, host in one.records
    )


def send_domains(batch: Sequence[DomainPublication], *, force: bool = False) -> None:
    """Raises redis.RedisError, OSError."""
    calls: list[_Call] = []
    for one in batch:
        if one.is_claim:
            continue
        key, message = record.domain_key(one.host), f"@{one.host}"
        if one.value is not None:
            calls.append((_FORCE if force else None, key, one.value, message, True))
            continue
        head = _head.pack(record.FORMAT, one.version)
        calls.append((_REMOVE, key, head, message, True))
        calls += [(_REMOVE, record.key(name), head, name, True) for name in one.gone]
    _each(calls)


def remove_if_same(name: str, value: bytes) -> None:
    """Takes away a record that no link has, unless it was replaced since `value` was read."""
    valkey.client().eval(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
        1, record.domain_key(name[1:]) if name.startswith("@") else record.key(name), value,
    )  # fmt: skip


_Call = tuple[str | None, str, bytes, str, bool]
"""Script (None: publish), key, value, message, and whether the name is on a workspace's own host."""


def _each(calls: Iterable[_Call]) -> None:
    # EVAL, not EVALSHA: the server knows the text after the first, and a restarted one needs no care.
    pipe = valkey.client().pipeline(transaction=False)
    for script, key, value, message, on_host in calls:
        if on_host:
            # The braces put it into the same slot.
            keys, script = (key, f"{{{key}}}:removed"), script or _ON_HOST
        else:
            keys, script = (key,), script or record.PUBLISH_SCRIPT
        pipe.eval(script, len(keys), *keys, value, message, record.INVALIDATE_CHANNEL)
    if len(pipe):
        pipe.execute()


def reset_key(link_id: int) -> str:
    """Beside the counter, for a day: the version of the last reset that reached it."""
    return f"scanway:reset:{{{link_id}}}"
