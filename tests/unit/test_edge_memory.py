"""What somebody sends again and again, each time a little different, does not stay in memory."""

import gc
from types import SimpleNamespace

from analytics.visitors.bots import named
from analytics.visitors.glance import glance
from analytics.visitors.language import accepted_languages
from analytics.visitors.referrer import referrer
from edge import language, request
from edge.conditions import AGENT, BOT, LANGUAGE, QUERY, REFERRER
from edge.domains import DEFAULT, MAX_HOST, Sites
from edge.request import facts_of

LONG = "x" * 20_000


def visit(number):
    text = f"{number}{LONG}"
    headers = dict.fromkeys(
        ("user-agent", "accept-language", "referer", "sec-ch-ua-platform", "sec-ch-ua-mobile"), text
    )
    return SimpleNamespace(
        header=lambda name, default="": headers.get(name, default), query=f"a={text}", method="GET", ip="",
        code="a", placement="", now_ns=0, event_id=b"", agent=text, languages=text,
    )  # fmt: skip


def longest_remembered(*functions):
    """Characters of the longest string that any of these caches is asked by."""
    longest = 0
    for function in functions:
        for held in gc.get_referents(function):
            if isinstance(held, dict):
                for asked in held:
                    found = asked if isinstance(asked, str) else ""
                    values = getattr(asked, "__iter__", None) and not found and list(asked)
                    for value in (found, *(values or ())):
                        longest = max(longest, len(value) if isinstance(value, str) else 0)
    return longest


def test_caches_are_asked_by_as_much_of_a_request_as_is_recorded():
    caches = (glance, named, accepted_languages, referrer, request.parameters, language._best)
    for cache in caches:
        if hasattr(cache, "cache_clear"):
            cache.cache_clear()
    for number in range(3):
        facts_of(AGENT | BOT | LANGUAGE | QUERY | REFERRER, visit(number), 1, lambda ip: ("",) * 4)
        language.best_language(f"{number}{LONG}")
    assert 256 <= longest_remembered(*caches) <= 2_048


def test_a_host_header_that_is_too_long_for_a_name_is_not_remembered():
    sites = Sites("go.example.com", None, memoryview(bytearray(4096)).cast("Q"))
    assert sites._remember("go.example.com:80", DEFAULT) is DEFAULT
    assert sites._remember("go.example.com:" + "8" * MAX_HOST, DEFAULT) is DEFAULT
    assert sites.hot("go.example.com:80", 0.0) is DEFAULT
    assert sites.hot("go.example.com:" + "8" * MAX_HOST, 0.0) is None
