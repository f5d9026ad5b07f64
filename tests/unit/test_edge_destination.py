from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.destination import destination
from edge.entry import check_url
from edge.facts import Facts


def lead(to, *, pass_query=False, utm=None, **facts):
    return destination(to, Facts(at_ms=0, **facts), pass_query=pass_query, utm=utm)


@pytest.mark.parametrize(
    ("to", "query", "expected"),
    [
        ("https://e.com/", "a=1&b=2", "https://e.com/?a=1&b=2"),
        ("https://e.com/?a=9", "a=1&b=2", "https://e.com/?a=9&b=2"),
        ("https://e.com/?", "a=1", "https://e.com/?a=1"),
        ("https://e.com/#top", "a=1", "https://e.com/?a=1#top"),
        ("https://e.com/", "p=door&a=1", "https://e.com/?a=1"),
        ("https://e.com/", "a", "https://e.com/?a"),
        ("https://e.com/", "a=%C3%BC", "https://e.com/?a=%C3%BC"),
        ("https://e.com/", "a=ü<", "https://e.com/?a=%C3%BC%3C"),
        ("https://e.com/", "", "https://e.com/"),
    ],
)
def test_the_scans_own_query_is_added_and_the_destinations_wins(to, query, expected):
    assert lead(to, pass_query=True, query_string=query) == expected


def test_utm_values_fill_what_is_not_there():
    utm = {"source": "poster", "campaign": "spring {placement}"}
    assert lead("https://e.com/?utm_source=own", utm=utm, placement="door 1") == (
        "https://e.com/?utm_source=own&utm_campaign=spring%20door%201"
    )
    assert lead("https://e.com/", utm=utm, pass_query=True, query_string="utm_source=mail") == (
        "https://e.com/?utm_source=mail&utm_campaign=spring%20"
    )


def test_placeholders_are_the_scans_own_values():
    found = lead(
        "https://e.com/{country}/{lang}?c={code}&p={placement}&id={click_id}&other={name}",
        code="k7m2",
        country="DE",
        languages=(("pt-br", 1.0),),
        placement="a/b",
        click_id="0f",
    )
    assert found == "https://e.com/DE/pt?c=k7m2&p=a%2Fb&id=0f&other={name}"


@given(
    st.sampled_from(
        ["https://e.com/", "https://e.com/a?x=1", "https://e.com/{placement}#f", "https://e.com"]
    ),
    st.text(max_size=80),
    st.text(max_size=40),
    st.dictionaries(st.sampled_from(["source", "medium"]), st.text(max_size=20), max_size=2),
)
def test_nothing_in_a_request_can_break_the_header_or_change_the_host(to, query, placement, utm):
    found = lead(to, pass_query=True, utm=utm, query_string=query, placement=placement)
    check_url(found)  # raises
    assert urlsplit(found).netloc == "e.com"
    assert urlsplit(found).scheme == "https"
    assert urlsplit(found).fragment == urlsplit(to).fragment
    for name, value in parse_qsl(urlsplit(to).query):
        assert (name, value) in parse_qsl(urlsplit(found).query)
