"""One request for a code as an event: what is recorded of it, and how much."""

from typing import Final

from granian.rsgi import Headers  # type: ignore[attr-defined]
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

NOBODY: Final = Record(workspace_id=0, link_id=0, destination="")
"""Stands in for the link of a code that belongs to nobody, or about which nothing is known now."""


def encode_visit(
    event_id: bytes,
    now_ns: int,
    record: Record,
    decision: Decision,
    method: str,
    host: str,
    code: str,
    query: str,
    ip: str,
    headers: Headers,
    placement: str,
) -> bytes:
    """The event's bytes, ready for the spool. `code` is in its stored form.

    A header that is not ASCII is recorded as missing: granian does not hand it over.
    """
    header = headers.get
    scan = Scan(
        event_id,
        now_ns // 1000,
        record.workspace_id,
        record.link_id,
        record.version,
        decision.reason,
        decision.status,
        method,
        host,
        code,
        query,
        ip,
        header("user-agent", ""),
        header("accept-language", ""),
        header("referer", ""),
        header("accept", ""),
        header("sec-purpose") or header("purpose", ""),
        header("sec-fetch-mode", ""),
        header("sec-ch-ua-platform", ""),
        header("sec-ch-ua-mobile", ""),
        header("sec-ch-ua-model", ""),
        placement,
        decision.rule,
        decision.variant,
    )
    payload = encode_scan(scan)
    return payload if len(payload) <= SMALL else encode_scan(_cut(scan))


def _cut(scan: Scan) -> Scan:
    return structs.replace(scan, **{name: getattr(scan, name)[:most] for name, most in MAX_FIELD.items()})
