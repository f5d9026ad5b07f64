"""Each condition: when it holds, what it says, and that a wrong one is refused."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import rules as r
from edge.compile import compile_condition, compile_rules, compiled_record, needs_count
from edge.conditions import AGENT, BUCKET, CLICK, LANGUAGE, NUMBER, PLACE, VISITOR
from edge.explain import explain
from edge.facts import Facts
from edge.record import Record, RecordError


def holds(condition, **facts):
    return compile_condition(condition)[0](Facts(**({"at_ms": 0} | facts)))


def berlin(text):
    """Milliseconds of a UTC moment."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("condition", "facts", "expected"),
    [
        (r.Os(values=("ios", "android")), {"os": "ios"}, True),
        (r.Os(values=("ios",)), {"os": ""}, False),
        (r.Device(values=("phone",)), {"device": "tablet"}, False),
        (r.InApp(), {"in_app": "WeChat"}, True),
        (r.InApp(), {"in_app": ""}, False),
        (r.InApp(values=("wechat",)), {"in_app": "WeChat"}, True),
        (r.Country(values=("DE", "AT")), {"country": "AT"}, True),
        (r.Country(values=("DE",)), {}, False),
        (r.Region(values=("bavaria",)), {"region": "Bavaria"}, True),
        (r.City(values=("MUNICH",)), {"city": "Munich"}, True),
        (r.Continent(values=("EU",)), {"continent": "EU"}, True),
        (r.Language(values=("pt",)), {"languages": (("pt-br", 1.0), ("en", 0.8))}, True),
        (r.Language(values=("pt-br",)), {"languages": (("pt", 1.0),)}, False),
        (r.Language(values=("en",)), {"languages": (("pt-br", 1.0), ("en", 0.8))}, False),
        (r.Language(values=("en",), accepted=True), {"languages": (("pt-br", 1.0), ("en", 0.8))}, True),
        (r.Language(values=("en",), accepted=True), {}, False),
        (r.ScanNumber(first=3), {"scan_number": 3}, True),
        (r.ScanNumber(first=3), {"scan_number": 4}, False),
        (r.ScanNumber(first=3), {}, False),
        (r.ScanNumber(every=5), {"scan_number": 10}, True),
        (r.ScanNumber(every=5), {"scan_number": 11}, False),
        (r.ScanNumber(after=100), {"scan_number": 100}, False),
        (r.ScanNumber(after=100), {"scan_number": 101}, True),
        (r.Visitor(new=True), {"is_new": True}, True),
        (r.Visitor(new=False), {"is_new": False}, True),
        (r.Visitor(new=False), {}, False),
        (r.Query(name="ref"), {"query": {"ref": ""}}, True),
        (r.Query(name="ref", values=("a",)), {"query": {"ref": "b"}}, False),
        (r.Referrer(), {"referrer": "example.com"}, True),
        (r.Referrer(), {}, False),
        (r.Referrer(values=("example.com",)), {"referrer": "news.example.com"}, True),
        (r.Referrer(values=("example.com",)), {"referrer": "notexample.com"}, False),
        (r.Placement(values=("Door-1",)), {"placement": "door-1"}, True),
        (r.Placement(), {"placement": ""}, False),
        (r.Network(values=("192.0.2.0/24", "2001:db8::/32")), {"ip": "192.0.2.9"}, True),
        (r.Network(values=("192.0.2.0/24", "2001:db8::/32")), {"ip": "2001:db8::9"}, True),
        (r.Network(values=("192.0.2.0/24",)), {"ip": "192.0.3.1"}, False),
        (r.Network(values=("0.0.0.0/0",)), {"ip": ""}, False),
        (r.Bot(), {"is_bot": True}, True),
        (r.Bot(is_bot=False), {"is_bot": True}, False),
        (r.All(of=()), {}, True),
        (r.AtLeastOne(of=()), {}, False),
        (r.All(of=(r.Os(values=("ios",)), r.Not(of=r.Country(values=("US",))))), {"os": "ios"}, True),
        (r.AtLeastOne(of=(r.Os(values=("ios",)), r.Os(values=("linux",)))), {"os": "linux"}, True),
    ],
)
def test_a_condition_holds(condition, facts, expected):
    assert holds(condition, **facts) is expected
    assert holds(r.Not(of=condition), **facts) is not expected


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ("2026-07-06 06:59", False),  # Monday 08:59 in Berlin, summer time
        ("2026-07-06 07:00", True),
        ("2026-07-06 14:59", True),
        ("2026-07-06 15:00", False),
        ("2026-01-05 07:30", False),  # winter time: 08:30
        ("2026-07-05 10:00", False),  # Sunday
    ],
)
def test_hours_are_those_of_the_zone_through_summer_and_winter(utc, expected):
    hours = r.Time(zone="Europe/Berlin", days=(1, 2, 3, 4, 5), start="09:00", end="17:00")
    assert holds(hours, at_ms=berlin(utc)) is expected


def test_a_night_belongs_to_the_day_it_begins_on():
    friday_night = r.Time(zone="UTC", days=(5,), start="22:00", end="04:00")
    friday = datetime(2026, 7, 3, tzinfo=UTC)
    found = [
        holds(friday_night, at_ms=round((friday + timedelta(hours=hour)).timestamp() * 1000))
        for hour in (3, 21, 22, 25, 27, 28, 46)
    ]
    assert found == [False, False, True, True, True, False, False]


@given(st.integers(0, 2_000_000_000), st.integers(0, 1439), st.integers(0, 1439))
def test_any_moment_is_inside_a_span_or_inside_its_complement(seconds, start, end):
    clock = [f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (start, end)]
    if start == end:
        return
    inside = holds(r.Time(zone="America/New_York", start=clock[0], end=clock[1]), at_ms=seconds * 1000)
    outside = holds(r.Time(zone="America/New_York", start=clock[1], end=clock[0]), at_ms=seconds * 1000)
    assert inside is not outside


def test_dates_begin_inclusive_and_end_exclusive_in_their_own_offset():
    window = r.Dates(start="2027-03-01T09:00:00+01:00", end="2027-03-02T09:00:00Z")
    moments = ["2027-03-01 07:59:59", "2027-03-01 08:00", "2027-03-02 08:59:59", "2027-03-02 09:00"]
    assert [holds(window, at_ms=berlin(moment)) for moment in moments] == [False, True, True, False]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (r.Time(zone="Mars/Olympus"), "no time zone"),
        (r.Time(zone="../etc/passwd"), "no time zone"),
        (r.Time(zone="UTC", start="9:00"), "not a time of day"),
        (r.Time(zone="UTC", days=(8,)), "Weekdays"),
        (r.Dates(), "Give a start"),
        (r.Dates(start="2027-03-01T09:00:00"), "offset"),
        (r.ScanNumber(), "one of first"),
        (r.ScanNumber(first=1, every=2), "one of first"),
        (r.ScanNumber(first=-1, every=2), "one of first"),
        (r.Network(values=("192.0.2.1/24",)), "host bits"),
        (r.Not(of=r.Not(of=r.Not(of=r.Not(of=r.Not(of=r.Bot()))))), "nested"),
    ],
)
def test_a_condition_that_cannot_work_is_refused_with_its_rule_number(condition, words):
    rules = (r.Rule(then=r.Gone()), r.Rule(when=condition, then=r.Gone()))
    with pytest.raises(RecordError, match="Rule 2") as error:
        compile_rules(rules)
    assert words in str(error.value)


def test_a_link_asks_only_for_what_its_rules_name():
    def needs(*rules, **fields):
        return compiled_record(Record(1, 1, "https://example.com/", rules=rules, **fields)).needs

    assert needs() == 0
    assert needs(r.Rule(when=r.Placement(), then=r.Gone())) == 0
    assert needs(r.Rule(when=r.Not(of=r.City(values=("Rome",))), then=r.Gone())) == PLACE
    assert needs(r.Rule(when=r.All(of=(r.Os(values=("ios",)),)), then=r.Gone())) == AGENT
    assert needs(r.Rule(then=r.Redirect(to="https://example.com/{lang}/{click_id}"))) == LANGUAGE | CLICK
    two = (r.Variant(to="https://example.com/a"), r.Variant(to="https://example.com/{country}"))
    assert needs(r.Rule(then=r.Split(variants=two))) == BUCKET | PLACE
    assert needs(r.Rule(when=r.Visitor(new=True), then=r.Gone())) == VISITOR
    assert needs(max_scans=5) & NUMBER
    assert needs_count(Record(1, 1, "https://example.com/", max_scans=5))
    assert not needs_count(Record(1, 1, "https://example.com/"))


def test_an_explanation_gives_every_rule_its_reason():
    rules = (
        r.Rule(name="Germany", when=r.Country(values=("DE",)), then=r.Redirect(to="https://example.com/de")),
        r.Rule(
            when=r.All(of=(r.Os(values=("ios", "android")), r.Not(of=r.Placement(values=("door",))))),
            then=r.Redirect(to="https://example.com/phone"),
        ),
        r.Rule(then=r.Gone()),
    )
    record = Record(1, 1, "https://example.com/", rules=rules)
    found = explain(record, Facts(at_ms=0, country="FR", os="ios", placement="wall"))
    assert found.decision.location == "https://example.com/phone"
    assert [(step.rule, step.matched, step.reached, step.why) for step in found.steps] == [
        (1, False, True, "country is FR, wanted DE"),
        (2, True, True, "operating system is ios and placement is wall, wanted door"),
        (3, False, False, "rule 2 decided"),
    ]
    assert explain(record, Facts(at_ms=0)).steps[0].why == "country is not known, wanted DE"


def test_lists_of_languages_that_nobody_sent_before_are_not_kept():
    test, _ = compile_condition(r.Language(values=("pt",)))
    tracemalloc.start()
    try:
        for number in range(1000):
            test(Facts(at_ms=0, languages=((f"x{number}-{'long' * 25}", 1.0),)))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50_000


conditions = st.recursive(
    st.sampled_from(
        [
            r.Os(values=("ios",)),
            r.Country(values=("DE", "FR")),
            r.Language(values=("en",)),
            r.ScanNumber(every=2),
            r.Visitor(new=True),
            r.Query(name="a"),
            r.Network(values=("10.0.0.0/8",)),
            r.Time(zone="Asia/Tokyo", start="08:00", end="20:00"),
        ]
    ),
    lambda inner: (
        st.builds(lambda of: r.Not(of=of), inner)
        | st.builds(lambda of: r.All(of=tuple(of)), st.lists(inner, max_size=3))
        | st.builds(lambda of: r.AtLeastOne(of=tuple(of)), st.lists(inner, max_size=3))
    ),
    max_leaves=6,
)
scans = st.builds(
    Facts,
    at_ms=st.integers(0, 2_000_000_000_000),
    os=st.sampled_from(["", "ios"]),
    country=st.sampled_from(["", "DE", "US"]),
    languages=st.sampled_from([(), (("en-gb", 1.0),), (("de", 1.0), ("en", 0.5))]),
    scan_number=st.none() | st.integers(1, 4),
    is_new=st.none() | st.booleans(),
    query=st.sampled_from([{}, {"a": "1"}]),
    ip=st.sampled_from(["", "10.1.2.3", "192.0.2.1", "2001:db8::1"]),
)


@given(st.lists(conditions, max_size=4), scans)
def test_an_explanation_and_the_decision_never_disagree(found, scan):
    rules = tuple(
        r.Rule(when=condition, then=r.Redirect(to=f"https://example.com/{number}"))
        for number, condition in enumerate(found, start=1)
    )
    record = Record(1, 1, "https://example.com/", rules=rules)
    try:
        explanation = explain(record, scan)
    except RecordError as error:
        assert "nested" in str(error)
        return
    matched = [step.rule for step in explanation.steps if step.matched]
    assert matched == ([explanation.decision.rule] if explanation.decision.rule else [])
    assert all(step.why for step in explanation.steps)
