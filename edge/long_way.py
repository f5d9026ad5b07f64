"""A scan that cannot be answered at once: its link is not in memory, is counted, or asks for a password; and
the other forms of a code. On the event loop. The steps are the short way's."""

import asyncio
import logging
import re
from typing import Any, Final, NamedTuple

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]
from redis.exceptions import RedisError

from analytics.events import Reason
from edge import password as passwords
from edge.answers import Answers, plain
from edge.client_address import ClientAddress
from edge.conditions import NUMBER, VISITOR
from edge.counter import Counter
from edge.decide import PREVIEW, UNAVAILABLE, UNKNOWN, Decision, decide, refusal
from edge.domains import Site, Sites
from edge.entry import UNREACHABLE, Entry
from edge.event_id import Mint
from edge.gs1 import Gs1Error, parse
from edge.metrics import SLOT
from edge.password_form import PasswordForm
from edge.places import Places
from edge.record import DAMAGED_KEY, Record
from edge.recorder import Recorder
from edge.request import facts_of, looks_like_a_robot, placed
from edge.resolver import Resolver, Unavailable
from edge.settings import Settings
from edge.unknown_limit import UnknownLimit
from edge.valkey import Valkey
from edge.visit import MAX_CODE, Visit

log = logging.getLogger("edge")

_pass: Final = re.compile(r"/[tT]/([A-Za-z2-7]{1,200})/?").fullmatch
"""The printed form of a pass, edge.token.link."""

asks: Final = re.compile(r"[a-z0-9-]{1,64}").fullmatch
"""Whether a code may be asked of Valkey: the alphabet of edge.code without its rule on hyphens."""

_REPORT: Final = "return redis.call('SADD', KEYS[1], unpack(ARGV))"

SHOWN: Final = frozenset({Reason.OK, Reason.PASSWORD, Reason.NOTICE, Reason.PREVIEW})
"""What a preview can say more of than the scan's own page does."""

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
        mint: Mint,
        valkey: Valkey,
    ) -> None:
        self._links = links
        self._sites = sites
        self._answers = answers
        self._recorder = recorder
        self._counters = counters
        self._address = address
        self._places = places
        self._mint = mint
        self._valkey = valkey
        self._counter = Counter(valkey.run_script, counters)
        self._limit = UnknownLimit(settings.unknown_limit)
        self._form = PasswordForm(answers, address)
        self._console_url = settings.console_url

    async def answer(self, visit: Visit, path: str) -> None:
        method, protocol = visit.method, visit.protocol
        if method not in ("GET", "HEAD", "POST"):
            return plain(visit.scope, protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
        asked = read_path(path, visit.query)
        entry, decision = None, UNKNOWN
        try:
            site = await self._sites.find(visit.host, visit.started)
            if site is None:
                return self.refuse_host(visit.scope, protocol)
            if self._console_url and (printed := _pass(path)):
                return self._show_pass(protocol, printed[1])
            if asked is not None:
                entry = await self._resolve(site, asked, visit.started)
        except Unavailable:
            site, decision = None, UNAVAILABLE

        visit.arrived(self._mint, self._address)
        visit.code = path[1 : 1 + MAX_CODE].lower() if asked is None else asked.code
        visit.placement = "" if asked is None else asked.placement
        cookies: list[tuple[str, str]] = []
        would = decision
        if entry is not None and asked is not None:
            if method == "POST":
                remembered = await self._form.check(visit, entry.record)
                if remembered is None:
                    return None
                cookies.append(remembered)
            would = decision = refusal(entry.record, visit.now_ns // 1_000_000) or await self._decide(
                visit, entry, preview=asked.preview, unlocked=bool(cookies)
            )
            if asked.preview and decision.reason in SHOWN:
                decision = PREVIEW
            elif cookies and decision.location is not None:
                # 307 and 308 would have the browser send the password on.
                decision = Decision(
                    decision.reason, 303, decision.location, decision.rule, decision.variant, decision.action
                )
        elif decision is UNKNOWN:
            wait = self._limit.retry_after(visit.ip, visit.started)
            if wait:
                self._counters[_LIMITED] += 1
                return plain(visit.scope, protocol, 429, "Too many.\n", ("retry-after", str(wait)))
            if method == "POST":
                return plain(visit.scope, protocol, 405, "Only GET and HEAD.\n", ("allow", "GET, HEAD"))
            if site is not None and site.domain is not None and site.domain.not_found:
                decision = Decision(Reason.UNKNOWN, 302, site.domain.not_found)

        whose = entry or (UNREACHABLE if site is None else site.nobody)
        self._recorder.record(visit, whose, decision)
        if asked is not None and entry is not None and (asked.preview or decision is PREVIEW):
            # A limited link would be given away.
            hidden = would.reason is not Reason.OK or bool(entry.record.max_scans)
            where = None if hidden else would.location
            self._answers.preview(visit, asked.names[0], where, would.reason)
        else:
            self._answers.send(visit, decision, cookies)
        return None

    def _show_pass(self, protocol: HTTPProtocol, text: str) -> None:
        """A pass that somebody's own camera opened: the console says what it is worth. It is no scan of a
        link, and nothing is recorded; whoever holds the address holds the pass, so nobody else gets it."""
        location = f"{self._console_url}/t/{text.upper()}"
        headers = [("location", location), ("cache-control", "no-store"), ("referrer-policy", "no-referrer")]
        protocol.response_empty(302, headers)

    def refuse_host(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """A host that is none of ours gets nothing that looks like us."""
        self._counters[_FOREIGN] += 1
        plain(scope, protocol, 404, "There are no short links at this address.\n")

    async def _resolve(self, site: Site, asked: Asked, now: float) -> Entry | None:
        """The most specific link there is. Raises Unavailable."""
        names = [site.prefix + name for name in asked.names]
        found: list[Entry | None] = [self._links.cached(name, now) for name in names]
        if found[0] is not None:
            return found[0]
        # All at once: they share one question.
        missing = [name for name, entry in zip(names, found, strict=True) if entry is None]
        fetched = dict(zip(missing, await self._fetch(missing, now), strict=True))
        for name, entry in zip(names, found, strict=True):
            best = entry or fetched.get(name)
            if best is not None:
                return best
        return None

    async def _fetch(self, names: list[str], now: float) -> list[Entry | None]:
        if len(names) == 1:
            return [await self._links.fetch(names[0], now)]
        return list(await asyncio.gather(*(self._links.fetch(name, now) for name in names)))

    async def _decide(self, visit: Visit, entry: Entry, *, preview: bool, unlocked: bool) -> Decision:
        """The link is active and in its time. Counts the scan where the link is counted."""
        if entry.always is not None:
            return entry.always
        record, compiled = entry.record, entry.compiled
        agent, now_ms = visit.header("user-agent", ""), visit.now_ns // 1_000_000
        known: dict[str, Any] = {"unlocked": unlocked or _was_unlocked(visit, record)}

        def decided() -> Decision:
            return decide(
                record, facts_of(compiled.needs, visit, record.link_id, self._places, **known), compiled
            )

        number, visitor = compiled.needs & NUMBER != 0, compiled.needs & VISITOR != 0
        if not (number or visitor):
            return decided()

        async def count(*, look: bool = False) -> None:
            known["scan_number"], known["is_new"] = await self._counter.count(
                record.link_id, record.workspace_id, now_ms, visit.ip, agent,
                number=number, visitor=visitor, look=look,
            )  # fmt: skip

        if record.password:
            # Who does not come in is not counted. Valkey is asked where a rule before asks it.
            asked = decided()
            if asked.reason is Reason.PASSWORD and asked.rule <= compiled.uncounted:
                return asked
        if preview or looks_like_a_robot(visit):
            # It uses up no scan, is no visitor, and is not told where a limited link leads.
            return PREVIEW if record.max_scans else decided()
        if record.password and not known["unlocked"]:
            await count(look=True)
            asked = decided()
            if asked.reason is Reason.PASSWORD:
                return asked
        await count()
        if record.max_scans and known["scan_number"] is None:
            return UNAVAILABLE
        return decided()

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


def _was_unlocked(visit: Visit, record: Record) -> bool:
    """Whether the password was given within the last hour, by the cookie."""
    if not record.password:
        return False
    value = passwords.read_cookie(visit.header("cookie", ""), record.link_id)
    return passwords.unlocked(value, record.password, record.link_id, visit.now_ns // 1_000_000_000)


def read_path(path: str, query_string: str) -> Asked | None:
    """None for a path that can be no link. Pure."""
    # A lot may end with a plus sign, so that only the product itself has a preview.
    preview = path.endswith("+") and path.count("/") < 3
    try:
        product = parse(path[:-1] if preview else path)
    except Gs1Error:
        return None
    if product is not None:
        placement = placed("", query_string)[1]
        return Asked(product.names(), product.name[:MAX_CODE], placement, preview)
    code = path[1:].lower()
    preview = code.endswith("+")
    code, placement = placed(code.removesuffix("+").rstrip("/"), query_string)
    if not asks(code):
        return None
    return Asked((code,), code, placement, preview)
