"""One request for a code as an event: a single pass over its headers, then one encode."""

from collections.abc import MutableMapping
from typing import Any, Final

from analytics.events import Scan, encode_scan
from edge.client_address import ClientAddress
from edge.decide import Decision
from edge.record import Record

MAX_QUERY: Final = 2048
MAX_CODE: Final = 64
MAX_HOST: Final = 255

# Header → its place in the list below and how many bytes of it are kept. The sum stays far below a frame's
# limit, also where every byte becomes two in UTF-8.
_HEADERS: Final = {
    b"host": (0, MAX_HOST),
    b"user-agent": (1, 1024),
    b"accept-language": (2, 256),
    b"referer": (3, 2048),
    b"accept": (4, 512),
    b"sec-purpose": (5, 64),
    b"purpose": (5, 64),
    b"sec-fetch-mode": (6, 64),
    b"sec-ch-ua-platform": (7, 128),
    b"sec-ch-ua-mobile": (8, 16),
    b"sec-ch-ua-model": (9, 128),
}
_BLANK: Final = [""] * 10
_field = _HEADERS.get

ACCEPT_LANGUAGE: Final = 2

NOBODY: Final = Record(workspace_id=0, link_id=0, destination="")
"""Stands in for the link of a code that belongs to nobody, or about which nothing is known now."""


def header_fields(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """The recorded headers, decoded as Latin-1, which cannot fail. Of repeated ones the last counts."""
    fields = _BLANK.copy()
    for name, value in headers:
        found = _field(name)
        if found is not None:
            fields[found[0]] = str(value[: found[1]], "latin-1")
    return fields


def client_ip(scope: MutableMapping[str, Any], address: ClientAddress) -> str:
    """The client's address; '' for a socket that has none."""
    client = scope.get("client")
    return address(client[0], scope["headers"]) if client else ""


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
    return encode_scan(
        Scan(
            event_id,
            now_ns // 1000,
            record.workspace_id,
            record.link_id,
            record.version,
            decision.reason,
            decision.status,
            scope["method"],
            fields[0],
            code[:MAX_CODE],
            str(scope["query_string"][:MAX_QUERY], "latin-1"),
            ip,
            *fields[1:],
        )
    )
