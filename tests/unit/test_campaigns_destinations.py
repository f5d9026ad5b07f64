"""Where a link may lead: what is refused, in which words, and the one safe form of the rest."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from control_plane.campaigns.destinations import MAX_LENGTH, check_destination
from control_plane.campaigns.errors import InvalidLink

OWN = frozenset({"go.example.com", "192.168.1.5:8080", "127.0.0.1:8080"})


@pytest.mark.parametrize(
    ("given_url", "stored"),
    [
        ("https://example.com", "https://example.com/"),
        ("  HTTPS://Example.COM/Menu  ", "https://example.com/Menu"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:0443/a", "https://example.com/a"),
        ("https://example.com:8443", "https://example.com:8443/"),
        ("https://example.com.?q=1#top", "https://example.com/?q=1#top"),
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
        ("https://日本語.jp/", "https://xn--wgv71a119e.jp/"),
        ("https://example.com/100%/a%20b", "https://example.com/100%25/a%20b"),
        ("https://example.com/?q=<b>", "https://example.com/?q=%3Cb%3E"),
        ("https://ｅｘample.com/", "https://example.com/"),
        ("http://192.168.1.5:9000/", "http://192.168.1.5:9000/"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://[::ffff:192.0.2.1]/", "http://192.0.2.1/"),
        ("https://my_host.example.com/", "https://my_host.example.com/"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_an_address_has_one_stored_form(given_url, stored):
    assert check_destination(given_url, OWN) == stored


@pytest.mark.parametrize(
    ("url", "part_of_the_sentence"),
    [
        ("", "Give the address"),
        ("   ", "Give the address"),
        ("example.com", "Start the address with https://"),
        ("example.com:80/x", "Start the address with https://"),
        ("//example.com/", "Start the address with https://"),
        ("https:/example.com", "Start the address with https://"),
        ("https:example.com", "Start the address with https://"),
        ("httpſ://example.com/", "Start the address with https://"),  # the long s is an s to a careless regex
        ("https:///example.com", "no host name"),
        ("javascript:alert(1)", "“javascript:” addresses cannot be used"),
        ("JaVaScRiPt:alert(1)//http://x.example", "addresses cannot be used"),
        ("java\tscript:alert(1)", "invisible character (U+0009)"),
        ("data:text/html,hi", "“data:” addresses cannot be used"),
        ("ftp://example.com/", "“ftp:” addresses cannot be used"),
        ("https://user@example.com/", "user name or password"),
        ("https://example.com:pw@evil.example/", "user name or password"),
        ("https://example.com\\@evil.example/", "backslashes"),
        ("https:\\\\example.com", "backslashes"),
        ("https://example.com/a b", "no spaces"),
        ("https://example.com/\r\nSet-Cookie: a=b", "U+000D"),
        ("https://example.com/\u200b", "U+200B"),
        ("https://example.com/\u202egnp.exe", "U+202E"),
        ("https://exam\u00adple.com/", "U+00AD"),
        ("https://example.com/\x00", "U+0000"),
        ("https://example.com/\ud800", "U+D800"),
        ("https://localhost/", "not reachable"),
        ("https://intranet:8000/", "not reachable"),
        ("https://example.com:99999/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:8o/", "port"),
        ("https://127.1/", "four numbers"),
        ("https://0x7f.1/", "four numbers"),
        ("https://2130706433/", "four numbers"),
        ("https://010.0.0.1/", "four numbers"),
        ("https://0.0.0.0/", "cannot be opened"),
        ("https://[::]/", "cannot be opened"),
        ("https://[fe80::1%25eth0]/", "cannot be opened"),
        ("https://[::1", "not an IPv6"),
        ("https://ex%61mple.com/", "percent"),
        ("https://-example.com/", "not valid"),
        ("https://example..com/", "not valid"),
        ("https://exa$mple.com/", "not valid"),
        ("https://" + "a" * 64 + ".com/", "not valid"),
        ("https://pаypal.com/", "mixes letters of several scripts"),  # Cyrillic а
        ("https://аррӏе.com/", "looks like a Latin name"),  # all Cyrillic
        ("https://xn--80ak6aa92e.com/", "looks like a Latin name"),
        ("https://xn--a/", "not reachable"),
        ("https://xn--a-\u00e9.com/", "not valid"),
        ("https://go.example.com/abc", "lead in a circle"),
        ("http://GO.example.com.:8443/abc", "lead in a circle"),
        ("http://192.168.1.5:8080/abc", "lead in a circle"),
        ("http://127.0.0.1:8080/abc", "lead in a circle"),
        ("http://[::ffff:127.0.0.1]:8080/abc", "lead in a circle"),
        ("https://ｇｏ.example.com/abc", "lead in a circle"),
        ("https://example.com/" + "a" * 10_000, "at most 2,048 characters"),
        ("https://example.com/" + "é" * 500, "Written out for the web"),
    ],
)
def test_what_is_refused_says_why(url, part_of_the_sentence):
    with pytest.raises(InvalidLink) as caught:
        check_destination(url, OWN)
    assert caught.value.field == "destination"
    assert part_of_the_sentence in caught.value.message


# Text that looks like an address, or nearly.
almost = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTP://", "", "https:/", "javascript:"]),
        st.one_of(
            st.sampled_from(["example.com", "bücher.example", "[::1]", "127.0.0.1"]), st.text(max_size=12)
        ),
        st.sampled_from(["", ":8080", ":80", ":", "@", "."]),
        st.one_of(st.just(""), st.text(max_size=40).map(lambda text: "/" + text)),
        st.sampled_from(["", "?a=b", "#x", "?", "%", "%zz", "\r\n"]),
    ),
)


@given(st.one_of(almost, st.text(max_size=80)))
@example("https://example.com/\r\nX: y")
@example("https://℀.example/")
@example("https://ß.example/%")
def test_whatever_is_typed_the_result_is_safe_and_stable(text):
    try:
        stored = check_destination(text, OWN)
    except InvalidLink:
        return
    assert re.fullmatch(r"https?://[!-~]+", stored)
    assert "\\" not in stored
    assert "@" not in stored.split("/")[2]
    assert len(stored) <= MAX_LENGTH
    assert check_destination(stored, OWN) == stored
