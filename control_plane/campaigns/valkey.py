"""The control plane's connection to Valkey: one server, what sentinels watch, or a cluster."""

from functools import cache

import redis
from django.conf import settings

from analytics.valkey.client import connect


@cache
def client() -> redis.Redis:
    """One pool for the process. Short timeouts: an edit never waits long for a Valkey that hangs.

    In a cluster each command goes to the node that holds its keys, in pipelines too.
    """
    return connect(settings.CONFIG.redis_url, timeout=5, connect_timeout=1, health_check_interval=10)
