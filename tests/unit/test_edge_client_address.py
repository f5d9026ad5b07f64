import ipaddress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.client_address import ClientAddress, address

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def ask(peer, *headers, trusted=PROXIES):
    host = f"[{peer}]" if ":" in peer else peer
    scope = SimpleNamespace(client=f"{host}:1", headers=SimpleNamespace(items=lambda: list(headers)))
    return ClientAddress(trusted).of(scope)


def forwarded(value):
    return ("x-forwarded-for", value)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_nobody_but_a_trusted_proxy_is_believed(value):
    header = forwarded(value)
    assert ask("203.0.113.9", header) == "203.0.113.9"
    assert ask("10.0.0.1", header, trusted=()) == "10.0.0.1"


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)), st.ip_addresses(v=4))
def test_what_the_client_wrote_itself_changes_nothing(forged, client):
    if client in PROXIES[0]:
        return
    header = forwarded(f"{forged}, {client}")
    assert ask("10.0.0.1", header) == str(client)


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([forwarded("198.51.100.7")], "198.51.100.7"),
        ([forwarded("1.1.1.1, 198.51.100.7, 10.2.3.4")], "198.51.100.7"),
        ([forwarded("1.1.1.1"), forwarded("198.51.100.7, 10.2.3.4")], "198.51.100.7"),
        ([forwarded("10.9.9.9, 10.2.3.4")], "10.9.9.9"),
        ([forwarded("1.1.1.1, nonsense, 10.2.3.4")], "10.2.3.4"),
        ([forwarded("nonsense")], "10.0.0.1"),
        ([forwarded("[2001:db8::7]:443")], "2001:db8::7"),
        ([forwarded("::ffff:198.51.100.7")], "198.51.100.7"),
        ([("forwarded", 'for="[2001:db8::7]:443";proto=https, for=10.2.3.4')], "2001:db8::7"),
        ([("forwarded", "for=unknown")], "10.0.0.1"),
        ([("forwarded", "for=1.1.1.1"), forwarded("198.51.100.7")], "198.51.100.7"),
        ([], "10.0.0.1"),
    ],
)
def test_the_right_most_untrusted_address_counts(headers, client):
    assert ask("10.0.0.1", *headers) == client
    assert ask("::ffff:10.0.0.1", *headers) == client


def test_a_socket_without_an_address_has_none():
    assert ask("") == ""


@given(st.text())
def test_an_address_is_an_address_or_none(text):
    found = address(text)
    assert found is None or ipaddress.ip_address(found)
