"""One request for a code as an event: what is recorded of it, and how much."""

from collections.abc import Callable
from time import monotonic, time_ns
from typing import Final

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]
from msgspec import structs

from analytics.events import Scan, encode_scan
from edge.client_address import ClientAddress
from edge.decide import Decision
from edge.entry import Entry
from edge.event_id import Mint

Header = Callable[[str, str], str]

# Compiled, names of this module's own need no looking up.
_encode: Final = encode_scan
_now_ns: Final = time_ns

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
        "agent", "code", "event_id", "header", "host", "ip", "languages", "method", "now_ns", "placement",
        "protocol", "query", "scope", "started",
    )  # fmt: skip

    def __init__(
        self,
        scope: Scope,
        protocol: HTTPProtocol,
        started: float,
        header: Header,
        host: str,
        method: str,
        query: str,
        code: str = "",
        placement: str = "",
    ) -> None:
        """`started` is time.monotonic(), `host` is as sent, `code` in its stored form.

        `header(name, default)` looks a header up.
        """
        self.scope = scope
        self.protocol = protocol
        self.started = started
        self.header = header
        self.host = host
        self.method = method
        self.query = query
        self.code = code
        self.placement = placement
        self.agent, self.languages = header("user-agent", ""), header("accept-language", "")
        self.now_ns, self.event_id, self.ip = 0, b"", ""

    @classmethod
    def read(cls, scope: Scope, protocol: HTTPProtocol) -> "Visit":
        """Of a request that was not looked at yet."""
        header, started = scope.headers.get, monotonic()
        return cls(scope, protocol, started, header, header("host", ""), scope.method, scope.query_string)

    def arrived(self, mint: Mint, address: ClientAddress) -> None:
        """Sets what the event is known by: its moment, its id, and the client's address."""
        self.now_ns = now_ns = _now_ns()
        self.event_id, self.ip = mint.event_id(now_ns), address.of(self.scope)


def encode_visit(
    event_id: bytes,
    now_ns: int,
    entry: Entry,
    decision: Decision,
    method: str,
    host: str,
    code: str,
    query: str,
    ip: str,
    agent: str,
    languages: str,
    header: Header,
    placement: str,
) -> bytes:
    """The event's bytes, ready for the spool.

    Values one by one, and a tuple of Scan's fields: objects would be made to be thrown away. A lookup costs a
    tenth of a microsecond: what comes together is asked for together. Only Chromium sends client hints, and
    says so in its agent string. Browsers that say how they fetch say Sec-Purpose, not Purpose. A header that
    is not ASCII is recorded as missing: granian does not hand it over.
    """
    mode = header("sec-fetch-mode", "")
    platform = header("sec-ch-ua-platform", "") if "Chrom" in agent else ""
    scan = (
        event_id,
        now_ns // 1000,
        entry.workspace_id,
        entry.link_id,
        entry.version,
        decision.word,  # the encoder takes twice as long over a Reason
        decision.status,
        method,
        host,
        code,
        query,
        ip,
        agent,
        languages,
        header("referer", ""),
        header("accept", ""),
        header("sec-purpose", "") or ("" if mode else header("purpose", "")),
        mode,
        platform,
        header("sec-ch-ua-mobile", "") if platform else "",
        header("sec-ch-ua-model", "") if platform else "",
        placement,
        decision.rule,
        decision.variant,
    )
    payload = _encode(scan)
    return payload if len(payload) <= SMALL else _encode(_cut(Scan(*scan)))


def _cut(scan: Scan) -> Scan:
    return structs.replace(scan, **{name: getattr(scan, name)[:most] for name, most in MAX_FIELD.items()})
