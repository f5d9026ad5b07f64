"""How often somebody may ask: fixed windows of a minute, counted in Valkey.

It protects the service from a script gone wild; it guards no money. So while Valkey is away, all may pass.
"""

import hmac
import ipaddress
import logging
import time
from dataclasses import dataclass
from functools import cache
from typing import Final

import redis
from django.conf import settings
from django.http import HttpRequest

from analytics.valkey.client import connect
from control_plane.proxies import client_ip

WINDOW_SECONDS: Final = 60

log = logging.getLogger("limits")


@dataclass(frozen=True, slots=True)
class Window:
    """What was asked in this minute, this time included where it was counted."""

    used: int
    limit: int
    seconds_left: int

    @property
    def is_over(self) -> bool:
        return self.used > self.limit


def spend(name: str, limit: int, *, count: bool = True) -> Window | None:
    """Counts once, or (without `count`) asks as if it did. None where Valkey does not answer."""
    window, passed = divmod(int(time.time()), WINDOW_SECONDS)
    key = f"scanway:rate:{name}:{window}"
    try:
        if count:
            with _valkey().pipeline(transaction=False) as pipeline:
                used, _ = pipeline.incr(key).expire(key, 2 * WINDOW_SECONDS).execute()
        else:
            used = int(_valkey().get(key) or 0) + 1  # type: ignore[arg-type]
    except redis.RedisError as error:
        log.warning("Rate limits are off while Valkey does not answer: %s", type(error).__name__)
        return None
    return Window(used, limit, WINDOW_SECONDS - passed)


def visitor(request: HttpRequest) -> str:
    """Who asks without a key: a keyed hash of the address, which itself is written nowhere.

    Of IPv6 the network counts: a phone has a new address in it each day.
    """
    text = f"visitor {_network(client_ip(request))}"
    return hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256").hex()[:24]


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text  # a socket of this machine
    if isinstance(address, ipaddress.IPv4Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


@cache
def _valkey() -> "redis.Redis":
    # A limiter must never be the slow part: after a quarter of a second it counts as away.
    return connect(settings.CONFIG.redis_url, timeout=0.25, connect_timeout=0.25)
