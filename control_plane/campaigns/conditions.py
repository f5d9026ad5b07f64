"""Conditions of a draft rule: each value checked, and written in its one stored form."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from analytics.visitors.countries import CONTINENTS
from analytics.visitors.glance import DESKTOP, IN_APPS, OTHER, PHONE, SYSTEMS, TABLET, TV
from analytics.visitors.referrer import APP_NAMES
from control_plane.campaigns.clocks import check_dates, check_time
from control_plane.campaigns.destinations import ascii_host
from control_plane.campaigns.draft import Draft, shown
from control_plane.campaigns.errors import InvalidLink
from edge import rules as r

LABELS: Final[Mapping[str, str]] = {
    "all": "all of",
    "any": "any of",
    "not": "not",
    "os": "operating system",
    "device": "device",
    "in_app": "in-app browser",
    "country": "country",
    "region": "region",
    "city": "city",
    "continent": "continent",
    "language": "language",
    "time": "time",
    "dates": "dates",
    "scan_number": "scan number",
    "visitor": "visitor",
    "query": "query",
    "referrer": "referrer",
    "placement": "placement",
    "ip": "IP address",
    "bot": "robot",
}
"""Type → what it is called in sentences."""

DEVICES: Final = (PHONE, TABLET, DESKTOP, TV, OTHER)
MAX_TEXT: Final = 128
MAX_PLACEMENT: Final = 64
"""What the edge keeps of one."""
MAX_QUERY_VALUE: Final = 256
MAX_NUMBER: Final = 10**12

_language = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,6}")
_label = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


class Budget:
    """How many conditions the link may still have, over all its rules."""

    def __init__(self) -> None:
        self.left = r.MAX_CONDITIONS


def check_condition(raw: object, number: int, path: str, budget: Budget, depth: int = 0) -> r.AnyCondition:
    """One condition, with those inside it. Raises InvalidLink."""
    draft = Draft(number, path, "condition", raw)
    budget.left -= 1
    if budget.left < 0:
        raise draft.refuse(f"A link has at most {r.MAX_CONDITIONS} conditions over all its rules.")
    if depth > r.MAX_DEPTH:
        raise draft.refuse(f"Conditions may be nested {r.MAX_DEPTH} deep. Spread them over several rules.")
    kind = draft.type(LABELS)
    draft.label = LABELS[kind]
    if kind == "not":
        draft.only(("type", "of"))
        if "of" not in draft.raw:
            raise draft.refuse("Say in “of” which condition must not hold.", "of")
        return r.Not(of=check_condition(draft.raw["of"], number, f"{path}.of", budget, depth + 1))
    if kind in ("all", "any"):
        draft.only(("type", "of"))
        parts = tuple(
            check_condition(part, number, f"{path}.of[{at}]", budget, depth + 1)
            for at, part in enumerate(draft.items("of", needed=False, most=r.MAX_CONDITIONS))
        )
        if not parts:
            raise draft.refuse("Put at least one condition into “of”, or remove this group.", "of")
        return r.All(of=parts) if kind == "all" else r.AtLeastOne(of=parts)
    return _LEAVES[kind](draft)


def _os(draft: Draft) -> r.Os:
    draft.only(("type", "values"))
    return r.Os(values=draft.texts(partial(_choice, draft, {name: name for name in sorted(SYSTEMS)})))


def _device(draft: Draft) -> r.Device:
    draft.only(("type", "values"))
    return r.Device(values=draft.texts(partial(_choice, draft, {name: name for name in DEVICES})))


def _in_app(draft: Draft) -> r.InApp:
    draft.only(("type", "values"))
    apps = {_plain(name): name for name in IN_APPS}
    return r.InApp(values=draft.texts(partial(_choice, draft, apps), needed=False))


def _country(draft: Draft) -> r.Country:
    draft.only(("type", "values"))

    def clean(value: str) -> str:
        code = value.strip().upper()
        if code == "UK":
            raise draft.refuse("“UK” is not a country code; the United Kingdom is GB.", "values")
        if code not in CONTINENTS:
            raise draft.refuse(f"{shown(value)} is not a country code. Use two letters such as DE.", "values")
        return code

    return r.Country(values=draft.texts(clean))


def _continent(draft: Draft) -> r.Continent:
    draft.only(("type", "values"))
    continents = {name.lower(): name for name in sorted(set(CONTINENTS.values()))}
    return r.Continent(values=draft.texts(partial(_choice, draft, continents)))


def _names(draft: Draft) -> tuple[str, ...]:
    """Regions and cities: free text, one of each in any case."""
    draft.only(("type", "values"))

    def clean(value: str) -> str:
        name = " ".join(draft.line(value, "values", MAX_TEXT).split())
        if not name:
            raise draft.refuse("A name is empty. Remove it, or write it out.", "values")
        return name

    names: dict[str, str] = {}
    for name in draft.texts(clean):
        names.setdefault(name.casefold(), name)
    return tuple(names.values())


def _languages(draft: Draft) -> r.Language:
    draft.only(("type", "values", "accepted"))

    def clean(value: str) -> str:
        tag = value.strip().lower().replace("_", "-")
        if not _language.fullmatch(tag):
            raise draft.refuse(
                f"{shown(value)} is not a language code. Use one such as pt or pt-BR.", "values"
            )
        return tag

    return r.Language(values=draft.texts(clean), accepted=draft.flag("accepted"))


def _scan_number(draft: Draft) -> r.ScanNumber:
    fields = ("first", "every", "after")
    draft.only(("type", *fields))
    counts = {name: draft.whole(name, 0, MAX_NUMBER, 0) for name in fields}
    if sum(count > 0 for count in counts.values()) != 1:
        raise draft.refuse("Give exactly one of first, every or after, as a number of at least 1.")
    return r.ScanNumber(**counts)


def _visitor(draft: Draft) -> r.Visitor:
    draft.only(("type", "new"))
    return r.Visitor(new=draft.flag("new", None))


def _query(draft: Draft) -> r.Query:
    draft.only(("type", "name", "values"))
    name = draft.text("name", MAX_TEXT)
    if not name:
        raise draft.refuse("Give the parameter's name, such as utm_source.", "name")

    def clean(value: str) -> str:
        return draft.line(value, "values", MAX_QUERY_VALUE)

    return r.Query(name=name, values=draft.texts(clean, needed=False))


def _referrer(draft: Draft) -> r.Referrer:
    draft.only(("type", "values"))
    apps = {name.casefold(): name for name in APP_NAMES}

    def clean(value: str) -> str:
        text = value.strip()
        if text.casefold() in apps:
            return apps[text.casefold()]
        try:
            host = ascii_host(text).removeprefix("www.")
        except InvalidLink as error:
            raise draft.refuse(error.message, "values") from None
        if "." not in host or len(host) > 253 or not all(map(_label.fullmatch, host.split("."))):
            raise draft.refuse(
                f"{shown(value)} is neither a host name such as instagram.com nor an app such as WhatsApp.",
                "values",
            )
        return host

    return r.Referrer(values=draft.texts(clean, needed=False))


def _placements(draft: Draft) -> r.Placement:
    draft.only(("type", "values"))

    def clean(value: str) -> str:
        name = draft.line(value, "values", MAX_PLACEMENT).strip().lower()
        if not name or not name.isprintable():
            raise draft.refuse(f"{shown(value)} is not a placement. Write a name such as window.", "values")
        return name

    return r.Placement(values=draft.texts(clean, needed=False))


def _networks(draft: Draft) -> r.Network:
    draft.only(("type", "values"))

    def clean(value: str) -> str:
        text = value.strip()
        try:
            if "%" in text:
                raise ValueError(text)
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise draft.refuse(
                f"{shown(value)} is not a network. Write it as 192.0.2.0/24 or 2001:db8::/32.", "values"
            ) from None
        if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
            # The edge sees such a client by its IPv4 address.
            mapped = network.network_address.ipv4_mapped
            if mapped is not None:
                return str(ipaddress.ip_network((mapped, network.prefixlen - 96)))
        return str(network)

    return r.Network(values=draft.texts(clean))


def _bot(draft: Draft) -> r.Bot:
    draft.only(("type", "is_bot"))
    return r.Bot(is_bot=draft.flag("is_bot", True))


def _plain(name: str) -> str:
    return name.lower().replace(" ", "")


def _choice(draft: Draft, choice: Mapping[str, str], value: str) -> str:
    """choice: name in lower case without spaces → name as stored."""
    found = choice.get(_plain(value))
    if found is None:
        raise draft.refuse(f"{shown(value)} is not one of {', '.join(choice.values())}.", "values")
    return found


_LEAVES: Final[Mapping[str, Callable[[Draft], r.AnyCondition]]] = {
    "os": _os,
    "device": _device,
    "in_app": _in_app,
    "country": _country,
    "region": lambda draft: r.Region(values=_names(draft)),
    "city": lambda draft: r.City(values=_names(draft)),
    "continent": _continent,
    "language": _languages,
    "time": check_time,
    "dates": check_dates,
    "scan_number": _scan_number,
    "visitor": _visitor,
    "query": _query,
    "referrer": _referrer,
    "placement": _placements,
    "ip": _networks,
    "bot": _bot,
}
