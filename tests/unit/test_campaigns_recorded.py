"""What a day's records answer: no question is forgotten in grouping, and what is not known is said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.campaigns.recorded import QUARTER, UTM, asked, facts_of, unknown
from edge import rules as r
from edge.compile import compiled_record
from edge.decide import Decision, decide
from edge.record import Record

DAY = datetime(2026, 3, 28, tzinfo=UTC)  # the night in which clocks in Berlin go forward
VALUES: dict[str, list[Any]] = {
    "country": ["", "DE", "FR"],
    "region": ["", "Hesse"],
    "city": ["", "Köln"],
    "continent": ["", "EU"],
    "device": ["", "phone", "desktop"],
    "os": ["", "iOS", "Chrome OS"],
    "in_app": ["", "Instagram"],
    "language": ["", "de", "pt"],
    "referrer_host": ["", "l.instagram.com", "WhatsApp"],
    "placement": ["", "window"],
    **{name: ["", "x"] for name in UTM},
    "bucket": [0, 4999, 5000, 9999],
    "is_new": [0, 1],
}
rows = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in VALUES.items()}
    | {"at": st.integers(0, 2 * 86400 - 1).map(lambda second: DAY + timedelta(seconds=second))}
)
clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
LEAVES = [
    st.builds(r.Country, values=st.just(("DE",))),
    st.builds(r.Region, values=st.just(("hesse",))),
    st.builds(r.City, values=st.just(("köln",))),
    st.builds(r.Continent, values=st.just(("EU",))),
    st.builds(r.Device, values=st.just(("phone",))),
    st.builds(r.Os, values=st.sampled_from([("ios",), ("chromeos",)])),
    st.builds(r.InApp),
    st.builds(r.Language, values=st.just(("de",))),
    st.builds(r.Referrer, values=st.just(("instagram.com",))),
    st.builds(r.Placement),
    st.builds(r.Query, name=st.sampled_from(UTM)),
    st.builds(r.Visitor, new=st.booleans()),
    st.builds(
        r.Time,
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        days=st.sampled_from([(), (6,), (1, 7)]),
        start=clocks,
        end=clocks,
    ),
    st.builds(
        lambda minute: r.Dates(start=(DAY + timedelta(minutes=minute)).isoformat()), st.integers(0, 2880)
    ),
]
leaves = st.one_of(LEAVES)
conditions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(r.All, of=st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(r.AtLeastOne, of=st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(r.Not, of=inner)
    ),
    max_leaves=4,
)
addresses = st.sampled_from(["", "{country}", "{lang}", "{placement}", "{code}"]).map(
    lambda word: f"https://example.com/{word}"
)
actions = st.one_of(
    st.builds(r.Redirect, to=addresses, utm=st.sampled_from([{}, {"source": "{placement}"}])),
    st.builds(
        lambda one, other: r.Split(variants=(r.Variant(to=one), r.Variant(to=other))), addresses, addresses
    ),
    st.just(r.App(to="https://example.com/", ios_link="https://example.com/ios", android_package="a.b")),
    st.just(r.Gone()),
)
records = st.builds(
    lambda rules, to: Record(1, 1, to, rules=tuple(rules)),
    st.lists(st.builds(r.Rule, when=st.none() | conditions, then=actions), max_size=3),
    addresses,
)


@given(records, rows)
def test_a_group_is_decided_as_each_of_its_scans(record: Record, row: dict[str, Any]) -> None:
    check_grouping(record, row)


@pytest.mark.parametrize("number", range(len(LEAVES)))
@given(st.data())
def test_each_condition_alone_is_grouped_by(number: int, data: st.DataObject) -> None:
    rule = r.Rule(when=data.draw(LEAVES[number]), then=r.Gone())
    check_grouping(Record(1, 1, "https://example.com/", rules=(rule,)), data.draw(rows))


def check_grouping(record: Record, row: dict[str, Any]) -> None:
    """Grouped by what `asked` names, and time rounded down: the decision is that of the scan itself."""
    question = asked(record)
    width = timedelta(minutes=1 if question.minutes else QUARTER)
    grouped = {
        name: value if name in question.facts else type(value)()
        for name, value in row.items()
        if name != "at"
    }
    start = row["at"] - (row["at"] - DAY) % width
    grouped["at"] = start if "at" in question.facts else datetime(1970, 1, 1, tzinfo=UTC)
    compiled = compiled_record(record)
    whole, group = (decide(record, facts_of(one, "abc"), compiled) for one in (row, grouped))
    assert [getattr(group, name) for name in Decision.__slots__] == [
        getattr(whole, name) for name in Decision.__slots__
    ]
    # All of these are recorded.
    assert not [said for said in unknown(record.rules) if ", split:" not in said]


def test_only_what_is_asked_is_grouped_by() -> None:
    assert asked(Record(1, 1, "https://example.com/")).facts == ()
    time = r.Rule(when=r.Time(zone="UTC", start="08:00", end="18:30"), then=r.Gone())
    assert (
        asked(Record(1, 1, "x", rules=(time,))).facts,
        asked(Record(1, 1, "x", rules=(time,))).minutes,
    ) == (
        ("at",),
        False,
    )
    both = asked(Record(1, 1, "x{lang}"), Record(1, 1, "x", rules=(r.Rule(then=r.Split(variants=())),)))
    assert both.facts == ("bucket", "language")


def test_every_condition_is_recorded_or_said_not_to_be() -> None:
    """A new kind of condition has to be put into one of the two."""
    for kind in r.AnyCondition.__args__:
        if kind in (r.All, r.AtLeastOne, r.Not):
            continue
        given_fields = {"values": ("x",), "name": "x", "zone": "UTC", "new": True}
        names = {field for field in kind.__struct_fields__ if field in given_fields}
        rule = r.Rule(when=kind(**{name: given_fields[name] for name in names}), then=r.Gone())
        facts = asked(Record(1, 1, "x", rules=(rule,))).facts
        assert bool(facts) != bool(unknown((rule,))), kind


def test_what_was_said_of_the_draft_is_not_said_again_of_the_saved_rules() -> None:
    number, network = (
        r.Rule(when=when, then=r.Gone())
        for when in (r.ScanNumber(first=1), r.Network(values=("10.0.0.0/8",)))
    )
    said = unknown((number, network), "Saved rule", known=(number,))
    assert said == ["Saved rule 2, IP address: Addresses are never recorded, so this counts as not met."]
