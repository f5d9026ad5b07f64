from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.intent import address, intent, scheme
from edge.rules import App

TO = "https://shop.example/p/1"
PLAY = "https%3A%2F%2Fplay.google.com%2Fstore%2Fapps%2Fdetails%3Fid%3Dexample.shop"


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (App(to=TO), ""),
        (App(to=TO, android_store="https://store.example/"), ""),
        (
            App(to=TO, android_link="shop://product/1?a=b&c", android_package="example.shop"),
            "intent://product/1?a=b&c#Intent;scheme=shop;package=example.shop;"
            f"S.browser_fallback_url={PLAY};end",
        ),
        (
            App(to=TO, android_package="example.shop"),
            "intent://shop.example/p/1#Intent;scheme=https;package=example.shop;"
            f"S.browser_fallback_url={PLAY};end",
        ),
        (
            App(to=TO, android_link="https://app.example/#/p/1", android_store="https://store.example/x?y"),
            "intent://app.example/#/p/1#Intent;scheme=https;"
            "S.browser_fallback_url=https%3A%2F%2Fstore.example%2Fx%3Fy;end",
        ),
        (
            App(to=TO, android_link="shop:product"),
            "intent:product#Intent;scheme=shop;S.browser_fallback_url=https%3A%2F%2Fshop.example%2Fp%2F1;end",
        ),
    ],
)
def test_the_intent_of_an_app(action, wanted):
    assert intent(action) == wanted


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "intent://x#Intent;end", "file:///etc", "x", ":x", "data:,"]
)
def test_a_scheme_that_may_not_open_an_app_is_no_link(link):
    assert scheme(link) == ""
    assert intent(App(to=TO, android_link=link)) == ""


texts = st.text(max_size=30) | st.sampled_from(
    ["#Intent;end", ";package=evil.app;", "#", ";end", "a.b;S.x=y", "%23Intent%3Bend", "\r\nlocation: x"]
)


@given(texts, texts, texts, texts)
def test_no_text_adds_a_field_or_changes_another(link, package, store, to):
    link = f"shop://{link}"
    found = intent(App(to=to, android_link=link, android_package=package, android_store=store))
    if not found:  # a line break ends what can be an address
        assert "\n" in link
        return
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found
    data, _, fields = found.rpartition("#")
    assert "#Intent;" not in data
    head, *rest, end = fields.split(";")
    assert (head, end) == ("Intent", "end")
    named = [field.partition("=")[0] for field in rest]
    assert named in (["scheme", "S.browser_fallback_url"], ["scheme", "package", "S.browser_fallback_url"])
    assert rest[0] == "scheme=shop"
    fallback = unquote(rest[-1].partition("=")[2])
    assert fallback in (store, to) or fallback.startswith("https://play.google.com/store/apps/details?id=")


SHOP = App(to=TO, ios_link="shop://p/1", ios_store="https://apps.apple.com/app/id1")


@pytest.mark.parametrize(
    ("action", "os", "wanted"),
    [
        (
            App(to=TO, ios_link="https://app.example/p", ios_store="https://s.example"),
            "ios",
            "https://app.example/p",
        ),
        (App(to=TO, ios_store="https://apps.apple.com/1"), "ios", "https://apps.apple.com/1"),
        (App(to=TO, ios_link="javascript:alert(1)"), "ios", TO),
        (App(to=TO, android_link="shop://p"), "ios", TO),
        (SHOP, "ios", None),
        (SHOP, "android", TO),
        (SHOP, "windows", TO),
        (SHOP, "", TO),
    ],
)
def test_where_an_app_rule_leads_on_each_system(action, os, wanted):
    assert address(action, os) == wanted


def test_android_gets_an_intent():
    found = address(App(to=TO, android_link="shop://p", android_package="example.shop"), "android")
    assert found.startswith("intent://p#Intent;scheme=shop;package=example.shop;")
