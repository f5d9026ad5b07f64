"""Hears which links were edited, and has them fetched again."""

import asyncio
import logging
import random
from typing import Final

from redis.exceptions import RedisError

from edge.domains import Sites
from edge.entry import Entry
from edge.metrics import SLOT
from edge.record import INVALIDATE_CHANNEL
from edge.resolver import Resolver
from edge.valkey import Valkey

log = logging.getLogger("edge.invalidation")

QUIET: Final = 5.0
"""Seconds of silence after which the connection must answer a ping, or is given up as dead."""
MAX_BACKOFF: Final = 2.0
"""Seconds."""

_ERRORS: Final = SLOT["scanway_edge_valkey_errors"]


async def listen(valkey: Valkey, links: Resolver[Entry], sites: Sites, counters: memoryview) -> None:
    """Runs until cancelled.

    Each time the subscription stands (again), everything in memory counts as stale, because messages sent
    meanwhile are gone.
    """
    failures = 0
    while True:
        try:
            async with valkey.pubsub() as pubsub:
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
                        name = message["data"].decode("utf-8", "replace")
                        if name.startswith("@"):
                            sites.invalidate(name[1:])
                        else:
                            links.invalidate(name)
                    elif message["type"] == "subscribe":
                        failures = 0
                        links.expire_all()
                        sites.expire_all()
        except (RedisError, OSError) as error:
            counters[_ERRORS] += 1
            if not failures:
                log.warning("Edits are not heard (%s): links are fetched again every 5 s instead.", error)
            failures += 1
        # Jitter, so that a fleet of edges does not come back at the same moment.
        await asyncio.sleep(min(MAX_BACKOFF, 0.05 * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0))  # noqa: S311
