"""Who is a person, who is not, and what the verdict says it saw."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ingest_agent import TABLE

from analytics.visitors.bots import AGENT_SIGNALS, HUMAN, SIGNALS, THRESHOLD, named, verdict
from analytics.visitors.networks import Kind, Network

SAFARI = TABLE[0][0]
AWS = Network("aws", Kind.HOSTING)
PERSON = {"user_agent": SAFARI, "network": None, "accept": "text/html,*/*;q=0.8", "accept_language": "en-GB"}
BOTS = [
    line.split("\t")
    for line in Path(__file__).with_name("bots.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("user_agent", "signal", "name"), BOTS)
def test_what_names_itself_is_a_bot_alone(user_agent, signal, name):
    seen = verdict(**{**PERSON, "user_agent": user_agent})
    assert (seen.is_bot, seen.name, seen.signals[0]) == (True, name, signal)


@pytest.mark.parametrize("user_agent", [row[0] for row in TABLE])
def test_no_real_browser_or_app_names_itself_a_bot(user_agent):
    assert verdict(**{**PERSON, "user_agent": user_agent}) == HUMAN


@pytest.mark.parametrize(
    ("change", "signals", "is_bot"),
    [
        ({"user_agent": ""}, ("empty_user_agent",), True),
        ({"method": "HEAD"}, ("head_method",), True),
        ({"purpose": "prefetch;prerender"}, ("prefetch",), True),
        ({"network": Network("bingbot", Kind.CRAWLER)}, ("crawler_ip",), True),
        ({"network": AWS}, ("hosting_ip",), False),
        ({"network": Network("cloudflare", Kind.RELAY)}, (), False),
        ({"accept_language": ""}, ("no_accept_language",), False),
        ({"accept": "*/*"}, ("no_html_accept",), False),
        ({"sec_fetch_mode": "navigate"}, (), False),
        ({"sec_fetch_mode": "no-cors"}, ("not_navigation",), False),
        ({"network": AWS, "accept_language": ""}, ("hosting_ip", "no_accept_language"), True),
        ({"accept": "", "accept_language": ""}, ("no_accept_language", "no_html_accept"), True),
        ({"accept": "image/*", "sec_fetch_mode": "no-cors"}, ("no_html_accept", "not_navigation"), True),
    ],
)
def test_what_is_enough_alone_and_what_needs_company(change, signals, is_bot):
    seen = verdict(**{**PERSON, **change})
    assert (seen.signals, seen.is_bot) == (signals, is_bot)


def test_a_crawlers_range_names_who_hides_behind_a_browser():
    assert verdict(**{**PERSON, "network": Network("bingbot", Kind.CRAWLER)}).name == "bingbot"


def test_a_stranger_cannot_write_a_name_into_reports():
    assert named("BuyMyPillsBot/1.0 (+http://spam.example)").name == ""


short = st.text(max_size=20)


@given(st.text(max_size=200), short, short, short, short, st.sampled_from([None, AWS]))
def test_the_verdict_is_the_sum_of_the_table(user_agent, method, purpose, accept, mode, network):
    seen = verdict(
        user_agent=user_agent,
        network=network,
        method=method,
        purpose=purpose,
        accept=accept,
        sec_fetch_mode=mode,
    )
    assert seen.is_bot == (sum(SIGNALS[each] for each in seen.signals) >= THRESHOLD)
    assert list(seen.signals) == [each for each in SIGNALS if each in seen.signals]
    assert len(AGENT_SIGNALS.intersection(seen.signals)) <= 1
    assert len(seen.name) <= 40
