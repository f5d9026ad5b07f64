"""Settings from the environment: what is derived, and what is refused with a sentence."""

import pytest

from control_plane.config import Config, ConfigError

GOOD = {
    "SCANWAY_SECRET_KEY": "kX9-abcdefghijklmnopqrstuvwxyz-0123456789",
    "SCANWAY_DATABASE_URL": "postgresql://scanway_app:pw@db/scanway",
}


def test_hosts_are_exact_and_include_the_address_on_the_local_network():
    config = Config.from_env(GOOD | {"SCANWAY_SHORT_URL": "http://192.168.1.5:8080"})
    assert config.allowed_hosts == ("127.0.0.1", "localhost", "[::1]", "192.168.1.5")
    assert not config.https


def test_a_short_domain_is_no_host_of_the_console():
    config = Config.from_env(
        GOOD
        | {"SCANWAY_SHORT_URL": "https://go.example.com", "SCANWAY_CONSOLE_URL": "https://links.example.com"}
    )
    assert "go.example.com" not in config.allowed_hosts
    assert config.allowed_hosts[0] == "links.example.com"
    assert config.https


def test_a_secret_may_be_in_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(GOOD["SCANWAY_SECRET_KEY"] + "\n")
    env = {"SCANWAY_DATABASE_URL": GOOD["SCANWAY_DATABASE_URL"], "SCANWAY_SECRET_KEY_FILE": str(path)}
    assert Config.from_env(env).secret_key == GOOD["SCANWAY_SECRET_KEY"]


def test_secrets_are_not_in_the_repr():
    env = GOOD | {"SCANWAY_EMAIL_URL": "smtp://me:hush@mail.example.com"}
    text = repr(Config.from_env(env))
    assert "pw@db" not in text
    assert "hush" not in text
    assert GOOD["SCANWAY_SECRET_KEY"] not in text


@pytest.mark.parametrize(
    ("change", "part_of_the_sentence"),
    [
        ({"SCANWAY_SECRET_KEY": "short"}, "at least 32"),
        ({"SCANWAY_SECRET_KEY": "a" * 50}, "not random"),
        ({"SCANWAY_DATABASE_URL": ""}, "SCANWAY_DATABASE_URL is not set"),
        ({"SCANWAY_CONSOLE_URL": "links.example.com"}, "SCANWAY_CONSOLE_URL"),
        ({"SCANWAY_CONSOLE_URL": "https://example.com/scanway"}, "without a path"),
        ({"SCANWAY_CONSOLE_BIND": "8000"}, "an address and a port"),
        ({"SCANWAY_ALLOWED_HOSTS": "*"}, "exactly"),
        ({"SCANWAY_ALLOWED_HOSTS": ".example.com"}, "exactly"),
        ({"SCANWAY_TRUSTED_PROXIES": "10.0.0.1/8"}, "SCANWAY_TRUSTED_PROXIES"),
        ({"SCANWAY_SIGNUP": "maybe"}, "closed or open"),
        ({"SCANWAY_DOMAIN_CHECK": "maybe"}, "dns or off"),
        ({"SCANWAY_EMAIL_URL": "mail.example.com"}, "SCANWAY_EMAIL_URL"),
        ({"SCANWAY_SECRET_KEY": "", "SCANWAY_SECRET_KEY_FILE": "/nowhere/at/all"}, "cannot be read"),
    ],
)
def test_what_cannot_be_used_says_what_to_set(change, part_of_the_sentence):
    with pytest.raises(ConfigError, match=part_of_the_sentence):
        Config.from_env(GOOD | change)
