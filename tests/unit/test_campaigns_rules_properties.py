"""Rules, whatever is sent: never a traceback, one stored form, and nothing that the edge would not answer."""

import contextlib
import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.visitors.countries import CONTINENTS
from control_plane.campaigns import actions, conditions
from control_plane.campaigns.app_names import REFUSED_SCHEMES
from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.placeholders import check_template
from control_plane.campaigns.rules import check_rules, rules_json
from edge import entry, intent
from edge import rules as r
from edge.decide import decide
from edge.destination import destination
from edge.facts import Facts
from edge.record import Record, encode

OWN = frozenset({"go.example.com"})
APPS = frozenset({"myapp", "my.app+1", "intent"})
GONE = {"type": "gone"}

texts = st.text(max_size=12)
words = st.sampled_from(
    [
        "type",
        "of",
        "values",
        "when",
        "then",
        "to",
        "name",
        "redirect",
        "split",
        "any",
        "all",
        "not",
        "country",
        "time",
        "dates",
        "zone",
        "days",
        "start",
        "variants",
        "weight",
        "utm",
        "source",
        "ip",
        "referrer",
        "query",
        "notice",
        "title",
        "text",
        "app",
        "ios_link",
        "DE",
        "{code}",
        "https://example.com/{code}",
        "10.0.0.1",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | texts, inner, max_size=5),
    max_leaves=25,
)
plain = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
leaves = st.one_of(
    st.builds(
        lambda kind, values: {"type": kind, "values": values},
        st.sampled_from(["region", "city", "placement"]),
        st.lists(plain, min_size=1, max_size=3),
    ),
    st.builds(
        lambda codes: {"type": "country", "values": codes},
        st.lists(st.sampled_from(sorted(CONTINENTS)), min_size=1),
    ),
    st.builds(
        lambda zone, days, start, end: {
            "type": "time",
            "zone": zone,
            "days": days,
            "start": f"{start // 60}:{start % 60:02}",
            "end": f"{end // 60:02}:{end % 60:02}",
        },
        st.sampled_from(["UTC", "Europe/Berlin", "asia/kolkata"]),
        st.lists(st.integers(1, 7)),
        st.integers(0, 1439),
        st.integers(0, 1439),
    ),
    st.builds(
        lambda start: {"type": "dates", "start": start.isoformat()},
        st.datetimes(timezones=st.timezones()).filter(
            lambda at: 2000 < at.year < 9000 and not at.utcoffset().seconds % 60
        ),
    ),
    st.builds(
        lambda which, n: {"type": "scan_number", which: n},
        st.sampled_from(["first", "every", "after"]),
        st.integers(1, 10**9),
    ),
    st.builds(
        lambda nets: {"type": "ip", "values": nets},
        st.lists(st.ip_addresses().map(str), min_size=1, max_size=3),
    ),
    st.builds(
        lambda name, values: {"type": "query", "name": name, "values": values},
        plain,
        st.lists(plain, max_size=2),
    ),
    st.just({"type": "bot"}),
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(
            lambda kind, of: {"type": kind, "of": of},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | inner.map(lambda one: {"type": "not", "of": one})
    ),
    max_leaves=5,
)
urls = st.builds(
    lambda path: f"https://example.com/{path}",
    st.lists(
        st.sampled_from(
            ["{code}", "{lang}", "z", "z0000y", "%", "{", "}", "?", "#", "0", "y", "ü", "{{", "%7B"]
        )
    ).map("".join),
)


@settings(max_examples=300)
@given(st.lists(anything, max_size=4) | anything)
def test_no_json_makes_a_traceback(raw: Any) -> None:
    try:
        found = check_rules(raw, OWN, APPS)
    except InvalidLink as error:
        assert error.field.startswith("rules")
        assert error.message
        json.dumps(error.message)
    else:
        assert check_rules(rules_json(found), OWN, APPS) == found


@settings(max_examples=300)
@given(st.sampled_from(sorted({*conditions.LABELS, *actions._ACTIONS})),
       st.dictionaries(words | texts, anything, max_size=4), st.booleans())  # fmt: skip
def test_no_object_of_a_known_type_makes_a_traceback(kind: str, fields: Any, is_condition: bool) -> None:
    part = fields | {"type": kind}
    with contextlib.suppress(InvalidLink):
        check_rules([{"when": part, "then": GONE} if is_condition else {"then": part}], OWN, APPS)


@given(trees, urls)
def test_what_was_checked_is_stored_as_it_is(when: Any, to: str) -> None:
    raw = [{"when": when, "then": {"type": "redirect", "to": to}}]
    try:
        found = check_rules(raw, OWN, APPS)
    except InvalidLink as error:
        assert "nested" in error.message or "placeholder" in error.message
        return
    again = json.loads(json.dumps(rules_json(found)))
    assert check_rules(again, OWN, APPS) == found
    assert rules_json(check_rules(again, OWN, APPS)) == again
    assert msgspec.convert(again, tuple[r.Rule, ...]) == found


@given(urls, st.text(max_size=8))
def test_a_placeholder_never_reaches_the_host(url: str, value: str) -> None:
    try:
        stored_url = check_template(url)
    except InvalidLink:
        return
    assert check_template(stored_url) == stored_url
    assert stored_url.count("{code}") == url.count("{code}")
    filled = destination(stored_url, Facts(at_ms=0, code=value, languages=((value, 1.0),)))
    assert filled.startswith("https://example.com/")
    assert filled.isascii()
    assert filled.isprintable()


def test_no_scheme_that_the_edge_never_opens_can_be_saved() -> None:
    assert intent._NEVER <= REFUSED_SCHEMES


short = st.text(max_size=10) | st.sampled_from(["{code}", "{lang} {country}", "…", "a\nb", "x" * 10])
app_links = st.builds(
    lambda scheme, rest: scheme + rest,
    st.sampled_from(["myapp://", "My.App+1://", "https://example.com/", "intent://", "javascript://", "x:"]),
    st.text(max_size=10) | st.sampled_from(["item?id=1&x=%20#Intent;scheme=javascript;end", "", "a;b#c"]),
)
drafted = st.one_of(
    st.builds(
        lambda to, status, utm, pass_query: {
            "type": "redirect",
            "to": to,
            "status": status,
            "utm": {"source": utm},
            "pass_query": pass_query,
        },
        urls,
        st.sampled_from([0, 301, 307, 200]),
        short,
        st.booleans(),
    ),
    st.builds(
        lambda one, other, weight, name: {
            "type": "split",
            "variants": [{"to": one, "weight": weight}, {"to": other, "name": name}],
        },
        urls,
        urls,
        st.integers(0, 1001),
        short,
    ),
    st.builds(
        lambda to, ios, android, store: {
            "type": "app",
            "to": to,
            "ios_link": ios,
            "android_link": android,
            "android_store": store,
            "android_package": "com.example.app",
        },
        urls,
        app_links,
        app_links,
        urls,
    ),
    st.builds(
        lambda title, text, url: {"type": "notice", "title": title, "text": text, "button": "Go", "url": url},
        short,
        short,
        urls,
    ),
    st.builds(lambda to: {"type": "password", "to": to}, urls),
)
scanned = st.builds(
    Facts,
    at_ms=st.integers(0, 4_000_000_000_000),
    code=short,
    placement=short,
    query_string=st.text(max_size=20),
    os=st.sampled_from(["ios", "android", "windows", ""]),
    country=short,
    languages=st.lists(st.tuples(short, st.just(1.0)), max_size=2).map(tuple),
    ip=st.sampled_from(["", "10.0.0.1", "2001:db8::1", "x"]),
    scan_number=st.none() | st.integers(1, 10**9),
    bucket=st.integers(0, 9999),
    unlocked=st.booleans(),
)


@settings(max_examples=400)
@given(st.none() | trees, drafted, scanned)
def test_what_is_saved_is_read_and_answered_by_the_edge(when: Any, then: Any, facts: Facts) -> None:
    try:
        rules = check_rules([{"when": when, "then": then}], OWN, APPS)
    except InvalidLink:
        return
    record = entry.read(
        encode(Record(1, 1, "https://example.com/", version=1, rules=rules, password="scrypt$"))
    )
    assert record.rules == rules
    decision = decide(record, facts)
    if decision.location is not None:
        assert decision.location.isascii()
        assert decision.location.isprintable()
        assert " " not in decision.location
        hosts = ("https://example.com/", "intent:", "https://play.google.com/")
        assert decision.location.startswith(hosts)
