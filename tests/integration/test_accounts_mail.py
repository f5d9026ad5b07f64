"""Without a mail server nothing secret is said, and what to do is."""

import logging

from django.core.mail import EmailMessage, get_connection


def test_a_mail_that_cannot_be_sent_is_named_and_not_shown(console, caplog):
    backend = get_connection("control_plane.accounts.mail.Unsent")
    with caplog.at_level(logging.WARNING, logger="mail"):
        mail = EmailMessage("Reset", "https://example.com/reset/secret-token", to=["person@example.com"])
        assert backend.send_messages([mail]) == 0
    assert "SCANWAY_EMAIL_URL" in caplog.text
    assert "scanway user password" in caplog.text
    assert "secret-token" not in caplog.text
    assert "person@example.com" not in caplog.text


def test_an_international_short_domain_is_recognised_as_our_own(console, monkeypatch):
    from urllib.parse import urlsplit

    import pytest
    from django.conf import settings

    from control_plane.campaigns import own_hosts
    from control_plane.campaigns.destinations import check_destination
    from control_plane.campaigns.errors import InvalidLink

    class Config:
        short_url = urlsplit("https://gö.example")

    monkeypatch.setattr(settings, "CONFIG", Config)
    hosts = own_hosts.own_hosts.__wrapped__()
    for spelling in ("https://gö.example/x", "https://xn--g-1ga.example/x", "https://GÖ.example./x"):
        with pytest.raises(InvalidLink):
            check_destination(spelling, hosts)
