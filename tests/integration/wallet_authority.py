"""What Apple and Google would give an operator: certificates and keys, made up for the tests."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

PASS_TYPE, TEAM, ORGANISATION = "pass.com.example.tickets", "ABCDE12345", "Example Events"
ISSUER, ACCOUNT = "3388000000012345678", "wallet@example-project.iam.gserviceaccount.com"


@cache
def key(name: str) -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(thing: x509.Certificate | RSAPrivateKey, password: str = "") -> str:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        locked = serialization.BestAvailableEncryption(password.encode())
    form = serialization.PrivateFormat.PKCS8
    return thing.private_bytes(serialization.Encoding.PEM, form, locked).decode()


def root() -> x509.Certificate:
    return _signed({NameOID.COMMON_NAME: "Made-up Root CA"}, "root", "root", None)


def intermediate(by: str = "root") -> x509.Certificate:
    return _signed({NameOID.COMMON_NAME: "Made-up Worldwide Relations"}, f"intermediate of {by}", by, root())


def certificate(days: int = 300, pass_type: str = PASS_TYPE) -> x509.Certificate:
    """As Apple's: pass type and team are in its subject. It ends in so many days."""
    names = {
        NameOID.USER_ID: pass_type,
        NameOID.COMMON_NAME: f"Pass Type ID: {pass_type}",
        NameOID.ORGANIZATIONAL_UNIT_NAME: TEAM,
        NameOID.ORGANIZATION_NAME: ORGANISATION,
        NameOID.COUNTRY_NAME: "DE",
    }
    return _signed(names, "leaf", "intermediate of root", intermediate(), days)


def apple(days: int = 300) -> dict[str, str]:
    """The operator's settings."""
    return {
        "SCANWAY_PKPASS_CERTIFICATE": pem(certificate(days)),
        "SCANWAY_PKPASS_KEY": pem(key("leaf")),
        "SCANWAY_PKPASS_WWDR": pem(intermediate()),
    }


def google() -> dict[str, str]:
    account = {"type": "service_account", "client_email": ACCOUNT, "private_key": pem(key("google"))}
    return {"SCANWAY_GOOGLE_WALLET_ISSUER": ISSUER, "SCANWAY_GOOGLE_WALLET_KEY": json.dumps(account)}


def _signed(
    names: dict[x509.ObjectIdentifier, str],
    own: str,
    by: str,
    issuer: x509.Certificate | None,
    days: int = 300,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in names.items()])
    ends = datetime.now(UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key(own).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=900))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=own != "leaf", path_length=None), critical=True)
    )
    return builder.sign(key(by), SHA256())
