"""Hears which links were edited, and has them fetched again."""

import asyncio
import logging
import random
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from edge.metrics import SLOT
from edge.record import INVALIDATE_CHANNEL
from edge.resolver import Resolver

log = logging.getLogger("edge.invalidation")

QUIET: Final = 5.0
"""Seconds of silence after which the connection must answer a ping, or is given up as dead."""
MAX_BACKOFF: Final = 2.0
"""Seconds."""

_ERRORS: Final = SLOT["scanway_edge_valkey_errors"]


async def listen(client: Redis, resolver: Resolver, counters: memoryview) -> None:
    """Runs until cancelled. `client` must not retry by itself: a lost connection must be seen here.

    Each time the subscription stands (again), everything in memory counts as stale, because messages sent
    meanwhile are gone.
    """
    failures = 0
    while True:
        try:
            async with client.pubsub() as pubsub:
                await pubsub.subscribe(INVALIDATE_CHANNEL)
                pinged = False
                while True:
                    message = await pubsub.get_message(timeout=QUIET)
                    if message is None:
                        if pinged:
                            raise ConnectionError("no answer to a ping")
                        await pubsub.ping()
                        pinged = True
                        continue
                    pinged = False
                    if message["type"] == "message":
                        resolver.invalidate(message["data"].decode("utf-8", "replace"))
                    elif message["type"] == "subscribe":
                        failures = 0
                        resolver.expire_all()
        except (RedisError, OSError) as error:
            counters[_ERRORS] += 1
            if not failures:
                log.warning("Edits are not heard (%s): links are fetched again every 5 s instead.", error)
            failures += 1
        # Jitter, so that a fleet of edges does not come back at the same moment.
        await asyncio.sleep(min(MAX_BACKOFF, 0.05 * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0))  # noqa: S311
