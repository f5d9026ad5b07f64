"""Forwarded headers count only from configured proxies, and are gone behind the door."""

import pytest

from control_plane.proxies import ForwardedHeaders


def seen(client, headers, trusted=("10.0.0.0/8",)):
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (client, 5),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    return ForwardedHeaders(None, trusted).apply(scope)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("nonsense, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, nonsense", "10.0.0.1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "10.0.0.1"),
    ],
)
def test_the_right_most_stranger_is_the_visitor(header, address):
    assert seen("10.0.0.1", {"x-forwarded-for": header})["client"][0] == address


def test_a_stranger_cannot_name_another_address_or_scheme():
    found = seen(
        "203.0.113.9", {"x-forwarded-for": "1.1.1.1", "x-forwarded-proto": "https", "x-real-ip": "1.1.1.1"}
    )
    assert found["client"][0] == "203.0.113.9"
    assert found["scheme"] == "http"
    assert found["headers"] == []


def test_a_trusted_proxy_says_https():
    assert seen("10.0.0.1", {"x-forwarded-proto": "https"})["scheme"] == "https"
    assert seen("10.0.0.1", {"x-forwarded-proto": "ftp"})["scheme"] == "http"


def test_other_headers_stay():
    assert seen("10.0.0.1", {"cookie": "a=b", "x-forwarded-host": "x"})["headers"] == [(b"cookie", b"a=b")]
