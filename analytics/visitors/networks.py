"""Which address ranges belong to crawlers and which to hosting companies.

The ranges come with the `is-crawler` package, which answers only yes or no; here the name of the range and
what kind it is matter, so its file is read directly.
"""

import ipaddress
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple


class Kind(IntEnum):
    """What an address in a range tells. Where ranges overlap the higher kind wins, then the smaller range."""

    RELAY = 0
    """People reach the web through it too (iCloud Private Relay, WARP, a company's proxy): says nothing."""
    HOSTING = 1
    """Servers live here, and people behind a VPN: counts only together with something else."""
    CRAWLER = 2
    """A fetcher's own published range."""


class Network(NamedTuple):
    name: str
    kind: Kind


_RELAYS: Final = frozenset({"cloudflare-v4", "cloudflare-v6", "fastly", "akamai", "zscaler"})
_HOSTING: Final = frozenset(
    {"aws", "azure-public", "google-cloud", "google-goog", "gcp-cloud-nat", "oracle-cloud", "github"}
    | {"linode-akamai", "digitalocean", "vultr", "circleci", "bunnycdn", "imagekit", "imgix", "sentry"}
    # The list is the whole company's network, its cloud included.
    | {"yandexbot"}
)
# A list whose whole content is a parsing accident upstream (checked by hand): believing it would make
# people of 1.0.0.120 bots.
_WRONG: Final = frozenset({"bytespider"})

Range = tuple[int, int, Network]
"""First address, last address, both as integers and inclusive."""


class Networks:
    """Finds the range of an address by bisection over disjoint intervals: about 1 µs."""

    def __init__(self, ranges: Mapping[str, Iterable[str]]) -> None:
        """ranges: name → CIDR blocks or single addresses. What is neither is left out, and so is what is not
        on the public internet: upstream's lists are scraped, and one of them claims 192.168.1.0/24.
        """
        v4: list[Range] = []
        v6: list[Range] = []
        for name, blocks in ranges.items():
            if name in _WRONG:
                continue
            network = Network(name.removesuffix("-v4").removesuffix("-v6"), _kind(name))
            for block in blocks:
                try:
                    parsed = ipaddress.ip_network(block, strict=False)
                except ValueError:
                    continue
                if not parsed.is_global:
                    continue
                first = int(parsed.network_address)
                (v4 if parsed.version == 4 else v6).append((first, first + parsed.num_addresses - 1, network))
        self._v4, self._v6 = _flatten(v4), _flatten(v6)
        self.find = lru_cache(maxsize=65536)(self._find)
        """`find(ip) -> Network | None`. Never raises."""

    def _find(self, ip: str) -> Network | None:
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return None
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        starts, owners = self._v4 if address.version == 4 else self._v6
        at = bisect_right(starts, int(address)) - 1
        return owners[at] if at >= 0 else None


@lru_cache(maxsize=1)
def known_networks() -> Networks:
    """The ranges that come with is-crawler; 0.3 s and 10 MB the first time."""
    text = resources.files("is_crawler").joinpath("crawler-ip-ranges.json").read_text(encoding="utf-8")
    return Networks(json.loads(text))


def _kind(name: str) -> Kind:
    if name in _RELAYS:
        return Kind.RELAY
    return Kind.HOSTING if name in _HOSTING else Kind.CRAWLER


def _flatten(ranges: list[Range]) -> tuple[list[int], list[Network | None]]:
    """Boundaries in order, and who owns the addresses from each boundary to the next (None: nobody).

    CIDR blocks are nested or disjoint, never crossing, so those open at any point form a stack.
    """
    starts: list[int] = []
    owners: list[Network | None] = []
    stack: list[Range] = []

    def mark(at: int) -> None:
        owner = max(stack, key=lambda each: (each[2].kind, each[0] - each[1]))[2] if stack else None
        if starts and starts[-1] == at:
            starts.pop()
            owners.pop()
        if not owners or owners[-1] != owner:
            starts.append(at)
            owners.append(owner)

    for entry in sorted(ranges, key=lambda each: (each[0], -each[1])):
        while stack and stack[-1][1] < entry[0]:
            end = stack.pop()[1]
            mark(end + 1)
        stack.append(entry)
        mark(entry[0])
    while stack:
        end = stack.pop()[1]
        mark(end + 1)
    return starts, owners
