"""What recorded scans can answer of the questions that rules ask, and what they cannot, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from analytics.visitors.glance import system_key
from control_plane.campaigns.conditions import LABELS
from edge import rules as r
from edge.facts import Facts
from edge.record import Record

UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
QUARTER: Final = 15
"""Minutes to which a scan's time is rounded down, where all rules about time allow it."""

_COLUMNS: Final[Mapping[type, str]] = {
    r.Os: "os",
    r.Device: "device",
    r.InApp: "in_app",
    r.Country: "country",
    r.Region: "region",
    r.City: "city",
    r.Continent: "continent",
    r.Language: "language",
    r.Referrer: "referrer_host",
    r.Placement: "placement",
    r.Time: "at",
    r.Dates: "at",
    r.Visitor: "is_new",
}
_PLACEHOLDERS: Final = {"{country}": "country", "{lang}": "language", "{placement}": "placement"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a day's scans have to be grouped by, for some rules to be asked of them."""

    facts: tuple[str, ...]
    """As the query `link_shadow` names them."""
    minutes: bool
    """The quarter of an hour is too coarse."""


def asked(*records: Record) -> Asked:
    """By the rules and destinations of all of them."""
    facts: set[str] = set()
    minutes = False
    for record in records:
        for text in _texts(record):
            facts |= {fact for placeholder, fact in _PLACEHOLDERS.items() if placeholder in text}
        for rule in record.rules:
            if isinstance(rule.then, r.Split):
                facts.add("bucket")
            if isinstance(rule.then, r.App):
                facts.add("os")  # it chooses between stores
            for leaf, _ in leaves(rule.when):
                if isinstance(leaf, r.Query):
                    facts |= {leaf.name} & set(UTM)
                elif type(leaf) in _COLUMNS:
                    facts.add(_COLUMNS[type(leaf)])
                minutes = minutes or _needs_minutes(leaf)
    return Asked(tuple(sorted(facts)), minutes)


def leaves(condition: r.AnyCondition | None, *, negated: bool = False) -> Iterator[tuple[Any, bool]]:
    """Each condition without parts, and whether it stands inside an odd number of `not`."""
    if isinstance(condition, r.Not):
        yield from leaves(condition.of, negated=not negated)
    elif isinstance(condition, r.All | r.AtLeastOne):
        for part in condition.of:
            yield from leaves(part, negated=negated)
    elif condition is not None:
        yield condition, negated


def facts_of(row: Mapping[str, Any], code: str) -> Facts:
    """One group of `link_shadow` as facts. What is not recorded keeps its default, "not known"."""
    at: datetime = row["at"]
    language = row["language"]
    return Facts(
        at_ms=round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000),
        code=code,
        placement=row["placement"],
        query={name: row[name] for name in UTM if row[name]},
        os=system_key(row["os"]),
        device=row["device"],
        in_app=row["in_app"],
        country=row["country"],
        region=row["region"],
        city=row["city"],
        continent=row["continent"],
        languages=((language, 1.0),) if language else (),
        referrer=row["referrer_host"],
        is_new=bool(row["is_new"]),
        bucket=int(row["bucket"]),
    )


def unknown(rules: tuple[r.Rule, ...], whose: str = "Rule", known: tuple[r.Rule, ...] = ()) -> list[str]:
    """One sentence for each condition, split or redirect that records answer not at all or not exactly.

    Of rules that are in `known` too, it was said already.
    """
    said: dict[str, None] = {}
    for number, rule in enumerate(rules, start=1):
        if rule in known:
            continue
        for leaf, negated in leaves(rule.when):
            for sentence in _about(leaf, "as met" if negated else "as not met"):
                label = LABELS[leaf.__struct_config__.tag]
                said[f"{whose} {number}, {label}: {sentence}"] = None
        if isinstance(rule.then, r.Split):
            said[
                f"{whose} {number}, split: Where a visitor falls is not recorded. The shares are right; who "
                "gets which variant may differ."
            ] = None
        if isinstance(rule.then, r.Redirect | r.Split) and rule.then.pass_query:
            said[
                f"{whose} {number}, {rule.then.__struct_config__.tag}: The query that it hands on is not "
                "recorded. Addresses are compared without it."
            ] = None
    return list(said)


def _about(leaf: Any, counted: str) -> Iterator[str]:
    """counted: what becomes of a condition that never holds."""
    if isinstance(leaf, r.Network):
        yield f"Addresses are never recorded, so this counts {counted}."
    elif isinstance(leaf, r.ScanNumber):
        yield f"Which number a scan had is not recorded, so this counts {counted}."
    elif isinstance(leaf, r.Query) and leaf.name not in UTM:
        yield f"Of a query only the UTM parameters are recorded, so “{leaf.name}” counts {counted}."
    elif isinstance(leaf, r.Bot):
        yield "Only scans by people are looked at, by the verdict of the statistics."
    elif isinstance(leaf, r.Language):
        if leaf.accepted:
            yield "Only the first language is recorded. Others that were accepted count as missing."
        if tagged := [value for value in leaf.values if "-" in value]:
            yield f"Languages are recorded without their region, so “{tagged[0]}” counts {counted}."


def _needs_minutes(leaf: Any) -> bool:
    if isinstance(leaf, r.Time):
        return any(int(text[3:]) % QUARTER for text in (leaf.start, leaf.end))
    if isinstance(leaf, r.Dates):
        ends = [datetime.fromisoformat(text) for text in (leaf.start, leaf.end) if text]
        return any(end.timestamp() % (QUARTER * 60) for end in ends)
    return False


def _texts(record: Record) -> Iterator[str]:
    """Everything in which placeholders are filled in."""
    yield record.destination
    for rule in record.rules:
        then = rule.then
        if isinstance(then, r.Redirect | r.Password):
            yield then.to
        if isinstance(then, r.Split):
            yield from (variant.to for variant in then.variants)
        if isinstance(then, r.Redirect | r.Split):
            yield from then.utm.values()
