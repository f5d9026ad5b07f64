"""Referrer, campaign, language, place, visitor: each from one header or address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ingest.utm import Utm, utm
from analytics.visitors.geo import NOWHERE, Geo, GeoError, Place
from analytics.visitors.language import primary_language
from analytics.visitors.referrer import IP_ADDRESS, bare_host, referrer
from analytics.visitors.visitor import visitor_id

OWN = frozenset({"go.example.com"})


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://www.instagram.com/p/xyz/?igsh=secret", "instagram.com"),
        ("https://l.facebook.com/", "l.facebook.com"),
        ("http://WWW.Example.ORG:8080/a", "example.org"),
        ("https://user:pass@news.example/a", "news.example"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("android-app://com.google.android.gm/", "Gmail"),
        ("android-app://org.example.app", "org.example.app"),
        ("https://go.example.com/abc", ""),
        ("https://go.example.com./abc", ""),
        ("http://192.168.1.5/menu", IP_ADDRESS),
        ("http://[2001:db8::1]:80/", IP_ADDRESS),
        ("http://2130706433/", IP_ADDRESS),
        ("", ""),
        ("about:blank", ""),
        ("http://", ""),
        ("http://[broken", ""),
        ("javascript:alert(1)", ""),
        ("https://" + "a" * 300 + ".example/", ""),
        ("https://exa mple.com/", ""),
    ],
)
def test_a_referrer_is_its_host_alone(referer, host):
    assert referrer(referer, OWN) == host


@pytest.mark.parametrize(
    ("host", "bare"), [("Go.Example.com:8080", "go.example.com"), ("[::1]:80", "::1"), ("", ""), ("[", "")]
)
def test_a_bare_host_has_no_port(host, bare):
    assert bare_host(host) == bare


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("utm_source=poster&utm_medium=print", Utm(source="poster", medium="print")),
        ("UTM_Campaign=Spring%20Sale&utm_term=a+b", Utm(campaign="Spring Sale", term="a b")),
        ("utm_content=first&utm_content=second", Utm(content="first")),
        ("utm_source=%E6%B5%B7%E6%8A%A5", Utm(source="海报")),
        ("utm_source=%00%0d%0aSet-Cookie", Utm(source="Set-Cookie")),
        ("utm_source=" + "x" * 500, Utm(source="x" * 128)),
        ("utm_source=&utm_id=7&a=b", Utm()),
        ("utm_source=%ff%fe", Utm(source="\ufffd\ufffd")),
        ("", Utm()),
    ],
)
def test_campaign_parameters(query, found):
    assert utm(query) == found


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("pt-BR", "pt"),
        ("de;q=0.5, fr;q=0.9", "fr"),
        ("zh-Hans-CN,zh;q=0.9", "zh"),
        ("*", ""),
        ("en;q=0", ""),
        ("", ""),
        ("x", ""),
        (";;;,,=", ""),
    ],
)
def test_the_language_with_the_highest_weight(header, language):
    assert primary_language(header) == language


@pytest.fixture(scope="module")
def geo():
    return Geo()


@pytest.mark.parametrize(
    ("ip", "country", "continent"),
    [
        ("81.2.69.142", "GB", "EU"),
        ("91.64.0.1", "DE", "EU"),
        ("189.1.2.3", "BR", "SA"),
        ("223.5.5.5", "CN", "AS"),
    ],
)
def test_an_address_has_a_place(geo, ip, country, continent):
    place = geo.place(ip)
    assert (place.country, place.continent) == (country, continent)
    assert place.city and place.region


def test_where_the_two_files_disagree_the_younger_names_the_country_and_nobody_the_city(geo):
    assert geo.place("2001:4860:4860::8888") == Place(country="US", continent="NA")


def test_a_mapped_address_is_its_ipv4_self(geo):
    assert geo.place("::ffff:81.2.69.142") == geo.place("81.2.69.142")


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.1.2.3", "192.168.1.9", "::1", "fe80::1", "fd00::1", "100.64.0.1", "", "x", "1.2.3.4.5"],
)
def test_what_is_not_public_is_nowhere(geo, ip):
    assert geo.place(ip) == NOWHERE


def test_a_file_that_is_no_database_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "city.mmdb").write_bytes(b"not a database")
    with pytest.raises(GeoError, match="SCANWAY_GEOIP_PATH"):
        Geo(str(tmp_path / "city.mmdb"))


def test_a_visitor_is_one_per_day_workspace_address_and_agent():
    salt, other = b"a" * 16, b"b" * 16
    base = visitor_id(salt, "81.2.69.142", "Safari", 7)
    assert base == visitor_id(salt, "81.2.69.142", "Safari", 7)
    assert (
        len(
            {
                base,
                visitor_id(other, "81.2.69.142", "Safari", 7),
                visitor_id(salt, "81.2.69.143", "Safari", 7),
                visitor_id(salt, "81.2.69.142", "Chrome", 7),
                visitor_id(salt, "81.2.69.142", "Safari", 8),
            }
        )
        == 5
    )
    assert 0 <= base < 2**64


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_no_two_visitors_share_a_message(ip, agent, other_ip, other_agent):
    same = visitor_id(b"s" * 16, ip, agent, 1) == visitor_id(b"s" * 16, other_ip, other_agent, 1)
    assert same == ((ip, agent) == (other_ip, other_agent))


@given(st.text(max_size=300))
def test_nothing_makes_them_fail(text):
    assert len(referrer(text, OWN)) <= 253
    assert all(len(value) <= 128 for value in utm(text))
    assert all(len(value) <= 128 for value in utm("utm_source=" + text))
    assert len(primary_language(text)) <= 8
    bare_host(text)
    assert Geo().place(text) is not None if len(text) < 2 else True
