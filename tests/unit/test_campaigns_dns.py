"""How the DNS is asked: both names at once, and our own not each time."""

import socket
import threading
from typing import Any

import pytest

from control_plane.campaigns import dns
from control_plane.campaigns.errors import InvalidDomain

HERE = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "_known", {})


def test_both_names_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=5)

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        meeting.wait()
        return HERE

    monkeypatch.setattr(dns.socket, "getaddrinfo", getaddrinfo)
    dns.check_leads_here("go.example.com", "s.example.net")


def test_our_own_name_is_asked_for_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return HERE

    monkeypatch.setattr(dns.socket, "getaddrinfo", getaddrinfo)
    for number in range(3):
        dns.check_leads_here(f"go{number}.example.com", "s.example.net")
    assert asked.count("s.example.net") == 1
    until, found = dns._known["s.example.net"]
    dns._known["s.example.net"] = until - dns.KEPT, found  # a minute passes
    dns.check_leads_here("go.example.com", "s.example.net")
    assert asked.count("s.example.net") == 2


def test_that_our_own_name_was_not_found_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    monkeypatch.setattr(dns.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(InvalidDomain, match="its own short domain"):
        dns.check_leads_here("go.example.com", "s.example.net")
    found += HERE
    dns.check_leads_here("go.example.com", "s.example.net")


@pytest.mark.parametrize(
    "text", ["10.0.0.5", "100.64.1.1", "::ffff:10.0.0.5", "64:ff9b::a00:5", "fe80::1%eth0"]
)
def test_no_private_address_is_shown(text: str) -> None:
    assert dns._public({text}) == {"a private address"}
    assert dns._public({"64:ff9b::808:808", "8.8.8.8"}) == {"64:ff9b::808:808", "8.8.8.8"}
