"""What a scan is answered with: pure, no clock, no I/O."""

from collections.abc import Callable
from typing import Final

from analytics.events import Reason
from edge.facts import Facts
from edge.record import ACTIVE, BLOCKED, DELETED, PAUSED, Record
from edge.rules import Action

Headers = list[tuple[str, str]]
"""Response headers as granian takes them."""

_NEVER_CACHED: Final = ("cache-control", "private, no-store")
_NOT_INDEXED: Final = ("x-robots-tag", "noindex")


def redirect(location: str) -> Headers:
    """Never cached, 301 included: otherwise an edit would not reach a phone, nor a second scan be counted."""
    return [("location", location), _NEVER_CACHED, _NOT_INDEXED]


class Decision:
    """The outcome of one scan. Shared between scans: nobody changes one."""

    __slots__ = ("action", "headers", "location", "reason", "rule", "status", "variant", "word")

    def __init__(
        self,
        reason: Reason,
        status: int,
        location: str | None = None,
        rule: int = 0,
        variant: int = 0,
        action: Action | None = None,
    ) -> None:
        self.reason = reason
        self.word: str = reason.value
        """The reason as it is recorded."""
        self.status = status
        """HTTP status of the answer."""
        self.location = location
        """Where to redirect to; None means a page."""
        self.headers: Headers | None = redirect(location) if location else None
        """Of the redirect."""
        self.rule = rule
        """Which rule decided, from 1; 0: none."""
        self.variant = variant
        """Which variant of its split, from 1; 0: no split."""
        self.action = action
        """What the page shows, where a rule made it."""


Test = Callable[[Facts], bool]
Outcome = Callable[[Facts], Decision]


class Compiled:
    """A record's rules, ready to run. Made once when the record is decoded, by `edge.compile`."""

    __slots__ = ("is_open", "needs", "otherwise", "rules", "uncounted", "whole_password")

    def __init__(
        self,
        rules: tuple[tuple[Test, Outcome], ...],
        otherwise: Outcome,
        needs: int,
        whole_password: bool,
        uncounted: int = 0,
        is_open: bool = False,
    ) -> None:
        self.rules = rules
        self.otherwise = otherwise
        """The link's own destination."""
        self.needs = needs
        """Which facts are asked for: flags of `edge.conditions`."""
        self.whole_password = whole_password
        """The password guards every answer, not one rule's."""
        self.uncounted = uncounted
        """How many rules, from the first, can be asked before the scan is counted."""
        self.is_open = is_open
        """The rules alone decide: the link is active, at all times, and has no limit and no password."""


UNKNOWN: Final = Decision(Reason.UNKNOWN, 404)
DELETED_LINK: Final = Decision(Reason.DELETED, 410)
BLOCKED_LINK: Final = Decision(Reason.BLOCKED, 403)
# Paused and not started are answered 200: the code on paper works, its owner says "not now".
PAUSED_LINK: Final = Decision(Reason.PAUSED, 200)
EXPIRED: Final = Decision(Reason.EXPIRED, 410)
NOT_STARTED: Final = Decision(Reason.NOT_STARTED, 200)
USED_UP: Final = Decision(Reason.USED_UP, 410)
LOCKED: Final = Decision(Reason.PASSWORD, 200)
UNAVAILABLE: Final = Decision(Reason.UNAVAILABLE, 503)
GONE: Final = Decision(Reason.GONE, 410)
PREVIEW: Final = Decision(Reason.PREVIEW, 200)

PAGE_DECISIONS: Final = (
    UNKNOWN,
    DELETED_LINK,
    BLOCKED_LINK,
    PAUSED_LINK,
    EXPIRED,
    NOT_STARTED,
    USED_UP,
    UNAVAILABLE,
    GONE,
)
"""Those with a page of their own, the same for every link."""

STATES: Final = frozenset({ACTIVE, PAUSED, BLOCKED, DELETED})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def decide(record: Record | None, facts: Facts, compiled: Compiled | None = None) -> Decision:
    """The first of these that holds; `compiled` is the record's, where the caller has it.

    Raises RecordError where it has to be compiled and cannot.
    """
    if compiled is None or not compiled.is_open:
        refused = refusal(record, facts.at_ms)
        if refused is not None or record is None:
            return refused or UNKNOWN
        if compiled is None:
            from edge.compile import compiled_record  # it builds on this module

            compiled = compiled_record(record)
        if compiled.whole_password and not facts.unlocked:
            return LOCKED
        if record.max_scans and facts.scan_number is not None and facts.scan_number > record.max_scans:
            return _or_fallback(USED_UP, record)
    for holds, outcome in compiled.rules:
        if holds(facts):
            return outcome(facts)
    return compiled.otherwise(facts)


def refusal(record: Record | None, now_ms: int) -> Decision | None:
    """What a link's state and times alone decide; None where its rules are asked."""
    if record is None:
        return UNKNOWN
    if record.state != ACTIVE:
        if record.state == DELETED:
            return DELETED_LINK
        if record.state == BLOCKED:
            return BLOCKED_LINK
        return _or_fallback(PAUSED_LINK, record)
    if record.expires_at is not None and now_ms >= record.expires_at:
        return _or_fallback(EXPIRED, record)
    if record.starts_at is not None and now_ms < record.starts_at:
        return _or_fallback(NOT_STARTED, record)
    return None


def timeless(record: Record) -> Decision | None:
    """The decision where it is the same for every scan, so that the hot path need not decide; else None."""
    if record.state != ACTIVE:
        return refusal(record, 0)
    if (
        record.rules
        or record.max_scans
        or record.password
        or record.pass_query
        or record.starts_at is not None
        or record.expires_at is not None
        or "{" in record.destination
    ):
        return None
    return Decision(Reason.OK, record.status, record.destination)


def _or_fallback(refused: Decision, record: Record) -> Decision:
    return Decision(refused.reason, 302, record.fallback) if record.fallback else refused
