"""Which short domain a request is for: the default one, a workspace's own, or none of ours."""

import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Final

from edge.entry import Entry, check_url
from edge.record import NOBODY, Domain, Record, RecordError, decode_domain, domain_key
from edge.resolver import Kept, Resolver
from edge.valkey import Value

MAX_DOMAINS: Final = 10_000
MAX_SPELLINGS: Final = 20_000
"""Host headers remembered as sent: one domain has several (upper case, port, a dot at the end)."""
MAX_HOST: Final = 255


class Site(Kept):
    """A short domain as the edge answers for it."""

    __slots__ = ("domain", "host", "nobody", "prefix")

    def __init__(self, host: str, domain: Domain | None, due: float) -> None:
        super().__init__(due)
        self.host = host
        """Lower case, no port; '' for the default domain."""
        self.prefix = f"{host}/" if host else ""
        """What stands before a code in a link's name."""
        self.domain = domain
        self.nobody = Entry(NOBODY if domain is None else Record(domain.workspace_id, 0, ""), 0.0)
        """Stands in for the link of an unknown code: on a workspace's domain it is that workspace's scan."""


DEFAULT: Final = Site("", None, float("inf"))


class Sites:
    """From Host headers to sites. `hot` may run on any thread, the rest on the event loop."""

    def __init__(
        self,
        default_host: str,
        get_many: Callable[[list[str]], Awaitable[list[Value]]],
        counters: memoryview,
        damaged: Callable[[str], None] = lambda name: None,
    ) -> None:
        """`default_host`: of the default domain; '' takes every host that is no workspace's own for it."""
        self._default = default_host.lower()
        self.resolver = Resolver(get_many, domain_key, _read, MAX_DOMAINS, counters, damaged)
        self._spelt: dict[str, str] = {}

    def hot(self, header: str, now: float) -> Site | None:
        """The site of a Host header seen before, else None. `now` is time.monotonic()."""
        host = self._spelt.get(header)
        if host is None:
            return None
        return DEFAULT if host == "" else self.resolver.cached(host, now)

    async def find(self, header: str, now: float) -> Site | None:
        """The site of any Host header; None where it is none of ours. Raises Unavailable."""
        host = bare(header)
        if host == self._default or _is_local(host):
            return self._remember(header, DEFAULT)
        site = self.resolver.cached(host, now) or await self.resolver.fetch(host, now)
        if site is None:
            return None if self._default else self._remember(header, DEFAULT)
        return self._remember(header, site)

    async def has_certificate(self, host: str) -> bool:
        """Whether a certificate may be asked for it: one of our domains. Raises Unavailable."""
        host = bare(host)
        if not host or _is_local(host):
            return False
        if host == self._default:
            return True
        now = time.monotonic()
        return (self.resolver.cached(host, now) or await self.resolver.fetch(host, now)) is not None

    def invalidate(self, host: str) -> None:
        """The domain was added, edited or removed."""
        self._spelt.clear()
        self.resolver.invalidate(host)

    def expire_all(self) -> None:
        """Invalidations may have been missed."""
        self._spelt.clear()
        self.resolver.expire_all()

    def tick(self) -> None:
        """Every second. Where any host will do, one that was nobody's may have become somebody's."""
        if not self._default:
            self._spelt.clear()

    def _remember(self, header: str, site: Site) -> Site:
        if len(self._spelt) >= MAX_SPELLINGS:
            self._spelt.clear()
        if len(header) <= MAX_HOST:
            self._spelt[header] = site.host
        return site


def bare(header: str) -> str:
    """The host in lower case, without port and the root's dot."""
    host = header[:MAX_HOST].strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_local(host: str) -> bool:
    """An address, or this machine's own name: phones on the same network, health checks. Nobody's domain."""
    if host in ("", "localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _read(value: bytes, host: str, due: float) -> Site:
    domain = decode_domain(value)
    for url in (domain.root, domain.not_found):
        if url:
            check_url(url)
    if domain.workspace_id < 0:
        raise RecordError("This record has a negative id.")
    return Site(host, domain, due)
