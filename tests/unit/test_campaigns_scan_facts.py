"""A made-up scan, however it is described: facts, or a sentence; never a traceback."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.scan_facts import NAMES, TEXTS, read_facts

anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.lists(st.text(max_size=3), max_size=2)
    | st.datetimes()
    | st.sampled_from(["DE", "ios", "a=b&a=c", "?p=X", "http://[", "https://www.example.com/x", "::1"])
    | st.just("2027-03-01T09:00:00Z")
)


@given(st.dictionaries(st.sampled_from(sorted(NAMES)) | st.text(max_size=5), anything, max_size=6))
def test_nothing_makes_a_traceback(scan: dict[str, Any]) -> None:
    try:
        facts = read_facts(scan, "abc")
    except InvalidLink as error:
        assert error.field.startswith("scan")
        assert error.message.endswith((".", "”"))
    else:
        assert facts.code == "abc"
        assert len(facts.placement) <= 64


def test_nothing_is_known_of_an_empty_scan_but_the_time() -> None:
    before = datetime.now(UTC)
    facts = read_facts(dict.fromkeys(TEXTS, "") | {"at": None, "is_new": None, "scan_number": None})
    assert before - timedelta(seconds=1) <= datetime.fromtimestamp(facts.at_ms / 1000, UTC)
    assert (facts.country, facts.os, facts.languages, facts.query, facts.scan_number) == (
        "",
        "",
        (),
        {},
        None,
    )
    assert (facts.is_new, facts.is_bot, facts.unlocked, facts.ip) == (None, False, False, "")


def test_what_is_given_wins_over_what_the_agent_says() -> None:
    agent = (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/129.0.0.0 Mobile Safari/537.36"
    )
    assert read_facts({"user_agent": agent}).os == "android"
    facts = read_facts({"user_agent": agent, "os": "Chrome OS", "device": "TV", "is_bot": True})
    assert (facts.os, facts.device, facts.is_bot) == ("chromeos", "tv", True)
    assert read_facts({"user_agent": "Twitterbot/1.0", "is_bot": False}).is_bot is False
    assert read_facts({"country": "de", "continent": "na"}).continent == "NA"


def test_a_query_is_read_as_the_edge_reads_it() -> None:
    facts = read_facts({"query": "?a=1&a=2&b&p=Door%203"})
    assert facts.query == {"a": "1", "b": "", "p": "Door 3"}
    assert (facts.query_string, facts.placement) == ("a=1&a=2&b&p=Door%203", "door 3")
    assert read_facts({"query": "p=a", "placement": "B"}).placement == "b"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("instagram.com", "instagram.com"),
        ("https://www.Instagram.com/p/1", "instagram.com"),
        ("android-app://com.whatsapp/", "WhatsApp"),
        ("whatsapp", "WhatsApp"),
        ("", ""),
    ],
)
def test_a_referrer_is_a_host_an_address_or_an_app(text: str, host: str) -> None:
    assert read_facts({"referrer": text}).referrer == host


def test_a_moment_may_be_text_or_a_datetime() -> None:
    at = datetime(2027, 3, 1, 8, tzinfo=UTC)
    for given_at in (at, "2027-03-01T08:00:00Z", "2027-03-01T09:00:00+01:00"):
        assert read_facts({"at": given_at}).at_ms == at.timestamp() * 1000
    with pytest.raises(InvalidLink, match="with their offset"):
        read_facts({"at": at.replace(tzinfo=None)})
