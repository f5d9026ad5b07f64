"""Our own short links: their address on screen, in a QR code, and as a destination nobody may use."""

import ipaddress
from functools import cache
from urllib.parse import SplitResult

from django.conf import settings


def short_url(code: str) -> str:
    """As shown and copied: https://go.example.com/k7m2p9xq4r"""
    return f"{_base().scheme}://{_base().netloc}/{code}"


def _base() -> SplitResult:
    return settings.CONFIG.short_url


@cache
def own_hosts() -> frozenset[str]:
    """For `check_destination`. A name is ours on every port; an address only on the edge's own port, because
    other programs may live there too."""
    base = _base()
    host = (base.hostname or "").removesuffix(".")
    port = base.port or {"http": 80, "https": 443}[base.scheme]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host != "localhost":
            return frozenset({host})
        address = None
    names = {"127.0.0.1", "[::1]"}
    if address is not None:
        names.add(f"[{address}]" if address.version == 6 else str(address))
    return frozenset(f"{name}:{port}" for name in names)
