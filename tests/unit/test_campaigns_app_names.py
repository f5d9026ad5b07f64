"""Schemes that a workspace may list as its own apps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.campaigns.app_names import REFUSED_SCHEMES, check_app_scheme
from control_plane.campaigns.errors import InvalidApps


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("myapp", "myapp"),
        (" MyApp:// ", "myapp"),
        ("com.example.shop+1-x:", "com.example.shop+1-x"),
        ("a1", "a1"),
        ("a" * 41, "a" * 41),
    ],
)
def test_a_scheme_has_one_stored_form(text: str, scheme: str) -> None:
    assert check_app_scheme(text) == scheme


@pytest.mark.parametrize(
    "text",
    ["", "a", "a" * 42, "1app", "my app", "my_app", "myapp:/", "myapp://x", "mÿapp", "myapp\n:", "\u212aapp"],
)
def test_what_is_no_scheme_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidApps, match=r"is not an app's scheme\. Give what stands before ://, such as"):
        check_app_scheme(text)


@pytest.mark.parametrize("scheme", sorted(REFUSED_SCHEMES | {"JavaScript", "HTTP://"}))
def test_what_is_refused_to_all_cannot_be_listed(scheme: str) -> None:
    with pytest.raises(InvalidApps, match="opens something other than an app of your own") as caught:
        check_app_scheme(scheme)
    assert caught.value.field == "schemes"


def test_https_needs_no_place_on_the_list() -> None:
    with pytest.raises(InvalidApps, match="without being listed"):
        check_app_scheme("https")


@given(st.text(max_size=45) | st.from_regex(r"[A-Za-z][A-Za-z0-9+.-]{1,40}", fullmatch=True))
def test_whatever_is_taken_is_stored_as_it_is(text: str) -> None:
    try:
        scheme = check_app_scheme(text)
    except InvalidApps:
        return
    assert check_app_scheme(scheme) == scheme
    assert scheme.isascii()
    assert scheme == scheme.lower()
