"""Encryption at rest of what only a running server may read: private keys, and who holds a pass.

The key is derived from SCANWAY_SECRET_KEY, so a copy of the database alone gives away neither. What is
encrypted is bound to its workspace and purpose: put into another row, it does not open.
"""

import hmac
import json
import secrets
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION: Final = b"\x01"
_NONCE: Final = 12
WORD: Final = 16
"""Hexadecimal digits of a word's hash: 64 bits."""


class CannotOpen(Exception):
    """This was encrypted under another SCANWAY_SECRET_KEY. Set the one that this database was filled with."""


def lock(data: bytes, *, workspace_id: int, purpose: str) -> bytes:
    """version (1) | nonce (12) | AES-256-GCM."""
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + AESGCM(_key("data")).encrypt(nonce, data, _bound(workspace_id, purpose))


def unlock(locked: bytes, *, workspace_id: int, purpose: str) -> bytes:
    """Raises CannotOpen."""
    nonce, data = locked[1 : 1 + _NONCE], locked[1 + _NONCE :]
    try:
        return AESGCM(_key("data")).decrypt(nonce, data, _bound(workspace_id, purpose))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen(" ".join((CannotOpen.__doc__ or "").split())) from error


def lock_json(value: dict[str, Any], *, workspace_id: int, purpose: str) -> bytes:
    """b"" for an empty one."""
    if not value:
        return b""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return lock(text.encode(), workspace_id=workspace_id, purpose=purpose)


def unlock_json(locked: bytes, *, workspace_id: int, purpose: str) -> dict[str, Any]:
    """Raises CannotOpen."""
    if not locked:
        return {}
    found: dict[str, Any] = json.loads(unlock(locked, workspace_id=workspace_id, purpose=purpose))
    return found


def keyed(data: bytes, *, workspace_id: int, purpose: str) -> bytes:
    """HMAC-SHA256 of `data` under a key of its own for this purpose: 32 bytes that nobody else can make."""
    return hmac.digest(_key(f"keyed {purpose}"), workspace_id.to_bytes(8, "big") + data, "sha256")


def parts(text: str) -> list[str]:
    """Its words as they are compared: without accents, case and punctuation."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return "".join(char if char.isalnum() else " " for char in plain).split()


def words(texts: Iterable[str], *, workspace_id: int) -> list[str]:
    """Keyed hashes of every word, to find rows by without being able to read them.

    Accents, case and punctuation do not count; a text as a whole is a word too, without its spaces, so that
    a plate or a phone number is found however it is written.
    """
    found: set[str] = set()
    for text in texts:
        found.update(parts(text))
        found.add("".join(parts(text)))
    found.discard("")
    key = _key(f"words {workspace_id}")
    return sorted(hmac.digest(key, word.encode(), "sha256").hex()[:WORD] for word in found)


def _bound(workspace_id: int, purpose: str) -> bytes:
    return f"{purpose} {workspace_id}".encode()


def _key(use: str) -> bytes:
    return _derived(settings.SECRET_KEY, use)


@lru_cache(maxsize=64)
def _derived(secret: str, use: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"scanway {use}".encode()).derive(secret.encode())
