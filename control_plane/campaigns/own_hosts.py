"""The hosts of our own short links: a destination there would lead in a circle."""

import ipaddress
from functools import cache

from django.conf import settings

from control_plane.campaigns.destinations import ascii_host
from control_plane.campaigns.models import Domain


def workspace_hosts() -> frozenset[str]:
    """For `check_destination`: the default domain's, and those of the open workspace's domains."""
    return own_hosts() | frozenset(Domain.objects.filter(deleted_at=None).values_list("host", flat=True))


@cache
def own_hosts() -> frozenset[str]:
    """For `check_destination`. A name is ours on every port; an address only on the edge's own port, because
    other programs may live there too."""
    base = settings.CONFIG.short_url
    host = (base.hostname or "").removesuffix(".")
    port = base.port or {"http": 80, "https": 443}[base.scheme]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host != "localhost":
            return frozenset({ascii_host(host)})  # destinations are compared in punycode
        address = None
    names = {"127.0.0.1", "[::1]"}
    if address is not None:
        names.add(f"[{address}]" if address.version == 6 else str(address))
    return frozenset(f"{name}:{port}" for name in names)
