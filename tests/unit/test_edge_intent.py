from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.intent import intent, scheme
from edge.rules import App

TO = "https://shop.example/p/1"
PLAY = "https%3A%2F%2Fplay.google.com%2Fstore%2Fapps%2Fdetails%3Fid%3Dexample.shop"


@pytest.mark.parametrize(
    ("action", "address"),
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
def test_the_address_of_an_app(action, address):
    assert intent(action) == address


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
    address = intent(App(to=to, android_link=link, android_package=package, android_store=store))
    if not address:  # a line break ends what can be an address
        assert "\n" in link
        return
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address
    data, _, fields = address.rpartition("#")
    assert "#Intent;" not in data
    head, *rest, end = fields.split(";")
    assert (head, end) == ("Intent", "end")
    named = [field.partition("=")[0] for field in rest]
    assert named in (["scheme", "S.browser_fallback_url"], ["scheme", "package", "S.browser_fallback_url"])
    assert rest[0] == "scheme=shop"
    fallback = unquote(rest[-1].partition("=")[2])
    assert fallback in (store, to) or fallback.startswith("https://play.google.com/store/apps/details?id=")
