"""One request for a code as an event: what is recorded of it, and how much."""

import time
from typing import Final

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]
from msgspec import structs

from analytics.events import Scan, encode_scan
from edge.decide import Decision
from edge.record import Record

MAX_CODE: Final = 64

# Characters kept of each field. Their sum stays far below a frame's limit.
MAX_FIELD: Final = {
    "host": 255,
    "code": MAX_CODE,
    "query": 2048,
    "user_agent": 1024,
    "accept_language": 256,
    "referer": 1024,
    "accept": 512,
    "purpose": 64,
    "sec_fetch_mode": 64,
    "ch_platform": 128,
    "ch_mobile": 16,
    "ch_model": 128,
    "placement": 64,
}
SMALL: Final = 1024
"""Bytes of an event in which no field can be long; only in a larger one are they measured and cut."""


class Visit:
    """One request for a code on its way through the edge: what is read of it once, and used by every step."""

    __slots__ = (
        "code", "event_id", "headers", "host", "ip", "method", "now_ns", "placement", "protocol", "query",
        "scope", "started",
    )  # fmt: skip

    def __init__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        self.started = time.monotonic()
        self.now_ns = time.time_ns()
        self.scope = scope
        self.protocol = protocol
        self.headers = headers = scope.headers
        self.host: str = headers.get("host", "")
        """As sent."""
        self.method: str = scope.method
        self.query: str = scope.query_string
        self.code = ""
        """In its stored form."""
        self.placement = ""
        self.event_id = b""
        self.ip = ""


def encode_visit(visit: Visit, record: Record, decision: Decision) -> bytes:
    """The event's bytes, ready for the spool.

    A header that is not ASCII is recorded as missing: granian does not hand it over.
    """
    header = visit.headers.get
    # A lookup costs a quarter of a microsecond: what comes together is asked for together. Browsers that say
    # how they fetch say Sec-Purpose, not Purpose; a model is told with a platform or not at all.
    mode, platform = header("sec-fetch-mode", ""), header("sec-ch-ua-platform", "")
    # A tuple of Scan's fields: as an object of its own it would be made to be thrown away.
    scan = (
        visit.event_id,
        visit.now_ns // 1000,
        record.workspace_id,
        record.link_id,
        record.version,
        decision.reason,
        decision.status,
        visit.method,
        visit.host,
        visit.code,
        visit.query,
        visit.ip,
        header("user-agent", ""),
        header("accept-language", ""),
        header("referer", ""),
        header("accept", ""),
        header("sec-purpose") or ("" if mode else header("purpose", "")),
        mode,
        platform,
        header("sec-ch-ua-mobile", "") if platform else "",
        header("sec-ch-ua-model", "") if platform else "",
        visit.placement,
        decision.rule,
        decision.variant,
    )
    payload = encode_scan(scan)
    return payload if len(payload) <= SMALL else encode_scan(_cut(Scan(*scan)))


def _cut(scan: Scan) -> Scan:
    return structs.replace(scan, **{name: getattr(scan, name)[:most] for name, most in MAX_FIELD.items()})
