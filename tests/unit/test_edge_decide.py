from hypothesis import given
from hypothesis import strategies as st

from analytics.events import Reason
from edge.decide import PAGE_DECISIONS, decide, timeless
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
)


@given(records, moments)
def test_a_decision_redirects_exactly_when_the_link_is_active_and_in_its_time(record, now):
    decision = decide(record, now)
    running = (record.starts_at is None or now >= record.starts_at) and (
        record.expires_at is None or now < record.expires_at
    )
    assert (decision.reason is Reason.OK) == (record.state == ACTIVE and running)
    if decision.reason is Reason.OK:
        assert (decision.status, decision.location) == (record.status, record.destination)
    else:
        assert decision.location is None
        assert decision in PAGE_DECISIONS


@given(records, moments)
def test_what_is_decided_once_holds_at_any_time(record, now):
    always = timeless(record)
    assert always is None or always == decide(record, now)


def test_the_first_condition_wins():
    record = Record(1, 1, "https://example.com/", state=DELETED, starts_at=10, expires_at=5)
    assert decide(record, 7).reason is Reason.DELETED
    assert (
        decide(Record(1, 1, "https://example.com/", starts_at=10, expires_at=5), 7).reason is Reason.EXPIRED
    )
    assert decide(None, 7).reason is Reason.UNKNOWN


def test_the_start_counts_and_the_end_does_not():
    record = Record(1, 1, "https://example.com/", starts_at=10, expires_at=20)
    assert [decide(record, now).reason for now in (9, 10, 19, 20)] == [
        Reason.NOT_STARTED,
        Reason.OK,
        Reason.OK,
        Reason.EXPIRED,
    ]


def test_every_reason_but_ok_has_a_page():
    assert {decision.reason for decision in PAGE_DECISIONS} == set(Reason) - {Reason.OK}
