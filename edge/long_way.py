"""A scan that cannot be answered at once: its link is not in memory, is counted, or asks for a password; and
the other forms of a code. On the event loop. The steps are the short way's."""

import asyncio
import logging
import re
import time
from typing import Any, Final, NamedTuple

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]
from redis.exceptions import RedisError

from analytics.events import Reason
from edge import password as passwords
from edge.answers import Answers, plain
from edge.client_address import ClientAddress
from edge.conditions import NUMBER, VISITOR
from edge.counter import Counter
from edge.decide import LOCKED, PREVIEW, UNAVAILABLE, UNKNOWN, Compiled, Decision, decide, refusal
from edge.domains import Site, Sites
from edge.entry import Entry
from edge.facts import Facts
from edge.gs1 import Gs1Error, parse
from edge.metrics import SLOT
from edge.password_form import PasswordForm
from edge.places import Places
from edge.record import DAMAGED_KEY
from edge.recorder import Recorder
from edge.request import facts_of, looks_like_a_robot, placement_of, tidy_placement
from edge.resolver import Resolver, Unavailable
from edge.settings import Settings
from edge.unknown_limit import UnknownLimit
from edge.valkey import Valkey
from edge.visit import MAX_CODE, NOBODY

log = logging.getLogger("edge")

# What may be asked of Valkey: the alphabet of edge.code without its rule on hyphens.
_asks: Final = re.compile(r"[a-z0-9-]{1,64}").fullmatch

_REPORT: Final = "return redis.call('SADD', KEYS[1], unpack(ARGV))"

_LIMITED: Final = SLOT["scanway_edge_limited"]
_FOREIGN: Final = SLOT["scanway_edge_foreign_hosts"]


class Asked(NamedTuple):
    """What a path asks for."""

    names: tuple[str, ...]
    """Links that may answer, the most specific first; without the domain."""
    code: str
    """As it is recorded."""
    placement: str = ""
    preview: bool = False


class LongWay:
    """One per worker."""

    def __init__(
        self,
        settings: Settings,
        links: Resolver[Entry],
        sites: Sites,
        answers: Answers,
        recorder: Recorder,
        counters: memoryview,
        address: ClientAddress,
        places: Places,
        valkey: Valkey,
    ) -> None:
        self._links = links
        self._sites = sites
        self._answers = answers
        self._recorder = recorder
        self._counters = counters
        self._address = address
        self._places = places
        self._valkey = valkey
        self._counter = Counter(valkey.run_script, counters)
        self._limit = UnknownLimit(settings.unknown_limit)
        self._form = PasswordForm(answers, address)

    async def answer(self, scope: Scope, path: str, protocol: HTTPProtocol) -> None:
        started, method = time.monotonic(), scope.method
        if method not in ("GET", "HEAD", "POST"):
            return plain(protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
        headers = scope.headers
        host = headers.get("host", "")
        asked = read_path(path, scope.query_string)
        entry, decision = None, UNKNOWN
        hit = 0
        try:
            site = await self._sites.find(host, started)
            if site is None:
                return self.refuse_host(protocol)
            if asked is not None:
                entry, hit = await self._resolve(site, asked, started)
        except Unavailable:
            site, decision = None, UNAVAILABLE

        now_ns = time.time_ns()
        event_id, ip = self._recorder.mint(now_ns), self._address(scope)
        destination = None
        if entry is not None and asked is not None:
            if method == "POST":
                return await self._form.post(scope, protocol, entry.record, started)
            decision = refusal(entry.record, now_ns // 1_000_000) or UNKNOWN
            if decision is UNKNOWN:
                decision = await self._decide(scope, entry, asked, now_ns, event_id, ip)
            if asked.preview:
                destination, decision = _preview(entry, decision)
        elif method == "POST":
            return plain(protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
        elif decision is UNKNOWN:
            wait = self._limit.retry_after(ip, started)
            if wait:
                self._counters[_LIMITED] += 1
                return plain(protocol, 429, "Too many.\n", ("retry-after", str(wait)))
            if site is not None and site.domain is not None and site.domain.not_found:
                decision = Decision(Reason.UNKNOWN, 302, site.domain.not_found)

        record = NOBODY if entry is None else entry.record
        if entry is None and site is not None and site.domain is not None:
            record = site.nobody
        code = path[1 : 1 + MAX_CODE].lower() if asked is None else asked.code
        placement = "" if asked is None else asked.placement
        self._recorder.record(
            event_id,
            now_ns,
            record,
            decision,
            method,
            host,
            code,
            scope.query_string,
            ip,
            headers,
            placement,
            hit,
        )
        if asked is not None and asked.preview and entry is not None:
            self._answers.preview(scope, protocol, f"{host}/{asked.code}", destination, decision)
        else:
            self._answers.send(scope, protocol, decision)
        self._recorder.took(started)

    def refuse_host(self, protocol: HTTPProtocol) -> None:
        """A host that is none of ours gets nothing that looks like us."""
        self._counters[_FOREIGN] += 1
        plain(protocol, 404, "There are no short links at this address.\n")

    async def _resolve(self, site: Site, asked: Asked, now: float) -> tuple[Entry | None, int]:
        """The most specific link there is, and 1 where it was in memory. Raises Unavailable."""
        names = [site.prefix + name for name in asked.names]
        found: list[Entry | None] = [self._links.cached(name, now) for name in names]
        if found[0] is not None:
            return found[0], 1
        # All at once: they share one question.
        missing = [name for name, entry in zip(names, found, strict=True) if entry is None]
        fetched = dict(zip(missing, await self._fetch(missing, now), strict=True))
        for name, entry in zip(names, found, strict=True):
            best = entry or fetched.get(name)
            if best is not None:
                return best, int(entry is not None)
        return None, 0

    async def _fetch(self, names: list[str], now: float) -> list[Entry | None]:
        if len(names) == 1:
            return [await self._links.fetch(names[0], now)]
        return list(await asyncio.gather(*(self._links.fetch(name, now) for name in names)))

    async def _decide(
        self, scope: Scope, entry: Entry, asked: Asked, now_ns: int, event_id: bytes, ip: str
    ) -> Decision:
        """The link is active and in its time. Counts the scan where the link is counted."""
        if entry.always is not None:
            return entry.always
        record, compiled = entry.record, entry.compiled
        assert compiled is not None
        header = scope.headers.get
        unlocked = bool(record.password) and passwords.unlocked(
            passwords.read_cookie(header("cookie", ""), record.link_id),
            record.password,
            record.link_id,
            now_ns // 1_000_000_000,
        )
        known: dict[str, Any] = {"unlocked": unlocked}

        def facts() -> Facts:
            return facts_of(
                compiled.needs, scope, at_ms=now_ns // 1_000_000, code=asked.code, placement=asked.placement,
                ip=ip, link_id=record.link_id, event_id=event_id, places=self._places, **known,
            )  # fmt: skip

        locked = record.password and decide(record, facts(), compiled).reason is Reason.PASSWORD
        if entry.asks and not locked:
            number, visitor = compiled.needs & NUMBER != 0, compiled.needs & VISITOR != 0
            if asked.preview or (number and looks_like_a_robot(scope)):
                # A preview or a robot uses up no scan, and is not told where a limited link leads.
                return PREVIEW if record.max_scans else decide(record, facts(), compiled)
            if number or visitor:
                known["scan_number"], known["is_new"] = await self._counter.count(
                    record.link_id, record.workspace_id, now_ns // 1_000_000, ip, header("user-agent", ""),
                    number=number, visitor=visitor,
                )  # fmt: skip
            if record.max_scans and known["scan_number"] is None:
                return UNAVAILABLE
        return decide(record, facts(), compiled)

    async def report(self, damaged: set[str]) -> None:
        """Tells the control plane which records could not be read, so that it publishes them again."""
        if not damaged:
            return
        names = sorted(damaged)[:100]
        try:
            await self._valkey.run_script(_REPORT, [DAMAGED_KEY], names)
        except (RedisError, OSError):
            return  # it will be tried again: a damaged record is met again
        damaged.difference_update(names)


def read_path(path: str, query_string: str) -> Asked | None:
    """None for a path that can be no link. Pure."""
    placement = placement_of(query_string) if "p=" in query_string else ""
    try:
        product = parse(path.removesuffix("+"))
    except Gs1Error:
        return None
    if product is not None:
        return Asked(product.names(), product.name[:MAX_CODE], placement, path.endswith("+"))
    code = path[1:].lower()
    preview = code.endswith("+")
    code, found, place = code.removesuffix("+").rstrip("/").partition("/p/")
    if not _asks(code):
        return None
    return Asked((code,), code, tidy_placement(place) if found else placement, preview)


def _preview(entry: Entry, decision: Decision) -> tuple[str | None, Decision]:
    """Where it leads, None where the page must not say, and the decision that is recorded."""
    record = entry.record
    if decision.reason is Reason.OK:
        hidden = bool(record.max_scans) or (entry.compiled is not None and _guarded(entry.compiled, decision))
        return (None if hidden else decision.location), PREVIEW
    if decision in (PREVIEW, LOCKED) or decision.reason in (Reason.PASSWORD, Reason.NOTICE):
        return None, PREVIEW
    return None, decision


def _guarded(compiled: Compiled, decision: Decision) -> bool:
    return compiled.whole_password and decision.rule == 0
