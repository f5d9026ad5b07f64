"""How many unknown codes one network may ask for: guessing codes is slow, scanning a printed one never is."""

import ipaddress
from collections import OrderedDict
from typing import Final

WINDOW: Final = 60.0
"""Seconds."""
MAX_PREFIXES: Final = 10_000
"""Networks remembered: about 1.8 MB. Beyond it, the one that has been quiet longest is forgotten."""


class UnknownLimit:
    """Counts per /24 (IPv4) or /48 (IPv6) in fixed windows of a minute, in this worker alone."""

    def __init__(self, limit: int, max_prefixes: int = MAX_PREFIXES) -> None:
        self._limit = limit
        self._max = max_prefixes
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def retry_after(self, ip: str, now: float) -> int:
        """Counts one unknown code. 0 while allowed, else the seconds to wait. `now` is time.monotonic()."""
        if not self._limit:
            return 0
        key = prefix(ip)
        started, count = self._seen.pop(key, (now, 0))
        if now - started >= WINDOW:
            started, count = now, 0
        self._seen[key] = (started, count + 1)
        if len(self._seen) > self._max:
            self._seen.popitem(last=False)
        return 0 if count < self._limit else max(1, int(started + WINDOW - now + 0.999))


def prefix(ip: str) -> str:
    """The network whose hosts count together; what is not an address counts as itself."""
    try:
        parsed = ipaddress.ip_address(ip)
    except ValueError:
        return ip[:64]
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))
