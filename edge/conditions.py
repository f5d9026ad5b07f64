"""Single conditions, each with its test, the facts it needs, and its words for a person. Pure."""

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge import rules as r
from edge.facts import Facts

# What rules want to know. The edge fills these and no others.
AGENT: Final = 1
PLACE: Final = 2
LANGUAGE: Final = 4
QUERY: Final = 8
REFERRER: Final = 16
BOT: Final = 32
NUMBER: Final = 64
VISITOR: Final = 128
BUCKET: Final = 256
CLICK: Final = 512

COUNTED: Final = NUMBER | VISITOR
"""What Valkey has to be asked for."""


BUCKETS: Final = 10_000
"""How finely a split can divide."""


class Leaf(NamedTuple):
    """A condition without parts."""

    test: Callable[[Facts], bool]
    need: int
    fact: str
    """What it is about, in words: "country"."""
    actual: Callable[[Facts], str]
    """What it is for this scan, in words; '' is not known."""
    wanted: str
    """What it should be, in words."""


def compile_leaf(condition: r.AnyCondition) -> Leaf:
    """Raises ValueError."""
    make = _MAKERS.get(type(condition))
    if make is None:
        raise ValueError("This condition is not known.")
    return make(condition)


_TEXTS: Final[dict[str, Callable[[Facts], str]]] = {
    "os": lambda facts: facts.os,
    "device": lambda facts: facts.device,
    "in_app": lambda facts: facts.in_app,
    "country": lambda facts: facts.country,
    "continent": lambda facts: facts.continent,
    "region": lambda facts: facts.region,
    "city": lambda facts: facts.city,
    "placement": lambda facts: facts.placement,
}


def _one_of(
    fact: str,
    field: str,
    values: tuple[str, ...],
    need: int,
    *,
    fold: bool = False,
    some: str = "",
) -> Leaf:
    get = _TEXTS[field]
    wanted = _words(values)
    if not values:
        return Leaf(lambda facts: get(facts) != "", need, fact, get, some)
    if fold:
        folded = frozenset(value.casefold() for value in values)
        return Leaf(lambda facts: get(facts).casefold() in folded, need, fact, get, wanted)
    chosen = frozenset(values)
    return Leaf(lambda facts: get(facts) in chosen, need, fact, get, wanted)


def _language(condition: r.Language) -> Leaf:
    # Not remembered by list: every phone's is another, and who wants to can send a new one each time.
    exact = frozenset(value.lower() for value in condition.values)
    starts = tuple(f"{value}-" for value in exact)

    def wanted(tag: str) -> bool:
        return tag in exact or tag.startswith(starts)

    def first(facts: Facts) -> bool:
        return bool(facts.languages) and wanted(facts.languages[0][0])

    def accepted(facts: Facts) -> bool:
        return any(wanted(tag) for tag, _ in facts.languages)

    shown: Callable[[Facts], str] = (
        (lambda facts: ", ".join(tag for tag, _ in facts.languages))
        if condition.accepted
        else (lambda facts: facts.languages[0][0] if facts.languages else "")
    )
    return Leaf(
        accepted if condition.accepted else first,
        LANGUAGE,
        "accepted languages" if condition.accepted else "language",
        shown,
        _words(condition.values),
    )


_clock = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _time(condition: r.Time) -> Leaf:
    try:
        zone = ZoneInfo(condition.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone “{condition.zone}”.") from error
    start, end = _minutes(condition.start), _minutes(condition.end)
    days = frozenset(condition.days) or frozenset(range(1, 8))
    if not days <= frozenset(range(1, 8)):
        raise ValueError("Weekdays are numbers from 1 (Monday) to 7 (Sunday).")

    def in_minute(minute: int) -> bool:
        local = datetime.fromtimestamp(minute * 60, zone)
        day, now = local.isoweekday(), local.hour * 60 + local.minute
        if start == end:
            return day in days
        if start < end:
            return day in days and start <= now < end
        # Past midnight it is still the evening's day.
        return (day in days and now >= start) or (((day - 2) % 7) + 1 in days and now < end)

    # A minute's answer is the same for everybody in it.
    holds = lru_cache(maxsize=16)(in_minute)

    def local_time(facts: Facts) -> str:
        return f"{datetime.fromtimestamp(facts.at_ms / 1000, zone):%A %H:%M}"

    hours = "" if start == end else f" from {condition.start} to {condition.end}"
    named = _words(tuple(_DAYS[day - 1] for day in sorted(days))) if len(days) < 7 else "any day"
    return Leaf(
        lambda facts: holds(facts.at_ms // 60_000),
        0,
        f"time in {condition.zone}",
        local_time,
        f"{named}{hours}",
    )


def _minutes(text: str) -> int:
    found = _clock.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text}” is not a time of day. Write it as 08:30.")
    return int(found[1]) * 60 + int(found[2])


def _dates(condition: r.Dates) -> Leaf:
    start = _milliseconds(condition.start) if condition.start else None
    end = _milliseconds(condition.end) if condition.end else None
    if start is None and end is None:
        raise ValueError("Give a start, an end, or both.")

    def holds(facts: Facts) -> bool:
        return (start is None or facts.at_ms >= start) and (end is None or facts.at_ms < end)

    wanted = " and ".join(
        part
        for part in (
            f"from {condition.start} on" if condition.start else "",
            f"before {condition.end}" if condition.end else "",
        )
        if part
    )
    return Leaf(holds, 0, "time", lambda facts: _moment(facts.at_ms), wanted)


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"“{text}” is not a date and time with its offset, such as 2027-03-01T09:00:00+01:00."
        )
    return round(moment.timestamp() * 1000)


def _scan_number(condition: r.ScanNumber) -> Leaf:
    first, every, after = condition.first, condition.every, condition.after
    if sum(number > 0 for number in (first, every, after)) != 1 or min(first, every, after) < 0:
        raise ValueError("Give one of first, every and after, as a number of 1 or more.")

    def holds(facts: Facts) -> bool:
        number = facts.scan_number
        if number is None:
            return False
        if first:
            return number <= first
        return number % every == 0 if every else number > after

    wanted = f"the first {first}" if first else f"every {every}." if every else f"after the first {after}"
    return Leaf(
        holds,
        NUMBER | BOT,
        "scan number",
        lambda facts: "" if facts.scan_number is None else str(facts.scan_number),
        wanted,
    )


def _visitor(condition: r.Visitor) -> Leaf:
    return Leaf(
        lambda facts: facts.is_new is condition.new,
        VISITOR,
        "visitor",
        lambda facts: "" if facts.is_new is None else "new today" if facts.is_new else "returning today",
        "new today" if condition.new else "returning today",
    )


def _bot(condition: r.Bot) -> Leaf:
    return Leaf(
        lambda facts: facts.is_bot is condition.is_bot,
        BOT,
        "visitor",
        lambda facts: "a robot" if facts.is_bot else "a person",
        "a robot" if condition.is_bot else "a person",
    )


def _query(condition: r.Query) -> Leaf:
    name, values = condition.name, frozenset(condition.values)

    def holds(facts: Facts) -> bool:
        value = facts.query.get(name)
        return value is not None and (not values or value in values)

    return Leaf(
        holds,
        QUERY,
        f"query parameter {name}",
        lambda facts: f"“{facts.query[name]}”" if name in facts.query else "",
        _words(condition.values) if values else "there with any value",
    )


def _referrer(condition: r.Referrer) -> Leaf:
    hosts = tuple(value.casefold() for value in condition.values)
    ends = tuple(f".{host}" for host in hosts)

    def holds(facts: Facts) -> bool:
        host = facts.referrer.casefold()
        return bool(host) and (not hosts or host in hosts or host.endswith(ends))

    return Leaf(
        holds,
        REFERRER,
        "referrer",
        lambda facts: facts.referrer,
        _words(condition.values) if hosts else "any site",
    )


def _network(condition: r.Network) -> Leaf:
    ranges = []
    for value in condition.values:
        network = ipaddress.ip_network(value)  # ValueError says what is wrong with it
        ranges.append((network.version, int(network.network_address), int(network.broadcast_address)))

    def holds(facts: Facts) -> bool:
        version, number = _address(facts.ip)
        return any(version == kind and low <= number <= high for kind, low, high in ranges)

    return Leaf(holds, 0, "address", lambda facts: facts.ip, _words(condition.values))


@lru_cache(maxsize=4096)
def _address(ip: str) -> tuple[int, int]:
    """Version and number; (0, 0) for what is not an address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return 0, 0
    return address.version, int(address)


def _words(values: tuple[str, ...]) -> str:
    """ "DE, FR or AT"; long lists are cut."""
    if len(values) > 8:
        return f"{', '.join(values[:7])} or one of {len(values) - 7} more"
    return " or ".join([", ".join(values[:-1]), values[-1]]) if len(values) > 1 else "".join(values)


_MAKERS: Final[dict[type, Callable[[Any], Leaf]]] = {
    r.Os: lambda one: _one_of("operating system", "os", one.values, AGENT),
    r.Device: lambda one: _one_of("device", "device", one.values, AGENT),
    r.Country: lambda one: _one_of("country", "country", one.values, PLACE),
    r.Continent: lambda one: _one_of("continent", "continent", one.values, PLACE),
    r.Region: lambda one: _one_of("region", "region", one.values, PLACE, fold=True),
    r.City: lambda one: _one_of("city", "city", one.values, PLACE, fold=True),
    r.InApp: lambda one: _one_of("in-app browser", "in_app", one.values, AGENT, fold=True, some="any app"),
    r.Placement: lambda one: _one_of(
        "placement", "placement", one.values, 0, fold=True, some="any placement"
    ),
    r.Language: _language,
    r.Time: _time,
    r.Dates: _dates,
    r.ScanNumber: _scan_number,
    r.Visitor: _visitor,
    r.Query: _query,
    r.Referrer: _referrer,
    r.Network: _network,
    r.Bot: _bot,
}
