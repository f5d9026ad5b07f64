"""What a scan is answered with: pure, no clock, no I/O."""

from typing import Final

import msgspec

from analytics.events import Reason
from edge.record import ACTIVE, BLOCKED, DELETED, PAUSED, Record


class Decision(msgspec.Struct, frozen=True):
    """The outcome of one scan."""

    reason: Reason
    status: int
    """HTTP status of the answer."""
    location: str | None = None
    """Where to redirect to; None means a page."""


UNKNOWN: Final = Decision(Reason.UNKNOWN, 404)
DELETED_LINK: Final = Decision(Reason.DELETED, 410)
BLOCKED_LINK: Final = Decision(Reason.BLOCKED, 403)
# Paused and not started are answered 200: the code on paper works, its owner says "not now".
PAUSED_LINK: Final = Decision(Reason.PAUSED, 200)
EXPIRED: Final = Decision(Reason.EXPIRED, 410)
NOT_STARTED: Final = Decision(Reason.NOT_STARTED, 200)
UNAVAILABLE: Final = Decision(Reason.UNAVAILABLE, 503)

PAGE_DECISIONS: Final = (UNKNOWN, DELETED_LINK, BLOCKED_LINK, PAUSED_LINK, EXPIRED, NOT_STARTED, UNAVAILABLE)

STATES: Final = frozenset({ACTIVE, PAUSED, BLOCKED, DELETED})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def decide(record: Record | None, now_ms: int) -> Decision:
    """The first condition that holds, in this order. `now_ms` is milliseconds since 1970-01-01 UTC."""
    if record is None:
        return UNKNOWN
    if record.state == DELETED:
        return DELETED_LINK
    if record.state == BLOCKED:
        return BLOCKED_LINK
    if record.state == PAUSED:
        return PAUSED_LINK
    if record.expires_at is not None and now_ms >= record.expires_at:
        return EXPIRED
    if record.starts_at is not None and now_ms < record.starts_at:
        return NOT_STARTED
    return Decision(Reason.OK, record.status, record.destination)


def timeless(record: Record) -> Decision | None:
    """The decision where it holds at any time, so that the hot path need not decide again; else None."""
    if record.state == ACTIVE and (record.starts_at is not None or record.expires_at is not None):
        return None
    return decide(record, 0)
