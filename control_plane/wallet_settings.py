"""What the operator sets for passes in phones' wallets: Apple's certificate, Google's service account."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID


class WalletSettingError(ValueError):
    """A setting is missing or cannot be used; the message says what to set."""


@dataclass(frozen=True)
class PkPass:
    """A Pass Type ID certificate of Apple's, its key, and Apple's intermediate certificate (WWDR)."""

    certificate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)
    intermediate: x509.Certificate
    pass_type: str
    """pass.com.example.tickets, as the certificate has it."""
    team: str
    organisation: str

    @property
    def ends(self) -> datetime:
        """UTC; the earlier of the two."""
        return min(self.certificate.not_valid_after_utc, self.intermediate.not_valid_after_utc)


@dataclass(frozen=True)
class GoogleWallet:
    """An issuer of Google Wallet's, and the service account that signs for it."""

    issuer: str
    account: str
    """The service account's e-mail address."""
    key: RSAPrivateKey = field(repr=False)


Read = Callable[[str], str]
"""The setting of this name, or of the file that NAME_FILE names; "" where neither is set."""


def pkpass(read: Read) -> PkPass | None:
    """None where nothing is set. A certificate that has ended is no reason not to start.

    Raises WalletSettingError.
    """
    given = {part: read(f"SCANWAY_PKPASS_{part}") for part in ("CERTIFICATE", "KEY", "WWDR")}
    if not any(given.values()):
        return None
    if missing := [f"SCANWAY_PKPASS_{part}" for part, text in given.items() if not text]:
        raise WalletSettingError(
            f"{missing[0]} is not set, which passes for Apple's Wallet need too. Set it, or none of these."
        )
    certificate = _certificate("SCANWAY_PKPASS_CERTIFICATE", given["CERTIFICATE"])
    intermediate = _certificate("SCANWAY_PKPASS_WWDR", given["WWDR"])
    key = _key("SCANWAY_PKPASS_KEY", given["KEY"], read("SCANWAY_PKPASS_KEY_PASSWORD"))
    if key.public_key() != certificate.public_key():
        raise WalletSettingError("SCANWAY_PKPASS_KEY is not the key of SCANWAY_PKPASS_CERTIFICATE.")
    try:
        certificate.verify_directly_issued_by(intermediate)
    except (InvalidSignature, ValueError, TypeError):
        issuer = _named(certificate.issuer, NameOID.COMMON_NAME) or "somebody else"
        raise WalletSettingError(
            "SCANWAY_PKPASS_WWDR did not sign SCANWAY_PKPASS_CERTIFICATE. Take the certificate of its issuer,"
            f" {issuer}, from apple.com/certificateauthority."
        ) from None
    pass_type, team = (
        _named(certificate.subject, oid) for oid in (NameOID.USER_ID, NameOID.ORGANIZATIONAL_UNIT_NAME)
    )
    if not pass_type.startswith("pass.") or not team:
        raise WalletSettingError(
            "SCANWAY_PKPASS_CERTIFICATE is no Pass Type ID certificate: it names no pass type and team."
        )
    organisation = _named(certificate.subject, NameOID.ORGANIZATION_NAME) or team
    return PkPass(certificate, key, intermediate, pass_type, team, organisation)


def google_wallet(read: Read) -> GoogleWallet | None:
    """None where nothing is set. Raises WalletSettingError."""
    issuer, text = read("SCANWAY_GOOGLE_WALLET_ISSUER"), read("SCANWAY_GOOGLE_WALLET_KEY")
    if not issuer and not text:
        return None
    if not issuer or not text:
        missing = "SCANWAY_GOOGLE_WALLET_KEY" if issuer else "SCANWAY_GOOGLE_WALLET_ISSUER"
        raise WalletSettingError(f"{missing} is not set. Google Wallet needs the issuer's number and a key.")
    if not (issuer.isascii() and issuer.isdigit() and len(issuer) <= 20):
        raise WalletSettingError(
            f"SCANWAY_GOOGLE_WALLET_ISSUER is “{issuer}”. It is a number, such as 3388000000012345678."
        )
    try:
        found = json.loads(text)
        account, pem = str(found["client_email"]), str(found["private_key"])
    except (ValueError, KeyError, TypeError):
        raise WalletSettingError(
            "SCANWAY_GOOGLE_WALLET_KEY is not the JSON key of a service account: it has no client_email and"
            " private_key."
        ) from None
    return GoogleWallet(issuer, account, _key("SCANWAY_GOOGLE_WALLET_KEY", pem, ""))


def _certificate(name: str, text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise WalletSettingError(
            f"{name} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----). From a .cer file make"
            " one with: openssl x509 -inform der -in FILE.cer"
        ) from None


def _key(name: str, text: str, password: str) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password.encode() or None)
    except TypeError:
        said = (
            "is encrypted: set SCANWAY_PKPASS_KEY_PASSWORD"
            if not password
            else "needs no password: leave that out"
        )
        raise WalletSettingError(f"{name} {said}.") from None
    except ValueError:
        raise WalletSettingError(
            f"{name} holds no private key in PEM form that can be opened"
            f"{'; is SCANWAY_PKPASS_KEY_PASSWORD right?' if password else '.'}"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise WalletSettingError(f"{name} is no RSA key, and only those are accepted there.")
    return key


def _named(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
