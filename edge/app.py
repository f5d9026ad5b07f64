"""The edge: a scan of a link in memory is answered in `Edge.answer`, top to bottom. That is the product.

What has to wait (a link that is not in memory, a counter, a password) goes the long way, on the event loop;
what is not a scan goes to a Starlette application.
"""

import asyncio
import gc
import logging
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from time import monotonic, time_ns
from typing import Any, Final

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

from edge import busfault, dispatch
from edge import settings as edge_settings
from edge.answers import Answers
from edge.bridge import through_asgi
from edge.client_address import ClientAddress
from edge.decide import UNAVAILABLE, decide
from edge.domains import Site, Sites
from edge.drain import Drain
from edge.entry import UNREACHABLE, Entry, read
from edge.event_id import Mint
from edge.invalidation import listen
from edge.log import configure_logging
from edge.long_way import LongWay, asks
from edge.metrics import SLOT, Metrics
from edge.pages import Pages
from edge.places import Places
from edge.record import key
from edge.recorder import Recorder
from edge.request import facts_of, placed
from edge.resolver import Resolver, Unavailable
from edge.settings import Settings
from edge.site import PREFIX, SITE_PATHS, site
from edge.spool import SEAL_EVERY, Spool
from edge.valkey import connect
from edge.visit import Visit, encode_visit

log = logging.getLogger("edge")

ByLoop = Callable[[Any], None]

# Compiled, names of this module's own need no looking up.
_now: Final = monotonic
_now_ns: Final = time_ns

SWITCH_INTERVAL: Final = 0.001
"""Seconds until a thread that computes gives way to another. A scan would wait Python's own 5 ms while the
loop reads Valkey's answers; a tenth of this costs 14 % of the throughput of links that are not in memory."""
GC_THRESHOLDS: Final = (100_000, 10, 10)
"""Links come and go without cycles, so Python's own 700 objects between two searches for cycles cost 14 % of
that throughput for nothing, and a p99 of 34 ms where this has 9."""

METHODS: Final = frozenset({"GET", "HEAD"})

_OURS: Final = frozenset(path[1:] for path in SITE_PATHS)
_FAULTS: Final = SLOT["scanway_edge_faults"]


class Edge:
    """The application of one worker, by RSGI: granian's own interface."""

    def __init__(self, settings: Settings) -> None:
        worker = secrets.token_hex(4)
        self.metrics = Metrics(settings.spool, worker)
        if self.metrics.error is not None:
            log.error("The counters of this worker are its own alone (%s).", self.metrics.error)
        self._counters = self.metrics.counters
        self.recorder = Recorder(
            Spool(settings.spool, settings.spool_quota, worker, self._counters), self._counters
        )
        self.valkey = connect(settings.redis_url, primary_url=settings.primary_url, retries=1)
        self._address = ClientAddress(settings.trusted_proxies)
        self._places = Places(settings.geoip_path)
        self._mint = Mint()
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
            self._places, self._mint, self.valkey,
        )  # fmt: skip
        self._site = site(pages, self.metrics, self.recorder.spool, self.valkey, self._sites)
        self._drain = Drain(settings.port)
        self._parent = os.getppid()
        self._listening: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None

    def answer(self, watcher: Any, by_loop: ByLoop) -> None:
        """A scan of a link in memory: resolve, decide, record, respond. The product.

        It runs on granian's own thread (see `edge.dispatch`): it never waits, and touches nothing of the
        loop's. A link that leads everybody to one address is answered here, from local names: to make an
        object of them would cost a tenth of the whole answer.
        """
        scope, protocol, started = watcher.scope, watcher.proto, _now()
        try:
            header, method = scope.headers.get, scope.method
            query: str = scope.query_string
            host, placement = header("host", ""), ""
            site = self._sites.hot(host, started)
            if site is None or method not in METHODS or self._drain.leaving:
                return by_loop(watcher)
            path: str = scope.path
            code = path[1:].lower()
            if "/" in code or "p=" in query:
                if code.startswith("01/") or code.endswith(("/", "+")):
                    return by_loop(watcher)  # a product, or a preview
                code, placement = placed(code, query)
            entry = self._links.cached(site.prefix + code, started)
            decision = None if entry is None else entry.always
            if entry is None or decision is None or decision.headers is None:
                visit = Visit(scope, protocol, started, header, host, method, query, code, placement)
                return self._answer_otherwise(visit, entry, site, watcher, by_loop)

            now_ns, ip = _now_ns(), self._address.of(scope)
            event_id = self._mint.event_id(now_ns)
            payload = encode_visit(
                event_id, now_ns, entry, decision, method, host, code, query, ip,
                header("user-agent", ""), header("accept-language", ""), header, placement,
            )  # fmt: skip
            self.recorder.put(payload, decision.reason, started)
            protocol.response_empty(decision.status, decision.headers)
        except Exception:
            self._fault(scope, protocol)
        watcher.done()
        return None

    def _answer_otherwise(
        self, visit: Visit, entry: Entry | None, site: Site, watcher: Any, by_loop: ByLoop
    ) -> None:
        """A link with rules, a page, or a link that is not in memory."""
        if entry is None:
            return self._ask_valkey(visit, site, watcher, by_loop)
        if entry.asks:
            return by_loop(watcher)
        self._respond(visit, entry)
        watcher.done()
        return None

    def _respond(self, visit: Visit, entry: Entry) -> None:
        """Decide, record, respond."""
        visit.arrived(self._mint, self._address)
        decision = entry.always
        if decision is None:
            needs = entry.compiled.needs
            facts = facts_of(needs, visit, entry.link_id, self._places)
            decision = decide(entry.record, facts, entry.compiled)
        self.recorder.record(visit, entry, decision)
        if decision.headers is not None:
            visit.protocol.response_empty(decision.status, decision.headers)
        else:
            self._answers.send(visit, decision)

    def _ask_valkey(self, visit: Visit, site: Site, watcher: Any, by_loop: ByLoop) -> None:
        """A link that is not in memory is answered when Valkey's answer has come, without a task."""
        if not asks(visit.code) or visit.code in _OURS:
            return by_loop(watcher)

        def then(entry: Entry | Unavailable | None) -> None:
            if entry is None or (isinstance(entry, Entry) and entry.asks):
                return by_loop(watcher)
            try:
                self._respond(visit, UNREACHABLE if isinstance(entry, Unavailable) else entry)
            except Exception:
                self._fault(visit.scope, visit.protocol)
            watcher.done()
            return None

        self._links.later(site.prefix + visit.code, then)
        return None

    def __rsgi__(self, scope: Scope, protocol: Any) -> Awaitable[None]:
        if self._drain.leaving:
            protocol = self._drain.last(protocol)
        return self._answer_by_loop(scope, scope.path, protocol)

    async def _answer_by_loop(self, scope: Scope, path: str, protocol: HTTPProtocol) -> None:
        try:
            if path in SITE_PATHS or path.startswith(PREFIX):
                await self._operate(scope, path, protocol)
            else:
                await self._long_way.answer(Visit.read(scope, protocol), path)
        except Exception:
            self._fault(scope, protocol)

    async def _operate(self, scope: Scope, path: str, protocol: HTTPProtocol) -> None:
        domain = None
        if not path.startswith(PREFIX):
            host = scope.headers.get("host", "")
            try:
                found = await self._sites.find(host, monotonic())
            except Unavailable:
                return self._answers.send(Visit.read(scope, protocol), UNAVAILABLE)
            if found is None:
                return self._long_way.refuse_host(scope, protocol)
            domain = found.domain
        await through_asgi(self._site, scope, protocol, {"domain": domain})

    def _fault(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """The last resort: a bug costs one person one retry, and is logged and counted, never silent."""
        self._counters[_FAULTS] += 1
        log.exception("The request for %.100r failed.", scope.path)
        try:
            self._answers.send(Visit.read(scope, protocol), UNAVAILABLE)
        except Exception:
            log.exception("There is no way to answer it.")

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._drain.install(loop)
        self._links.start(loop)
        self._sites.resolver.start(loop)
        self._listen(loop)
        self._ticking = loop.create_task(self._tick())

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        hearing = listen(self.valkey, self._links, self._sites, self._counters)
        self._listening = loop.create_task(hearing)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self.close())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SEAL_EVERY)
            try:
                self.recorder.tick()
                self._sites.tick()
                await self._long_way.report(self._damaged)
                if self._listening is not None and self._listening.done():
                    self._counters[_FAULTS] += 1
                    log.error("Edits were not heard any more.", exc_info=self._listening.exception())
                    self._listen(asyncio.get_running_loop())
            except Exception:
                # A thread that could not be started, say. The next second tries again.
                self._counters[_FAULTS] += 1
                log.exception("What is done every second failed.")
            if os.getppid() != self._parent:
                # Whoever started this worker is gone: without it nobody would ever stop us.
                os.kill(os.getpid(), signal.SIGINT)
                return

    async def close(self) -> None:
        """Seals the segment and leaves. Safe to call without a start."""
        tasks = [task for task in (self._ticking, self._listening) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._links.close()
        await self._sites.resolver.close()
        await asyncio.to_thread(self.recorder.close)
        self.metrics.close()
        await self.valkey.aclose()


def create() -> Edge:
    """The application as each worker makes it, from the environment. Raises SettingError."""
    configure_logging()
    sys.setswitchinterval(SWITCH_INTERVAL)
    busfault.install()
    edge = Edge(edge_settings.from_env())
    dispatch.install(edge.answer)
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()
    return edge


def _read(value: bytes, name: str, due: float) -> Entry:
    return Entry(read(value), due)
