"""Where an alert may be sent: the services of the list, with harmless options, and public addresses alone."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.passes.alert_send import is_public
from control_plane.passes.alert_services import OPTIONS, SERVICES, apprise_address, check, own_host, shown
from control_plane.passes.errors import Invalid


@pytest.mark.parametrize("scheme", SERVICES)
def test_the_examples_that_people_are_shown_are_taken(scheme):
    service = SERVICES[scheme]
    assert service.example.startswith(f"{scheme}://")
    assert check(service.kind, f"  {service.example} ") == service.example
    assert service.name in shown(service.kind, service.example)


def test_apprise_knows_each_of_them():
    # In a process of its own: 170 modules, some of which warn.
    program = """
import apprise
for one in apprise.Apprise().details()["schemas"]:
    print(*(one["protocols"] or ()), *(one["secure_protocols"] or ()))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, check=True)
    assert SERVICES.keys() - {"https"} <= set(done.stdout.decode().split())


@pytest.mark.parametrize(
    ("kind", "address", "said"),
    [
        ("mail", "", "Give an address"),
        ("mail", "nobody", "Give one mail address"),
        ("mail", "a@example.com, b@example.com", "Give one mail address"),
        ("mail", "a@example.com\nBcc: b@example.com", "Give one mail address"),
        ("chat", "x" * 501, "at most 500 characters"),
        ("chat", "file:///etc/passwd", "one of these services: Slack (slack://)"),
        ("chat", "http://hooks.example.com/", "one of these services"),
        ("chat", "json://127.0.0.1", "one of these services"),
        ("chat", "jsons://hooks.example.com", "one of these services"),
        ("chat", "syslog://", "one of these services"),
        ("chat", "dbus://", "one of these services"),
        ("chat", "windows://", "one of these services"),
        ("chat", "mailto://user:password@example.com", "one of these services"),
        ("chat", "twilio://a:b@c/d", "one of these services"),
        ("sms", "slack://a/b/c", "one of these services: Twilio (twilio://)"),
        ("chat", "slack://", "one of these services"),
        ("chat", "slack://a/b/c slack://d/e/f", "one of these services"),
        ("chat", "slack://a/b/c?template=/etc/passwd", "The option “template” cannot be used here"),
        ("chat", "slack://a/b/c?TEMPLATE=/etc/passwd", "cannot be used here"),
        ("chat", "discord://a/b?tEmplate=x", "cannot be used here"),
        ("chat", "slack://a/b/c?cto=9999", "cannot be used here"),
        ("chat", "https://user:hush@hooks.example.com/", "holds no user name"),
        ("chat", "https://[::1", "not complete"),
        ("pigeon", "x", "Choose one of: mail, sms, chat."),
    ],
)
def test_what_is_refused(kind, address, said):
    with pytest.raises(Invalid) as refused:
        check(kind, address)
    assert said in refused.value.message
    assert refused.value.field == ("kind" if kind == "pigeon" else "address")


def test_without_tls_only_where_the_operator_said_so():
    for address in ("http://chat.internal/x", "ntfy://push.internal/topic", "gotify://push.internal/t"):
        with pytest.raises(Invalid):
            check("chat", address)
        assert check("chat", address, private=True) == address
        assert own_host(address).endswith(".internal")
    with pytest.raises(Invalid):
        check("chat", "file:///etc/passwd", private=True)


def test_the_options_name_no_file():
    assert not {"template", "keyfile", "attach", "pem", "verify", "cto", "rto"} & OPTIONS


def test_a_webhook_gets_its_own_query_and_nothing_of_it_is_apprises():
    given = "https://hooks.example.com:8443/a/b?token=x%26y&template=/etc/passwd"
    assert apprise_address(given) == (
        "jsons://hooks.example.com:8443/a/b?-token=x%26y&-template=%2Fetc%2Fpasswd"
    )
    assert apprise_address("slack://a/b/c") == "slack://a/b/c"


@pytest.mark.parametrize(
    ("kind", "address", "text"),
    [
        ("mail", "night.shift@example.com", "ni…@example.com"),
        ("sms", "twilio://AC1:hush@+4930123/+4930456789", "Twilio, …789"),
        ("chat", "slack://hush/hush/hush", "Slack"),
        ("chat", "https://hooks.example.com/hush?token=hush", "Webhook, hooks.example.com"),
    ],
)
def test_what_is_shown_has_no_secret(kind, address, text):
    assert shown(kind, address) == text


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_which_addresses_are_of_the_internet(host, public):
    assert is_public(host) is public


@given(st.ip_addresses(v=4))
def test_an_address_in_another_dress_is_the_same_address(address):
    assert is_public(f"::ffff:{address}") == is_public(f"64:ff9b::{address}") == is_public(str(address))
