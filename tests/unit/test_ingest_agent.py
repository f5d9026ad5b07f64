"""Real agent strings, and what each of them is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.visitors.agent import Agent, agent
from analytics.visitors.glance import DESKTOP, OTHER, PHONE, TABLET, TV

TABLE = [
    line.split("\t")
    for line in Path(__file__).with_name("agents.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
REDUCED = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
    "Mobile Safari/537.36"
)
# Safari on an iPad sends this too, and nothing in it tells the two apart.
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Safari/605.1.15"
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0][-50:])
def test_a_real_agent_string_is_read(row):
    assert agent(row[0]) == Agent(*row[1:])


def test_client_hints_name_the_model_that_a_reduced_agent_hides():
    assert agent(REDUCED, '"Android"', "?1", '"Pixel 8 Pro"').model == "Pixel 8 Pro"
    assert agent(REDUCED).model == ""


def test_a_macintosh_whose_hints_say_ios_is_an_ipad():
    assert agent(MAC, '"iOS"') == Agent(TABLET, "iPad", "iOS", "Safari", "")
    assert agent(MAC, '"macOS"', "?0").device == DESKTOP


def test_no_agent_is_no_device():
    assert agent("") == Agent()
    assert agent("something/1.0").device == OTHER


def test_hints_alone_are_enough():
    assert agent("", '"Windows"', "?0") == Agent(DESKTOP, "", "Windows", "", "")


@given(
    st.text(max_size=300), st.text(max_size=30), st.sampled_from(["", "?0", "?1", "x"]), st.text(max_size=30)
)
def test_nothing_makes_it_fail(user_agent, platform, mobile, model):
    found = agent(user_agent, platform, mobile, model)
    assert found.device in {"", PHONE, TABLET, DESKTOP, TV, OTHER}
    assert all(len(value) <= 64 and (value.isprintable() or not value) for value in found)
