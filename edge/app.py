"""The edge: a short path for codes, in front of a Starlette application for everything a person reads."""

import asyncio
import logging
import os
import re
import secrets
import signal
import time
from collections.abc import Awaitable
from typing import Final

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from edge import settings as edge_settings
from edge.bridge import through_asgi
from edge.client_address import ClientAddress
from edge.decide import UNAVAILABLE, UNKNOWN, Decision, decide
from edge.entry import Entry
from edge.event_id import Mint
from edge.invalidation import listen
from edge.metrics import REASON_SLOT, SLOT, Metrics
from edge.pages import Pages
from edge.resolver import Resolver, Unavailable
from edge.settings import Settings
from edge.site import PREFIX, SITE_PATHS, site
from edge.spool import SEAL_EVERY, Spool
from edge.unknown_limit import UnknownLimit
from edge.visit import MAX_CODE, NOBODY, encode_visit

log = logging.getLogger("edge")

# What may be asked of Valkey: the alphabet of edge.code without its rule on hyphens.
_asks: Final = re.compile(r"[a-z0-9-]{1,64}").fullmatch

METHODS: Final = frozenset({"GET", "HEAD"})

_LIMITED: Final = SLOT["scanway_edge_limited"]
_FAULTS: Final = SLOT["scanway_edge_faults"]
_PLAIN: Final = (
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
    ("x-content-type-options", "nosniff"),
)

# A miss on a Valkey that hangs is answered 503 after at most two tries of these, in seconds.
CONNECT_TIMEOUT: Final = 0.2
READ_TIMEOUT: Final = 0.3


class Edge:
    """The application of one worker, by RSGI: granian's own interface."""

    def __init__(self, settings: Settings) -> None:
        worker = secrets.token_hex(4)
        self.metrics = Metrics(settings.spool, worker)
        self._counters = self.metrics.counters
        self.spool = Spool(settings.spool, settings.spool_quota, worker, self._counters)
        self.valkey = _client(settings.redis_url, retries=1)
        self._subscriber = _client(settings.redis_url, retries=0)
        self._resolver = Resolver(self.valkey, settings.l1_entries, self._counters)
        self._address = ClientAddress(settings.trusted_proxies)
        self._limit = UnknownLimit(settings.unknown_limit)
        self._mint = Mint()
        self._pages = Pages()
        self._site = site(self._pages, self.metrics, self.spool, self.valkey)
        self._parent = os.getppid()
        self._tasks: list[asyncio.Task[None]] = []

    def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> Awaitable[None]:
        # Not itself a coroutine: every scan would pay for awaiting one more of them.
        path: str = scope.path
        if path in SITE_PATHS or path.startswith(PREFIX):
            return self._operate(scope, protocol)
        return self._scan(scope, path, protocol)

    async def _scan(self, scope: Scope, path: str, protocol: HTTPProtocol) -> None:
        """A scan: resolve, decide, record, respond."""
        try:
            if scope.method not in METHODS:
                return _plain(protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
            code = path[1:].lower()
            now = time.monotonic()
            entry = self._resolver.cached(code, now)
            if entry is None:
                code = code.rstrip("/")
                entry, decision = await self._resolve(code, now)
                if decision is UNKNOWN:
                    wait = self._limit.retry_after(self._address(scope), now)
                    if wait:
                        self._counters[_LIMITED] += 1
                        return _plain(protocol, 429, "Too many.\n", ("retry-after", str(wait)))
                code, now_ns = code[:MAX_CODE], time.time_ns()
            else:
                now_ns = time.time_ns()
                decision = entry.always or decide(entry.record, now_ns // 1_000_000)

            record = NOBODY if entry is None else entry.record
            event_id = self._mint(now_ns)
            ip = self._address(scope)
            self.spool.append(encode_visit(event_id, now_ns, record, decision, scope, code, ip))
            self._counters[REASON_SLOT[decision.reason]] += 1

            if entry is not None and decision.location is not None:
                protocol.response_empty(decision.status, entry.redirect)
            else:
                self._send_page(scope, protocol, decision)
        except Exception:
            self._fault(scope, protocol)

    async def _resolve(self, code: str, now: float) -> tuple[Entry | None, Decision]:
        """The way of a code that is not in memory."""
        if not _asks(code):
            return None, UNKNOWN
        try:
            entry = await self._resolver.fetch(code, now)
        except Unavailable:
            return None, UNAVAILABLE
        if entry is None:
            return None, UNKNOWN
        return entry, decide(entry.record, time.time_ns() // 1_000_000)

    async def _operate(self, scope: Scope, protocol: HTTPProtocol) -> None:
        try:
            await through_asgi(self._site, scope, protocol)
        except Exception:
            self._fault(scope, protocol)

    def _send_page(self, scope: Scope, protocol: HTTPProtocol, decision: Decision) -> None:
        language = scope.headers.get("accept-language", "")
        status, headers, body = self._pages.refusal(decision, language)
        protocol.response_bytes(status, headers, b"" if scope.method == "HEAD" else body)

    def _fault(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """The last resort: a bug costs one person one retry, and is logged and counted, never silent."""
        self._counters[_FAULTS] += 1
        log.exception("The request for %.100r failed.", scope.path)
        self._send_page(scope, protocol, UNAVAILABLE)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tasks = [
            loop.create_task(listen(self._subscriber, self._resolver, self._counters)),
            loop.create_task(self._tick()),
        ]

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self.close())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SEAL_EVERY)
            self.spool.tick()
            if os.getppid() != self._parent:
                # Whoever started this worker is gone: without it nobody would ever stop us.
                os.kill(os.getpid(), signal.SIGTERM)
                return

    async def close(self) -> None:
        """Seals the segment and leaves. Safe to call without a start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._resolver.close()
        await asyncio.to_thread(self.spool.close)
        self.metrics.close()
        await self.valkey.aclose()
        await self._subscriber.aclose()


def create() -> Edge:
    """The application as each worker makes it, from the environment. Raises SettingError."""
    configure_logging()
    return Edge(edge_settings.from_env())


def configure_logging() -> None:
    """`LEVEL area: sentence` on stderr."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)


def _client(url: str, retries: int) -> Redis:
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=READ_TIMEOUT,
        retry=Retry(NoBackoff(), retries),
    )


def _plain(protocol: HTTPProtocol, status: int, text: str, header: tuple[str, str]) -> None:
    protocol.response_str(status, [*_PLAIN, header], text)
