"""One made-up scan, as a form or the API describes it, as the facts that rules ask for.

What is left out, empty or null is not known, as it may be for a real scan. Device and app come from a
`user_agent` where they are not given, the continent from the country.
"""

import ipaddress
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from analytics.visitors.countries import CONTINENTS
from analytics.visitors.glance import IN_APPS, SYSTEMS, glance, system_key
from analytics.visitors.language import accepted_languages
from analytics.visitors.referrer import APP_NAMES, bare_host, referrer
from control_plane.campaigns.conditions import DEVICES, MAX_NUMBER, MAX_PLACEMENT
from control_plane.campaigns.draft import shown
from control_plane.campaigns.errors import InvalidLink
from edge.facts import Facts

MAX_TEXT: Final = 2048
TEXTS: Final = (
    "user_agent", "os", "device", "in_app", "country", "region", "city", "continent", "language", "placement",
    "query", "referrer", "ip",
)  # fmt: skip
FLAGS: Final = ("is_bot", "is_new", "unlocked")
NUMBERS: Final = {"scan_number": (1, MAX_NUMBER), "bucket": (0, 9_999)}
NAMES: Final = frozenset({*TEXTS, *FLAGS, *NUMBERS, "at"})
EXAMPLE_CLICK: Final = "0" * 32
"""Stands for `{click_id}`: a made-up scan has none."""


def read_facts(scan: Mapping[str, Any], code: str = "") -> Facts:
    """Facts of one scan of a link. `at` is RFC 3339 or an aware datetime, now where left out.

    Raises InvalidLink(`scan.<name>`, message).
    """
    if unknown := sorted(scan.keys() - NAMES):
        raise InvalidLink(
            "scan", f"There is no fact {shown(unknown[0])}. Possible are: {', '.join(sorted(NAMES))}."
        )
    texts = {name: _text(scan, name) for name in TEXTS}
    seen = glance(texts["user_agent"])
    country = _one_of("country", texts["country"].upper(), CONTINENTS, "Use two letters such as DE.")
    query_string = texts["query"].removeprefix("?")
    query = _parameters(query_string)
    is_bot = _flag(scan, "is_bot")
    return Facts(
        at_ms=_moment(scan.get("at")),
        code=code,
        placement=(texts["placement"] or query.get("p", "").strip()).lower()[:MAX_PLACEMENT],
        query=query,
        query_string=query_string,
        os=_one_of("os", system_key(texts["os"]), SYSTEMS) or seen.os,
        device=_one_of("device", texts["device"].lower(), DEVICES) or seen.device,
        in_app=_in_app(texts["in_app"]) or seen.in_app,
        country=country,
        region=texts["region"],
        city=texts["city"],
        continent=_one_of("continent", texts["continent"].upper(), frozenset(CONTINENTS.values()))
        or CONTINENTS.get(country, ""),
        languages=accepted_languages(texts["language"]),
        referrer=_referrer(texts["referrer"]),
        ip=_address(texts["ip"]),
        is_bot=_names_itself(texts["user_agent"]) if is_bot is None else is_bot,
        scan_number=_number(scan, "scan_number"),
        is_new=_flag(scan, "is_new"),
        bucket=_number(scan, "bucket") or 0,
        click_id=EXAMPLE_CLICK,
        unlocked=_flag(scan, "unlocked") or False,
    )


def _refuse(name: str, message: str) -> InvalidLink:
    return InvalidLink(f"scan.{name}", message)


def _text(scan: Mapping[str, Any], name: str) -> str:
    value = scan.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not all(map(_is_shown, value)):
        raise _refuse(name, f"Write a text of at most {MAX_TEXT:,} characters on one line.")
    return value.strip()


def _is_shown(char: str) -> bool:
    return char.isprintable() or char == "\N{NO-BREAK SPACE}"


def _flag(scan: Mapping[str, Any], name: str) -> bool | None:
    value = scan.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise _refuse(name, "Write true or false; leave it out where it is not known.")


def _number(scan: Mapping[str, Any], name: str) -> int | None:
    value = scan.get(name)
    if value is None:
        return None
    low, high = NUMBERS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _refuse(name, f"Write a whole number from {low:,} to {high:,}.")
    return value


def _moment(value: object) -> int:
    if value is None or value == "":
        at = datetime.now(UTC)
    else:
        try:
            at = datetime.fromisoformat(value) if isinstance(value, str) else value  # type: ignore[assignment]
            if not isinstance(at, datetime) or at.tzinfo is None or not 2000 <= at.year <= 9000:
                raise ValueError(value)
        except ValueError:
            raise _refuse(
                "at", "Write date and time with their offset, such as 2027-03-01T09:00:00+01:00."
            ) from None
    return round(at.timestamp() * 1000)


def _one_of(name: str, value: str, choice: Collection[str], hint: str = "") -> str:
    if value and value not in choice:
        hint = hint or f"Use one of {', '.join(sorted(choice))}."
        raise _refuse(name, f"{shown(value)} is not known here. {hint}")
    return value


def _in_app(text: str) -> str:
    apps = {name.lower(): name for name in IN_APPS}
    name = _one_of("in_app", text.lower(), apps, f"Use one of {', '.join(IN_APPS)}.")
    return apps.get(name, "")


def _parameters(query_string: str) -> dict[str, str]:
    """As the edge reads them: decoded; of one given twice, the first."""
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise _refuse("query", "Give at most 100 parameters.") from None
    return dict(reversed(pairs))


def _referrer(text: str) -> str:
    """From an address, a host or an app's name."""
    apps = {name.casefold(): name for name in APP_NAMES}
    if text.casefold() in apps:
        return apps[text.casefold()]
    return referrer(text) if "://" in text else bare_host(text)


def _address(text: str) -> str:
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise _refuse("ip", f"{shown(text)} is not an IP address, such as 192.0.2.7.") from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _names_itself(user_agent: str) -> bool:
    if not user_agent:
        return False
    # Imported late: its list of crawlers takes a while to load.
    from analytics.visitors.bots import named

    return named(user_agent).signal != ""
