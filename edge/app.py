"""The edge: a scan of a link in memory is answered in `Edge.answer`, top to bottom. That is the product.

What has to wait (a link that is not in memory, a counter, a password) goes the long way, on the event loop;
what is not a scan goes to a Starlette application.
"""

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import Awaitable
from typing import Final

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

from edge import dispatch
from edge import settings as edge_settings
from edge.answers import Answers
from edge.bridge import through_asgi
from edge.client_address import ClientAddress
from edge.decide import UNAVAILABLE, decide
from edge.domains import Sites
from edge.drain import Drain
from edge.entry import Entry, read
from edge.invalidation import listen
from edge.long_way import LongWay
from edge.metrics import SLOT, Metrics
from edge.pages import Pages
from edge.places import Places
from edge.record import key
from edge.recorder import Recorder
from edge.request import facts_of, placement_of, tidy_placement
from edge.resolver import Resolver, Unavailable
from edge.settings import Settings
from edge.site import PREFIX, SITE_PATHS, site
from edge.spool import SEAL_EVERY, Spool
from edge.valkey import connect

log = logging.getLogger("edge")

METHODS: Final = frozenset({"GET", "HEAD"})

_FAULTS: Final = SLOT["scanway_edge_faults"]


class Edge:
    """The application of one worker, by RSGI: granian's own interface."""

    def __init__(self, settings: Settings) -> None:
        worker = secrets.token_hex(4)
        self.metrics = Metrics(settings.spool, worker)
        self._counters = self.metrics.counters
        self.recorder = Recorder(
            Spool(settings.spool, settings.spool_quota, worker, self._counters), self._counters
        )
        self.valkey = connect(settings.redis_url, primary_url=settings.primary_url, retries=1)
        self._address = ClientAddress(settings.trusted_proxies)
        self._places = Places(settings.geoip_path)
        self._damaged: set[str] = set()
        self._links = Resolver(
            self.valkey.get_many,
            key,
            _read,
            settings.l1_entries,
            self._counters,
            self._damaged.add,
            SLOT["scanway_edge_l1_entries"],
        )
        self._sites = Sites(
            settings.short_host,
            self.valkey.get_many,
            self._counters,
            lambda host: self._damaged.add(f"@{host}"),
        )
        pages = Pages()
        self._answers = Answers(pages)
        self._long_way = LongWay(
            settings, self._links, self._sites, self._answers, self.recorder, self._counters, self._address,
            self._places, self.valkey,
        )  # fmt: skip
        self._site = site(pages, self.metrics, self.recorder.spool, self.valkey, self._sites)
        self._drain = Drain(settings.port)
        self._parent = os.getppid()
        self._tasks: list[asyncio.Task[None]] = []

    def answer(self, scope: Scope, protocol: HTTPProtocol) -> bool:
        """A scan of a link in memory: resolve, decide, record, respond. False leaves it to the loop.

        Runs on granian's own thread (see `edge.dispatch`): it never waits, and touches nothing of the loop's.
        """
        if self._drain.leaving:
            return False
        try:
            started = time.monotonic()
            headers = scope.headers
            host = headers.get("host", "")
            site = self._sites.hot(host, started)
            if site is None:
                return False
            code, placement = scope.path[1:].lower(), ""
            entry = self._links.cached(site.prefix + code, started)
            if entry is None and "/p/" in code:
                code, _, placement = code.partition("/p/")
                placement = tidy_placement(placement)
                entry = self._links.cached(site.prefix + code, started)
            method = scope.method
            if entry is None or entry.asks or method not in METHODS:
                return False

            now_ns = time.time_ns()
            event_id = self.recorder.mint(now_ns)
            record, ip, query = entry.record, self._address(scope), scope.query_string
            if not placement and "p=" in query:
                placement = placement_of(query)
            decision = entry.always
            if decision is None:
                compiled = entry.compiled
                assert compiled is not None
                facts = facts_of(
                    compiled.needs, scope, at_ms=now_ns // 1_000_000, code=code, placement=placement, ip=ip,
                    link_id=record.link_id, event_id=event_id, places=self._places,
                )  # fmt: skip
                decision = decide(record, facts, compiled)

            self.recorder.record(
                event_id, now_ns, record, decision, method, host, code, query, ip, headers, placement, 1
            )
            if entry.always is not None and decision.location is not None:
                protocol.response_empty(decision.status, entry.redirect)
            else:
                self._answers.send(scope, protocol, decision)
            self.recorder.took(started)
        except Exception:
            self._fault(scope, protocol)
        return True

    def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> Awaitable[None]:
        if self._drain.leaving:
            protocol = self._drain.last(protocol)
        path: str = scope.path
        if path in SITE_PATHS or path.startswith(PREFIX):
            return self._operate(scope, path, protocol)
        return self._scan(scope, path, protocol)

    async def _scan(self, scope: Scope, path: str, protocol: HTTPProtocol) -> None:
        try:
            await self._long_way.answer(scope, path, protocol)
        except Exception:
            self._fault(scope, protocol)

    async def _operate(self, scope: Scope, path: str, protocol: HTTPProtocol) -> None:
        try:
            domain = None
            if not path.startswith(PREFIX):
                host = scope.headers.get("host", "")
                try:
                    found = await self._sites.find(host, time.monotonic())
                except Unavailable:
                    return self._answers.send(scope, protocol, UNAVAILABLE)
                if found is None:
                    return self._long_way.refuse_host(protocol)
                domain = found.domain
            await through_asgi(self._site, scope, protocol, {"domain": domain})
        except Exception:
            self._fault(scope, protocol)

    def _fault(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """The last resort: a bug costs one person one retry, and is logged and counted, never silent."""
        self._counters[_FAULTS] += 1
        log.exception("The request for %.100r failed.", scope.path)
        self._answers.send(scope, protocol, UNAVAILABLE)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._drain.install(loop)
        self._links.start(loop)
        self._sites.resolver.start(loop)
        self._tasks = [
            loop.create_task(listen(self.valkey, self._links, self._sites, self._counters)),
            loop.create_task(self._tick()),
        ]

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self.close())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SEAL_EVERY)
            self.recorder.tick()
            self._sites.tick()
            await self._long_way.report(self._damaged)
            if os.getppid() != self._parent:
                # Whoever started this worker is gone: without it nobody would ever stop us.
                os.kill(os.getpid(), signal.SIGINT)
                return

    async def close(self) -> None:
        """Seals the segment and leaves. Safe to call without a start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._links.close()
        await self._sites.resolver.close()
        await asyncio.to_thread(self.recorder.close)
        self.metrics.close()
        await self.valkey.aclose()


def create() -> Edge:
    """The application as each worker makes it, from the environment. Raises SettingError."""
    configure_logging()
    edge = Edge(edge_settings.from_env())
    dispatch.install(edge.answer)
    return edge


def configure_logging() -> None:
    """`LEVEL area: sentence` on stderr."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)


def _read(value: bytes, name: str, due: float) -> Entry:
    return Entry(read(value), due)
