"""The control plane's connection to Valkey."""

from functools import cache

import redis
from django.conf import settings


@cache
def client() -> redis.Redis:
    """One pool for the process. Short timeouts: an edit never waits long for a Valkey that hangs."""
    return redis.Redis.from_url(
        settings.CONFIG.redis_url,
        socket_timeout=5,
        socket_connect_timeout=1,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        health_check_interval=10,
    )
