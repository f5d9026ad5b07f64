"""Who is asking, behind a proxy: forwarded headers count only from configured networks (SECURITY.md 7)."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from django.http import HttpRequest

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"})


class ForwardedHeaders:
    """ASGI: sets client and scheme from a trusted proxy's headers, and removes all of them in any case.

    What is behind it reads `REMOTE_ADDR` and `request.scheme`, and has no header left to be fooled by.
    """

    def __init__(self, app: App, trusted: Iterable[str]) -> None:
        self.app = app
        self.trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(part) for part in trusted)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = self.apply(scope)
        await self.app(scope, receive, send)

    def apply(self, scope: Scope) -> Scope:
        forwarded: dict[bytes, str] = {}
        headers = []
        for name, value in scope["headers"]:
            if name in FORWARDED:
                forwarded[name] = value.decode("latin-1")
            elif name not in {b"forwarded", b"x-real-ip"}:
                headers.append((name, value))
        scope = {**scope, "headers": headers}
        client = scope.get("client")
        if client and self.is_trusted(client[0]):
            if found := self.client(forwarded.get(b"x-forwarded-for", "")):
                scope["client"] = (found, 0)
            proto = forwarded.get(b"x-forwarded-proto", "").split(",")[-1].strip().lower()
            if proto in {"http", "https"}:
                scope["scheme"] = proto
        return scope

    def is_trusted(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self.trusted)

    def client(self, header: str) -> str | None:
        """The right-most address that is not one of our proxies: everything left of it could be invented."""
        last = None
        for part in reversed(header.split(",")):
            address = _address(part.strip())
            if address is None:
                return last
            last = str(address)
            if not any(address in network for network in self.trusted):
                return last
        return last


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def client_ip(request: HttpRequest) -> str:
    """The visitor's address, after `ForwardedHeaders`."""
    return request.META.get("REMOTE_ADDR", "") or "0.0.0.0"  # noqa: S104
