from hypothesis import given
from hypothesis import strategies as st

from analytics.events import Reason
from edge import rules as r
from edge.compile import compiled_record
from edge.decide import PAGE_DECISIONS, Decision, decide, timeless
from edge.facts import Facts
from edge.record import ACTIVE, BLOCKED, DELETED, PAUSED, Record

moments = st.integers(0, 4_000_000_000_000)
records = st.builds(
    Record,
    workspace_id=st.integers(1, 9),
    link_id=st.integers(1, 9),
    destination=st.just("https://example.com/"),
    state=st.sampled_from([ACTIVE, PAUSED, BLOCKED, DELETED]),
    status=st.sampled_from([301, 302, 303, 307, 308]),
    starts_at=st.none() | moments,
    expires_at=st.none() | moments,
    fallback=st.sampled_from(["", "https://example.com/over"]),
    max_scans=st.integers(0, 3),
    password=st.sampled_from(["", "hash"]),
)


@st.composite
def facts(draw):
    return Facts(
        at_ms=draw(moments),
        scan_number=draw(st.none() | st.integers(1, 5)),
        unlocked=draw(st.booleans()),
        os=draw(st.sampled_from(["", "ios", "android"])),
    )


def told(decision):
    return [getattr(decision, name) for name in Decision.__slots__]


@given(records, facts())
def test_a_plain_link_redirects_exactly_when_it_is_active_in_its_time_unlocked_and_not_used_up(record, scan):
    decision = decide(record, scan)
    running = (record.starts_at is None or scan.at_ms >= record.starts_at) and (
        record.expires_at is None or scan.at_ms < record.expires_at
    )
    open_ = not record.password or scan.unlocked
    left = not record.max_scans or scan.scan_number is None or scan.scan_number <= record.max_scans
    assert (decision.reason is Reason.OK) == (record.state == ACTIVE and running and open_ and left)
    if decision.reason is Reason.OK:
        assert (decision.status, decision.location) == (record.status, record.destination)
    elif decision.location is not None:
        assert (decision.status, decision.location) == (302, record.fallback)
        assert decision.reason in {Reason.PAUSED, Reason.EXPIRED, Reason.NOT_STARTED, Reason.USED_UP}


@given(records, facts())
def test_what_is_decided_once_holds_for_every_scan(record, scan):
    always = timeless(record)
    assert always is None or told(always) == told(decide(record, scan))


@given(records, facts())
def test_compiled_beforehand_or_not_the_decision_is_the_same(record, scan):
    assert told(decide(record, scan)) == told(decide(record, scan, compiled_record(record)))


def at(moment, **more):
    return Facts(at_ms=moment, **more)


def test_the_first_condition_wins():
    record = Record(1, 1, "https://example.com/", state=DELETED, starts_at=10, expires_at=5)
    assert decide(record, at(7)).reason is Reason.DELETED
    started = Record(1, 1, "https://example.com/", starts_at=10, expires_at=5)
    assert decide(started, at(7)).reason is Reason.EXPIRED
    assert decide(None, at(7)).reason is Reason.UNKNOWN


def test_the_start_counts_and_the_end_does_not():
    record = Record(1, 1, "https://example.com/", starts_at=10, expires_at=20)
    assert [decide(record, at(now)).reason for now in (9, 10, 19, 20)] == [
        Reason.NOT_STARTED,
        Reason.OK,
        Reason.OK,
        Reason.EXPIRED,
    ]


def test_a_blocked_or_deleted_link_has_no_fallback():
    for state, reason in ((BLOCKED, Reason.BLOCKED), (DELETED, Reason.DELETED)):
        record = Record(1, 1, "https://example.com/", state=state, fallback="https://example.com/over")
        decision = decide(record, at(1))
        assert (decision.reason, decision.location) == (reason, None)


def test_a_password_guards_the_whole_link_unless_a_rule_asks_for_it():
    whole = Record(1, 1, "https://example.com/", password="hash")
    assert decide(whole, at(1)).reason is Reason.PASSWORD
    assert decide(whole, at(1, unlocked=True)).location == "https://example.com/"
    staff = r.Rule(when=r.Query(name="staff"), then=r.Password(to="https://example.com/staff"))
    some = Record(1, 1, "https://example.com/", password="hash", rules=(staff,))
    assert decide(some, at(1)).location == "https://example.com/"
    assert decide(some, at(1, query={"staff": ""})).reason is Reason.PASSWORD
    assert decide(some, at(1, query={"staff": ""}, unlocked=True)).location == "https://example.com/staff"


def test_the_first_rule_that_holds_decides_and_is_named():
    rules = (
        r.Rule(when=r.Os(values=("ios",)), then=r.Redirect(to="https://example.com/ios", status=307)),
        r.Rule(when=r.Os(values=("ios", "android")), then=r.Notice(title="Soon", text="Not yet")),
        r.Rule(when=r.Os(values=("linux",)), then=r.Gone()),
    )
    record = Record(1, 1, "https://example.com/", status=301, rules=rules)
    found = [decide(record, at(1, os=os)) for os in ("ios", "android", "linux", "windows")]
    assert [(one.reason.value, one.status, one.location, one.rule) for one in found] == [
        ("ok", 307, "https://example.com/ios", 1),
        ("notice", 200, None, 2),
        ("gone", 410, None, 3),
        ("ok", 301, "https://example.com/", 0),
    ]


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=8))
def test_a_split_gives_each_variant_its_share_and_each_bucket_one_variant(weights):
    variants = tuple(
        r.Variant(to=f"https://example.com/{number}", weight=weight)
        for number, weight in enumerate(weights, start=1)
    )
    record = Record(1, 1, "https://example.com/", rules=(r.Rule(then=r.Split(variants=variants)),))
    compiled = compiled_record(record)
    step = 7  # 10,000 buckets are many for each example; every seventh shows the same shares
    found = [decide(record, at(1, bucket=bucket), compiled) for bucket in range(0, 10_000, step)]
    for number, weight in enumerate(weights, start=1):
        share = sum(one.variant == number for one in found) / len(found)
        assert abs(share - weight / sum(weights)) < 0.002
        assert {one.location for one in found if one.variant == number} <= {f"https://example.com/{number}"}


def test_every_reason_without_a_page_of_its_own_is_answered_otherwise():
    otherwise = {Reason.OK, Reason.PASSWORD, Reason.PREVIEW, Reason.NOTICE}
    assert {decision.reason for decision in PAGE_DECISIONS} == set(Reason) - otherwise
