"""Hints for live screens: which links just got scans. Best effort; delivery never waits for them."""

import time
from collections.abc import Sequence
from typing import Final

import redis

from analytics.events import Tick, tick_channel
from analytics.ingest.rows import COLUMNS, Row

PAUSE: Final = 5.0
"""Seconds of silence after Valkey did not answer, so that it costs delivery one short timeout, not each."""

_names: Final = list(COLUMNS)
_WORKSPACE, _LINK, _AT, _BOT = (_names.index(each) for each in ("workspace_id", "link_id", "at", "is_bot"))


def ticks_of(rows: Sequence[Row]) -> dict[int, Tick]:
    """Workspace id → its tick. Codes that belong to nobody (workspace 0) have no screen."""
    links: dict[int, dict[str, tuple[int, int]]] = {}
    newest: dict[int, int] = {}
    for row in rows:
        workspace, link, at, bot = row[_WORKSPACE], row[_LINK], row[_AT], row[_BOT]
        assert isinstance(workspace, int) and isinstance(at, int)
        if not workspace:
            continue
        counts = links.setdefault(workspace, {})
        humans, bots = counts.get(str(link), (0, 0))
        counts[str(link)] = (humans, bots + 1) if bot else (humans + 1, bots)
        newest[workspace] = max(newest.get(workspace, 0), at)
    return {workspace: Tick(links=counts, at=newest[workspace]) for workspace, counts in links.items()}


class TickPublisher:
    """Publishes over a connection with short timeouts, and counts what it could not send."""

    def __init__(self, valkey: "redis.Redis") -> None:
        self._valkey = valkey
        self._silent_until = 0.0
        self.dropped = 0

    def publish(self, rows: Sequence[Row]) -> None:
        """Never raises for lack of Valkey."""
        ticks = ticks_of(rows)
        if time.monotonic() < self._silent_until:
            self.dropped += len(ticks)
            return
        try:
            with self._valkey.pipeline(transaction=False) as pipe:
                for workspace, tick in ticks.items():
                    pipe.publish(tick_channel(workspace), tick.encode())
                pipe.execute()
        except (redis.RedisError, OSError):
            self.dropped += len(ticks)
            self._silent_until = time.monotonic() + PAUSE
