"""One request for a code as an event: a single pass over its headers, then one encode."""

from collections.abc import MutableMapping
from typing import Any, Final

from msgspec import structs

from analytics.events import Scan, encode_scan
from edge.decide import Decision
from edge.record import Record

MAX_QUERY: Final = 2048
MAX_CODE: Final = 64

# Header → its place in the list of fields.
_FIELDS: Final = {
    b"host": 0,
    b"user-agent": 1,
    b"accept-language": 2,
    b"referer": 3,
    b"accept": 4,
    b"sec-purpose": 5,
    b"purpose": 5,
    b"sec-fetch-mode": 6,
    b"sec-ch-ua-platform": 7,
    b"sec-ch-ua-mobile": 8,
    b"sec-ch-ua-model": 9,
}
_BLANK: Final = [""] * 10
_field = _FIELDS.get

MAX_FIELD: Final = (255, 1024, 256, 1024, 512, 64, 64, 128, 16, 128)
"""Characters kept of each field. Their sum stays far below a frame's limit, in UTF-8 too."""
SMALL: Final = 1024
"""Bytes of an event in which no field can be long; only in a larger one are they measured and cut."""

ACCEPT_LANGUAGE: Final = 2

NOBODY: Final = Record(workspace_id=0, link_id=0, destination="")
"""Stands in for the link of a code that belongs to nobody, or about which nothing is known now."""


def header_fields(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """The recorded headers, decoded as Latin-1, which cannot fail. Of repeated ones the last counts."""
    fields = _BLANK.copy()
    for name, value in headers:
        at = _field(name)
        if at is not None:
            fields[at] = value.decode("latin-1")
    return fields


def encode_visit(
    event_id: bytes,
    now_ns: int,
    record: Record,
    decision: Decision,
    scope: MutableMapping[str, Any],
    code: str,
    ip: str,
    fields: list[str],
) -> bytes:
    """The event's bytes, ready for the spool. `code` is in its stored form."""
    host, agent, language, referer, accept, purpose, mode, platform, mobile, model = fields
    scan = Scan(
        event_id,
        now_ns // 1000,
        record.workspace_id,
        record.link_id,
        record.version,
        decision.reason,
        decision.status,
        scope["method"],
        host,
        code,
        scope["query_string"].decode("latin-1"),
        ip,
        agent,
        language,
        referer,
        accept,
        purpose,
        mode,
        platform,
        mobile,
        model,
    )
    payload = encode_scan(scan)
    return payload if len(payload) <= SMALL else encode_scan(_cut(scan, fields))


def _cut(scan: Scan, fields: list[str]) -> Scan:
    host, agent, language, referer, accept, purpose, mode, platform, mobile, model = (
        field[:most] for field, most in zip(fields, MAX_FIELD, strict=True)
    )
    return structs.replace(
        scan,
        host=host,
        code=scan.code[:MAX_CODE],
        query=scan.query[:MAX_QUERY],
        user_agent=agent,
        accept_language=language,
        referer=referer,
        accept=accept,
        purpose=purpose,
        sec_fetch_mode=mode,
        ch_platform=platform,
        ch_mobile=mobile,
        ch_model=model,
    )
