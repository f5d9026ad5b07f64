"""A limit on how often one key may ask: fixed windows of a minute, counted in Valkey.

It protects the service from a script gone wild; it guards no money. So while Valkey is away, all may pass.
"""

import logging
import time
from functools import cache
from typing import Final

import redis
from django.conf import settings

from analytics.valkey.client import connect
from control_plane.api.problem import Problem

LIMIT: Final = 600
WINDOW_SECONDS: Final = 60

log = logging.getLogger("api")


@cache
def _valkey() -> "redis.Redis":
    # A limiter must never be the slow part: after a quarter of a second it counts as away.
    return connect(settings.CONFIG.redis_url, timeout=0.25, connect_timeout=0.25)


def take(key_id: int | str, *, limit: int | None = None) -> dict[str, str]:
    """Counts one request, and returns the RateLimit-* headers; {} without Valkey. Raises Problem 429."""
    limit = LIMIT if limit is None else limit
    window, passed = divmod(int(time.time()), WINDOW_SECONDS)
    name = f"scanway:rate:{key_id}:{window}"
    try:
        with _valkey().pipeline(transaction=False) as pipeline:
            used, _ = pipeline.incr(name).expire(name, 2 * WINDOW_SECONDS).execute()
    except redis.RedisError as error:
        log.warning("The rate limit is off while Valkey does not answer: %s", type(error).__name__)
        return {}
    left = WINDOW_SECONDS - passed
    headers = {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(max(0, limit - used)),
        "RateLimit-Reset": str(left),
    }
    if used > limit:
        raise Problem(
            "too-many-requests",
            f"This key may send {limit} requests a minute. Wait {left} s.",
            headers={**headers, "Retry-After": str(left)},
        )
    return headers
