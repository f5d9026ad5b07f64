"""Counts scans of the few links that need it, in Valkey: exactly, over all workers and hosts.

One script, one round trip to the primary. Only links with a limit, with rules by scan number, or with rules
for new visitors pay for it.
"""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.exceptions import RedisError

from analytics.visitors.salt import LIFETIME, SALT_BYTES, salt_key
from analytics.visitors.visitor import visitor_id
from edge.metrics import SLOT
from edge.record import count_key, seen_key

log = logging.getLogger("edge.counter")

_ERRORS: Final = SLOT["scanway_edge_valkey_errors"]

MAX_VISITORS: Final = 100_000
"""Visitors remembered of a link and day: some 8 MB of Valkey. Every agent string is another visitor, so that
one phone could fill it. Beyond it, whether one who is not among them is new is not known."""

# KEYS[1] counter · KEYS[2] visitors of the day · ARGV[1] "1": count · ARGV[2] visitor, '' is not asked
# · ARGV[3] "1": only look, and change nothing
# → {scan number, 1 new | 0 returning}; -1 is not known. A counter that is not there is not 0: it was lost
# with the rest of Valkey, and the control plane puts it back.
COUNT_SCRIPT: Final = f"""
local number, new = -1, -1
local look = ARGV[3] == '1'
if ARGV[1] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then
  number = look and redis.call('GET', KEYS[1]) + 1 or redis.call('INCR', KEYS[1])
end
if ARGV[2] ~= '' then
  if redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 1 then
    new = 0
  elseif redis.call('SCARD', KEYS[2]) < {MAX_VISITORS} then
    new = look and 1 or redis.call('SADD', KEYS[2], ARGV[2])
    if not look then redis.call('EXPIRE', KEYS[2], 172800) end
  end
end
return {{number, new}}
"""
_SALT_SCRIPT: Final = """
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2])
return redis.call('GET', KEYS[1])
"""

RunScript = Callable[[str, list[str], list[Any]], Awaitable[Any]]


class Counter:
    """The counters of one worker's links. For the event loop."""

    def __init__(self, run_script: RunScript, counters: memoryview) -> None:
        self._run = run_script
        self._counters = counters
        self._salt = ("", b"")

    async def count(
        self,
        link_id: int,
        workspace_id: int,
        at_ms: int,
        ip: str,
        user_agent: str,
        *,
        number: bool,
        visitor: bool,
        look: bool = False,
    ) -> tuple[int | None, bool | None]:
        """This scan's number from 1, and whether its visitor is new today; None: not known. Never raises.

        With `look`, what they would be: nothing is counted.
        """
        day = time.strftime("%Y-%m-%d", time.gmtime(at_ms // 1000))
        try:
            who = ""
            if visitor:
                who = f"{visitor_id(await self._salt_of(day), ip, user_agent, workspace_id):016x}"
            found, new = await self._run(
                COUNT_SCRIPT,
                [count_key(link_id), seen_key(link_id, day)],
                ["1" if number else "0", who, "1" if look else "0"],
            )
        except (RedisError, OSError) as error:
            self._counters[_ERRORS] += 1
            log.warning("A scan of link %d could not be counted: %s", link_id, error)
            return None, None
        return (found if found > 0 else None), (bool(new) if new >= 0 else None)

    async def _salt_of(self, day: str) -> bytes:
        if self._salt[0] != day:
            held = await self._run(_SALT_SCRIPT, [salt_key(day)], [secrets.token_bytes(SALT_BYTES), LIFETIME])
            self._salt = (day, held)
        return self._salt[1]
