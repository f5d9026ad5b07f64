"""Whether Valkey holds everything: one key on each of its servers, whose value is the server's run id.

The edge takes a missing link for unknown only where this key is there. A server that was emptied or replaced
by another has no such key, or the run id of another, and is filled again.
"""

import secrets
from dataclasses import dataclass

import redis

from analytics.valkey.client import nodes
from control_plane.campaigns import valkey
from edge.record import EPOCH_KEY, epoch_key

GUARD_SECONDS = 3600
"""How long publishing everything may take."""

# KEYS[1] guard · KEYS[2] epoch · ARGV[1] run id. The guard was set before the first record: where it is
# gone, the server was emptied in the meantime, and the key space is not complete.
_FINISH = """
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
return 1
"""


def is_complete() -> bool:
    """Raises redis.RedisError or OSError. One round trip to each server."""
    for server, tag in nodes(valkey.client()):
        pipe = server.pipeline(transaction=False)
        pipe.get(_key(tag))
        pipe.info("server")
        epoch, info = pipe.execute()
        if epoch is None or epoch.decode("utf-8", "replace") != info["run_id"]:
            return False
    return True


@dataclass(frozen=True)
class Filling:
    """Everything is being published, from `begin` to `finish`."""

    guards: tuple[tuple[redis.Redis, str, str, str], ...]
    """Of each server: its client, tag, run id, and the key that is gone if it is emptied meanwhile."""

    def finish(self) -> bool:
        """Says of each server that it is complete; False where one was emptied. Raises redis.RedisError."""
        done = [
            server.eval(_FINISH, 2, guard, _key(tag), run_id) for server, tag, run_id, guard in self.guards
        ]
        return all(done)


def begin() -> Filling:
    """Before the first record is sent. Raises redis.RedisError or OSError."""
    mark = secrets.token_hex(8)
    guards = []
    for server, tag in nodes(valkey.client()):
        guard = f"scanway:publishing:{mark}{tag}"
        run_id = server.info("server")["run_id"]
        server.set(guard, "1", ex=GUARD_SECONDS)
        guards.append((server, tag, run_id, guard))
    return Filling(tuple(guards))


def _key(tag: str) -> str:
    return epoch_key(tag) if tag else EPOCH_KEY
