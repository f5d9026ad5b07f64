"""Certificates and keys for wallets: what is read from them, and each mistake has its sentence."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import wallet_authority as authority

from control_plane.config import Config, ConfigError

GOOD = {
    "SCANWAY_SECRET_KEY": "kX9-abcdefghijklmnopqrstuvwxyz-0123456789",
    "SCANWAY_DATABASE_URL": "postgresql://scanway_app:pw@db/scanway",
}


def config(**settings: str) -> Config:
    return Config.from_env(GOOD | settings)


def test_pass_type_and_team_are_read_from_the_certificate() -> None:
    own = config(**authority.apple()).pkpass
    assert own is not None
    assert (own.pass_type, own.team, own.organisation) == (
        authority.PASS_TYPE, authority.TEAM, authority.ORGANISATION,
    )  # fmt: skip
    assert config().pkpass is None
    assert config().google_wallet is None


def test_a_key_may_be_encrypted_and_everything_may_be_in_files(tmp_path: Path) -> None:
    files = {}
    for name, text in (authority.apple() | authority.google()).items():
        if name == "SCANWAY_PKPASS_KEY":
            text = authority.pem(authority.key("leaf"), "hush")
        (tmp_path / name).write_text(text)
        files[f"{name}_FILE"] = str(tmp_path / name)
    read = config(**files, SCANWAY_PKPASS_KEY_PASSWORD="hush")
    assert read.pkpass is not None
    assert read.google_wallet is not None
    assert read.google_wallet.issuer == authority.ISSUER
    for secret in ("hush", "PRIVATE KEY"):
        assert secret not in repr(read)


def test_a_certificate_that_has_ended_does_not_stop_the_start() -> None:
    assert config(**authority.apple(days=-1)).pkpass is not None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SCANWAY_PKPASS_KEY": ""}, "SCANWAY_PKPASS_KEY is not set"),
        ({"SCANWAY_PKPASS_CERTIFICATE": ""}, "SCANWAY_PKPASS_CERTIFICATE is not set"),
        ({"SCANWAY_PKPASS_CERTIFICATE": "nonsense"}, "holds no certificate in PEM form"),
        ({"SCANWAY_PKPASS_KEY": "nonsense"}, "holds no private key in PEM form"),
        ({"SCANWAY_PKPASS_KEY": authority.pem(authority.key("other"))}, "is not the key of"),
        ({"SCANWAY_PKPASS_KEY": authority.pem(authority.key("leaf"), "hush")}, "KEY_PASSWORD"),
        (
            {
                "SCANWAY_PKPASS_KEY": authority.pem(authority.key("leaf"), "hush"),
                "SCANWAY_PKPASS_KEY_PASSWORD": "wrong",
            },
            "is SCANWAY_PKPASS_KEY_PASSWORD right?",
        ),
        ({"SCANWAY_PKPASS_KEY_PASSWORD": "none needed"}, "needs no password"),
        ({"SCANWAY_PKPASS_WWDR": authority.pem(authority.root())}, "did not sign"),
        ({"SCANWAY_PKPASS_WWDR": authority.pem(authority.intermediate("stranger"))}, "did not sign"),
        (
            {"SCANWAY_PKPASS_CERTIFICATE": authority.pem(authority.certificate(pass_type="web.x"))},
            "Pass Type ID",
        ),
        ({"SCANWAY_GOOGLE_WALLET_ISSUER": ""}, "SCANWAY_GOOGLE_WALLET_ISSUER is not set"),
        ({"SCANWAY_GOOGLE_WALLET_KEY": ""}, "SCANWAY_GOOGLE_WALLET_KEY is not set"),
        ({"SCANWAY_GOOGLE_WALLET_ISSUER": "BCR2DN"}, "It is a number"),
        ({"SCANWAY_GOOGLE_WALLET_KEY": "{}"}, "JSON key of a service account"),
        ({"SCANWAY_GOOGLE_WALLET_KEY": '{"client_email": "x", "private_key": "y"}'}, "no private key"),
    ],
)
def test_each_mistake_says_what_to_set(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        config(**authority.apple() | authority.google() | changed)


def test_the_readme_names_every_setting() -> None:
    readme = (Path(__file__).resolve().parents[2] / "control_plane/README.md").read_text("utf-8")
    for name in [*authority.apple(), *authority.google(), "SCANWAY_PKPASS_KEY_PASSWORD"]:
        assert name in readme
