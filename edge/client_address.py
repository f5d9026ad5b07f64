"""Who is asking: the socket's address, or what a trusted proxy says about it."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from granian.rsgi import Scope

from edge.settings import Network

# A chain longer than this is not a chain of proxies.
_MAX_HOPS = 32


class ClientAddress:
    """Reads the client's address. Forwarding headers count only from the configured proxies."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._networks = tuple(trusted)
        self._direct = not trusted
        self._trusted = lru_cache(maxsize=4096)(self._is_trusted)

    def of(self, scope: Scope) -> str:
        """The right-most address of the chain that is not a trusted proxy; at worst the peer itself.

        '' for a socket that has no address.
        """
        peer: str = scope.client.rpartition(":")[0]
        if ":" in peer:
            peer = plain(peer)
        if self._direct or not self._trusted(peer):
            return peer
        client = peer
        for hop in reversed(chain(scope.headers.items())):
            if hop is None:
                break  # what is left of an unreadable hop was written by somebody nobody vouches for
            client = hop
            if not self._trusted(hop):
                break
        return client

    def is_https(self, scope: Scope) -> bool:
        """Whether the visitor came by https, to us or to a trusted proxy that says so."""
        if scope.scheme == "https":
            return True
        peer: str = scope.client.rpartition(":")[0]
        if self._direct or not self._trusted(plain(peer) if ":" in peer else peer):
            return False
        return bool(scope.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https")

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks if network.version == parsed.version)


def chain(headers: list[tuple[str, str]]) -> list[str | None]:
    """The addresses in X-Forwarded-For, or where that is missing in Forwarded (RFC 7239), left to right.

    None stands for a hop that is not an address. X-Forwarded-For wins because every common proxy sets it;
    a proxy that sets only Forwarded must remove a client's X-Forwarded-For.
    """
    listed = [hop for name, line in headers if name == "x-forwarded-for" for hop in line.split(",")]
    if listed:
        return [address(hop) for hop in listed[-_MAX_HOPS:]]
    forwarded = [hop for name, line in headers if name == "forwarded" for hop in line.split(",")]
    return [_forwarded_for(hop) for hop in forwarded[-_MAX_HOPS:]]


def _forwarded_for(element: str) -> str | None:
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return address(value.strip().strip('"'))
    return None


def address(text: str) -> str | None:
    """An IP address in its shortest form, from `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]` or `[::1]:567`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.scope_id:
            return None
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
    return str(parsed)


def plain(peer: str) -> str:
    """Without brackets; an IPv4 client of a socket that also takes IPv6 shows as ::ffff:1.2.3.4."""
    peer = peer.removeprefix("[").removesuffix("]")
    return peer[7:] if peer.startswith("::ffff:") and "." in peer else peer
