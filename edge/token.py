"""A token: the signed code of a ticket, a parking pass or a reward. 28 bytes of claims and a signature.

    version u8 = 1 | key u16 | workspace u32 | kind u8 | program u32 | pass id 10 bytes
    | not before u24 | not after u24 | signature, 16 or 64 bytes

Big-endian. Times are minutes since 2020 began, UTC; the start is rounded down and the end up. A signature
stops forgery, not photocopying: that a pass admits once is for the database to say.
"""

import hmac
import re
import secrets
from base64 import b32decode, b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge import base45

VERSION: Final = 1
PASS_ID_SIZE: Final = 10
MAX_TEXT: Final = 2048
"""Characters."""

# So that no signature of ours over anything else is ever one of a pass.
_DOMAIN: Final = b"scanway pass 1\0"
_DOCUMENT: Final = b"scanway document 1\0"
_payload: Final = Struct(">BHIBI10s3s3s")
_KEY_SIZE: Final = 32
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
_NO_START: Final = 0
_NO_END: Final = 0xFFFFFF

_web: Final = re.compile(r"https?://[^\s/?#]+((?:/[^?#]*)?)(?:[?#].*)?", re.ASCII | re.IGNORECASE | re.DOTALL)
_origin: Final = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?", re.ASCII | re.IGNORECASE)


class TokenError(ValueError):
    """This cannot be signed or read; the message says why."""


class NotAToken(TokenError):
    """This text is no pass; the message is for the person at the gate."""

    def __init__(self, message: str, *, is_link: bool = False) -> None:
        super().__init__(message)
        self.is_link = is_link
        """An http or https URL."""


class Kind(IntEnum):
    TICKET = 1
    PARKING = 2
    REWARD = 3


class Algorithm(StrEnum):
    HMAC = "hs256-128"
    """HMAC-SHA256 cut to 16 bytes: who can verify can also sign, so only our server does."""
    ED25519 = "ed25519"
    """RFC 8032, 64 bytes: a device verifies with the public key."""


class KeyState(StrEnum):
    NEXT = "next"
    ACTIVE = "active"
    VERIFY_ONLY = "verify_only"
    REVOKED = "revoked"


class Verdict(StrEnum):
    OK = "ok"
    BAD_SIGNATURE = "bad_signature"
    REVOKED = "revoked"
    """Genuine, but its key was revoked."""


class Window(StrEnum):
    OK = "ok"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"


_kinds: Final = {kind.value: kind for kind in Kind}
_sizes: Final = {Algorithm.HMAC: 16, Algorithm.ED25519: 64}
_tokens: Final = [_payload.size + size for size in _sizes.values()]
_base45_lengths: Final = {size // 2 * 3 for size in _tokens}
_base32_lengths: Final = {-(-size * 8 // 5) for size in _tokens}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of one algorithm, known by its number. Raises TokenError where its parts do not fit."""

    number: int
    """0 to 65,535."""
    algorithm: Algorithm
    state: KeyState
    secret: bytes = field(repr=False)
    """32 bytes, or empty on a machine that only verifies. An HMAC key without it verifies nothing."""
    public: bytes
    """Ed25519: 32 bytes. HMAC: empty."""

    def __post_init__(self) -> None:
        _check_number("key", self.number, 16)
        if len(self.secret) not in (0, _KEY_SIZE):
            raise TokenError(f"A secret key has {_KEY_SIZE} bytes; this one has {len(self.secret)}.")
        # Under a public key of zeros, one in four payloads goes with a signature of zeros.
        if bytes(_KEY_SIZE) in (self.secret, self.public):
            raise TokenError(f"Key {self.number} is blank.")
        expected = _KEY_SIZE if self.algorithm == Algorithm.ED25519 else 0
        if len(self.public) != expected:
            raise TokenError(
                f"The public key of {self.algorithm} has {expected} bytes; this one has {len(self.public)}."
            )


@dataclass(frozen=True, slots=True)
class Claims:
    """What a pass says of itself: no person, no seat, no price."""

    key: int
    """0 to 65,535."""
    workspace: int
    """0 to 2^32 - 1, as is `program`."""
    kind: Kind
    program: int
    pass_id: bytes
    """10 random bytes."""
    not_before: datetime | None
    """UTC; inclusive. None is no start."""
    not_after: datetime | None
    """UTC; exclusive. None is no end."""


@dataclass(frozen=True, slots=True)
class Token:
    """What `parse` read. Nothing in it is to be believed before `verify` said OK."""

    claims: Claims
    payload: bytes
    signature: bytes


def generate(algorithm: Algorithm) -> tuple[bytes, bytes]:
    """A fresh secret and public key, from the operating system's randomness."""
    if algorithm == Algorithm.HMAC:
        return secrets.token_bytes(_KEY_SIZE), b""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def sign(claims: Claims, key: Key) -> bytes:
    """The token: payload and signature. Raises TokenError."""
    if key.number != claims.key:
        raise TokenError(f"The claims name key {claims.key}; this is key {key.number}.")
    if key.state != KeyState.ACTIVE:
        raise TokenError(f"Key {key.number} is {key.state}. Only an active key signs.")
    if not key.secret:
        raise TokenError(f"Key {key.number} has no secret here. This machine only verifies.")
    payload = encode(claims)
    if key.algorithm == Algorithm.HMAC:
        return payload + _mac(payload, key)
    return payload + Ed25519PrivateKey.from_private_bytes(key.secret).sign(_DOMAIN + payload)


def sign_document(purpose: str, data: bytes, key: Key) -> bytes:
    """64 bytes over something else than a pass, which `purpose` names, without a 0 in it: a gate's rules.

    Raises TokenError.
    """
    if key.algorithm != Algorithm.ED25519 or key.state != KeyState.ACTIVE or not key.secret:
        raise TokenError(
            f"Key {key.number} signs no documents: that takes an active key of {Algorithm.ED25519}."
        )
    return Ed25519PrivateKey.from_private_bytes(key.secret).sign(_DOCUMENT + purpose.encode() + b"\0" + data)


def verify(token: Token, keys: Mapping[int, Key], *, workspace: int) -> Verdict:
    """Whether a key of ours signed this for the workspace. The key says by which algorithm, never the token.

    Kind, program and window are the caller's to compare: a genuine pass may be one for another gate.
    """
    key = keys.get(token.claims.key)
    if key is None or token.claims.workspace != workspace or not _is_genuine(token, key):
        return Verdict.BAD_SIGNATURE
    if key.state in (KeyState.ACTIVE, KeyState.VERIFY_ONLY):
        return Verdict.OK
    return Verdict.REVOKED if key.state == KeyState.REVOKED else Verdict.BAD_SIGNATURE


def window(claims: Claims, now: datetime) -> Window:
    """Where `now` is: not_before <= now < not_after."""
    if claims.not_before is not None and now < claims.not_before:
        return Window.NOT_YET_VALID
    if claims.not_after is not None and now >= claims.not_after:
        return Window.EXPIRED
    return Window.OK


def encode(claims: Claims) -> bytes:
    """The payload. `decode` gives the claims back, their times rounded. Raises TokenError."""
    _check_number("key", claims.key, 16)
    _check_number("workspace", claims.workspace, 32)
    _check_number("program", claims.program, 32)
    if claims.kind not in _kinds:
        raise TokenError(f"There is no pass of kind {claims.kind}.")
    if len(claims.pass_id) != PASS_ID_SIZE:
        raise TokenError(f"A pass id has {PASS_ID_SIZE} bytes; this one has {len(claims.pass_id)}.")
    start = _NO_START if claims.not_before is None else _minutes(claims.not_before, 1, up=False)
    end = _NO_END if claims.not_after is None else _minutes(claims.not_after, 0, up=True)
    return _payload.pack(
        VERSION, claims.key, claims.workspace, claims.kind, claims.program, claims.pass_id,
        start.to_bytes(3, "big"), end.to_bytes(3, "big"),
    )  # fmt: skip


def decode(payload: bytes) -> Claims:
    """The claims of a payload; every payload has claims of its own. Raises TokenError."""
    if len(payload) != _payload.size:
        raise TokenError(f"A pass has {_payload.size} bytes and a signature; this one has {len(payload)}.")
    version, key, workspace, kind, program, pass_id, start, end = _payload.unpack(payload)
    if version != VERSION or kind not in _kinds:
        raise TokenError("This is no pass that this version of scanway knows.")
    first, last = int.from_bytes(start, "big"), int.from_bytes(end, "big")
    return Claims(
        key,
        workspace,
        _kinds[kind],
        program,
        pass_id,
        None if first == _NO_START else _EPOCH + first * _MINUTE,
        None if last == _NO_END else _EPOCH + last * _MINUTE,
    )


def compact(token: bytes) -> str:
    """For our own scanners: 66 or 138 characters, all in a QR code's alphanumeric mode."""
    return base45.encode(token)


def link(token: bytes, base: str) -> str:
    """For any phone's camera: `<base>/T/<Base32>`, where `base` is a URL without query.

    A base that is only scheme, host and port becomes upper case, and the whole fits alphanumeric mode.
    """
    base = base.rstrip("/")
    return f"{base.upper() if _origin.fullmatch(base) else base}/T/{_base32(token)}"


def parse(text: str) -> Token:
    """What a camera read or a scanner typed: Base45, Base32 in any case, or a URL that ends in /t/<Base32>.

    Raises NotAToken.
    """
    text = text.strip()
    # No Base45 of ours looks like a URL: its first two bytes are below 45 * 45, so its third character is 0.
    web = _web.fullmatch(text)
    try:
        data = _from_path(web[1]) if web and len(text) <= MAX_TEXT else _from_text(text)
        payload, signature = data[: _payload.size], data[_payload.size :]
        return Token(decode(payload), payload, signature)
    except TokenError as error:
        raise NotAToken(str(error), is_link=web is not None) from error


def _from_path(path: str) -> bytes:
    parts = path.split("/")
    if len(parts) < 3 or parts[-2] not in ("t", "T") or len(parts[-1]) not in _base32_lengths:
        raise TokenError("This is a web link, not a pass.")
    return _from_base32(parts[-1])


def _from_text(text: str) -> bytes:
    if len(text) in _base32_lengths:
        return _from_base32(text)
    # Base45 has a space, and keys 1280 to 1535, among others, begin with it: what stripped it took that too.
    if len(text) + 1 in _base45_lengths:
        text = f" {text}"
    if len(text) not in _base45_lengths:
        raise TokenError("This is not the code of a pass, or not all of it.")
    try:
        return base45.decode(text)
    except base45.Base45Error as error:
        raise TokenError("This is not the code of a pass.") from error


def _from_base32(text: str) -> bytes:
    # Some letters outside ASCII have upper-case forms within it.
    if text.isascii():
        try:
            data = b32decode(text.upper() + "=" * (-len(text) % 8))
        except ValueError:
            data = b""
        # The bits after the last byte must be 0, or 8 or 16 texts would be one token.
        if _base32(data) == text.upper():
            return data
    raise TokenError("This is not the code of a pass.")


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=")


def _is_genuine(token: Token, key: Key) -> bool:
    if len(token.signature) != _sizes[key.algorithm]:
        return False
    if key.algorithm == Algorithm.HMAC:
        # Everybody knows the empty secret.
        return bool(key.secret) and hmac.compare_digest(_mac(token.payload, key), token.signature)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(token.signature, _DOMAIN + token.payload)
    except InvalidSignature:
        return False
    return True


def _mac(payload: bytes, key: Key) -> bytes:
    return hmac.digest(key.secret, _DOMAIN + payload, "sha256")[: _sizes[Algorithm.HMAC]]


def _minutes(moment: datetime, least: int, *, up: bool) -> int:
    if moment.utcoffset() is None:
        raise TokenError(f"{moment} has no time zone.")
    minutes = -((_EPOCH - moment) // _MINUTE) if up else (moment - _EPOCH) // _MINUTE
    if not least <= minutes < least + 0xFFFFFF:
        raise TokenError(f"A pass starts and ends between 1 January 2020 and 24 November 2051, not {moment}.")
    return minutes


def _check_number(what: str, number: int, bits: int) -> None:
    if number < 0 or number >> bits:
        raise TokenError(f"The number of a {what} is from 0 to {(1 << bits) - 1}; this one is {number}.")
