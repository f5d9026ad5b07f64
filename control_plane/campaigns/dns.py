"""Does a domain lead here? By this machine's resolver: its addresses and ours must overlap."""

import ipaddress
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from control_plane.campaigns.errors import InvalidDomain

SECONDS: Final = 5.0
"""A resolver without an answer would keep the page for half a minute."""
KEPT: Final = 60.0
"""Seconds for which our own addresses are not asked for again."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: an IPv4 address is in the last four bytes."""

_known: dict[str, tuple[float, set[str]]] = {}
"""Our own host → until when, and its addresses."""


def check_leads_here(host: str, short_host: str) -> None:
    """`host` and `short_host` in punycode. Raises InvalidDomain(host, sentence)."""
    # Both at once: the page, and its connection to PostgreSQL, wait for the slower one.
    with ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(lambda ask: ask(), (partial(_addresses, host), partial(_ours, short_host)))
    if not ours:
        raise InvalidDomain(
            "host",
            f"This machine cannot find its own short domain {short_host} in the DNS just now, so it cannot "
            "compare. Try again in a minute.",
        )
    if not theirs:
        raise InvalidDomain(
            "host",
            f"{host} is not in the DNS yet. {_advice(short_host, ours)} Then wait until it is known, and "
            "check again.",
        )
    if not theirs & ours:
        raise InvalidDomain(
            "host",
            f"{host} leads to {_listed(_public(theirs))}, not here. {_advice(short_host, ours)} A change "
            "takes as long as the old record's time to live, often an hour.",
        )


def _advice(short_host: str, ours: set[str]) -> str:
    if short_host in ours:
        return f"At your DNS provider, add an A or AAAA record with {_listed(ours)}."
    return (
        f"At your DNS provider, add a CNAME record to {short_host}, or A and AAAA records with "
        f"{_listed(ours)}."
    )


def _listed(addresses: set[str]) -> str:
    shown = sorted(addresses)[:3]
    return " and ".join(shown) if len(addresses) <= 3 else ", ".join(shown) + " and others"


def _public(addresses: set[str]) -> set[str]:
    """What may be said of a host that anybody may ask about: no address that only an internal DNS knows."""
    return {text if _is_public(text) else "a private address" for text in addresses}


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if address in _NAT64:
        address = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.is_global


def _ours(short_host: str) -> set[str]:
    until, found = _known.get(short_host, (0.0, set()))
    if not found or until < time.monotonic():
        found = _addresses(short_host)
        _known[short_host] = time.monotonic() + KEPT, found
    return found


def _addresses(host: str) -> set[str]:
    """Empty where there are none, or no answer within 5 seconds."""
    found: set[str] = set()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.update(str(sockaddr[0]) for *_, sockaddr in answers)

    # getaddrinfo has no timeout of its own. A thread that is late ends by itself, and its answer is not read.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return set(found) if not thread.is_alive() else set()
