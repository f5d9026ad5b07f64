"""One scan as one row of the `events` table: the columns, their types, and what goes into them."""

from typing import Final
from uuid import UUID

from analytics.events import Scan
from analytics.ingest.utm import NONE, Utm, utm
from analytics.visitors.agent import UNKNOWN, agent
from analytics.visitors.bots import AGENT_SIGNALS, Verdict, verdict
from analytics.visitors.geo import Geo
from analytics.visitors.glance import BOT
from analytics.visitors.language import primary_language
from analytics.visitors.networks import Networks
from analytics.visitors.referrer import bare_host, referrer
from analytics.visitors.text import tidy
from analytics.visitors.visitor import visitor_id

COLUMNS: Final = {
    "event_id": "UUID",
    "chunk_id": "String",
    "at": "DateTime64(6, 'UTC')",
    "workspace_id": "UInt64",
    "link_id": "UInt64",
    "link_version": "UInt64",
    "code": "String",
    "host": "LowCardinality(String)",
    "reason": "LowCardinality(String)",
    "status": "UInt16",
    "method": "LowCardinality(String)",
    "country": "LowCardinality(String)",
    "region": "LowCardinality(String)",
    "city": "LowCardinality(String)",
    "continent": "LowCardinality(String)",
    "device": "LowCardinality(String)",
    "device_model": "LowCardinality(String)",
    "os": "LowCardinality(String)",
    "browser": "LowCardinality(String)",
    "in_app": "LowCardinality(String)",
    "referrer_host": "LowCardinality(String)",
    "utm_source": "LowCardinality(String)",
    "utm_medium": "LowCardinality(String)",
    "utm_campaign": "LowCardinality(String)",
    "utm_term": "LowCardinality(String)",
    "utm_content": "LowCardinality(String)",
    "language": "LowCardinality(String)",
    "is_bot": "UInt8",
    "bot_name": "LowCardinality(String)",
    "bot_signals": "Array(LowCardinality(String))",
    "visitor_id": "UInt64",
    "placement": "LowCardinality(String)",
    "rule": "UInt16",
    "variant": "UInt8",
}
"""Column → ClickHouse type as inserted, in the order of a row."""

Row = tuple[object, ...]

_U64: Final = 2**64 - 1
# 2200-01-01: a clock gone wild may not make a partition per month for ever.
_LATEST: Final = 7_258_118_400_000_000


class Enricher:
    """Turns scans into rows. The client's address goes in and does not come out."""

    def __init__(self, geo: Geo, networks: Networks, own_hosts: frozenset[str] = frozenset()) -> None:
        self._place = geo.place
        self._network = networks.find
        self._own_hosts = own_hosts
        self._own: dict[str, frozenset[str]] = {}

    def row(self, scan: Scan, chunk_id: str, salt: bytes) -> Row:
        """The row of one scan under the salt of its day. Pure but for caches; never raises.

        Where a header or the query repeats the client's address, it is cut out before anything is read.
        """
        ip = scan.ip
        user_agent, query, referer = scan.user_agent, scan.query, scan.referer
        placement = scan.placement
        if ip:
            if ip in user_agent:
                user_agent = user_agent.replace(ip, "")
            if ip in referer:
                referer = referer.replace(ip, "")
            if ip in placement:
                placement = placement.replace(ip, "")
        seen = verdict(
            user_agent=user_agent,
            network=self._network(ip),
            method=scan.method,
            purpose=scan.purpose,
            accept=scan.accept,
            accept_language=scan.accept_language,
            sec_fetch_mode=scan.sec_fetch_mode,
        )
        what = agent(user_agent, scan.ch_platform, scan.ch_mobile, scan.ch_model)
        if what is not UNKNOWN and _names_itself(seen):
            what = what._replace(device=BOT, model="", in_app="")
        if ip and ip in what.model:
            what = what._replace(model="")
        place = self._place(ip)
        host = bare_host(scan.host)
        own = self._own.get(host)
        if own is None:
            own = self._own_of(host)
        campaign = utm(query)
        if ip and campaign is not NONE and ip in "\n".join(campaign):
            campaign = Utm(*(value.replace(ip, "") for value in campaign))
        return (
            UUID(bytes=scan.event_id),
            chunk_id,
            min(max(scan.at, 0), _LATEST),
            min(max(scan.workspace_id, 0), _U64),
            min(max(scan.link_id, 0), _U64),
            min(max(scan.link_version, 0), _U64),
            tidy(scan.code),
            tidy(scan.host.lower()),
            tidy(scan.reason, 32),
            min(max(scan.status, 0), 65535),
            tidy(scan.method, 16),
            *place,
            *what,
            referrer(referer, own),
            *campaign,
            primary_language(scan.accept_language),
            int(seen.is_bot),
            seen.name,
            seen.signals,
            visitor_id(salt, ip, scan.user_agent, scan.workspace_id),
            tidy(placement, 64),
            min(max(scan.rule, 0), 65535),
            min(max(scan.variant, 0), 255),
        )

    def _own_of(self, host: str) -> frozenset[str]:
        """Our own host names as seen from a request to `host`; a Host header is free text, so bounded."""
        own = self._own_hosts | ({host} if host else frozenset())
        if len(self._own) < 1024:
            self._own[host] = own
        return own


def _names_itself(seen: Verdict) -> bool:
    return bool(seen.signals) and seen.signals[0] in AGENT_SIGNALS
