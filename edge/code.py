"""A code: the part of a short URL after the host. Lower case inside; any case on paper and in a request."""

import re
import secrets
from typing import Final

ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""31 characters without those that look alike on paper (0 o, 1 i l)."""

RANDOM_LENGTH: Final = 10
"""31^10 = 2^49.5: as many as 8.3 characters of base62, and typed without asking 'capital or small?'."""

MIN_LENGTH: Final = 3
MAX_LENGTH: Final = 64

_own = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")

# Paths that browsers, robots and operators ask for at the root of a domain.
RESERVED: Final = frozenset(
    {"robots", "favicon", "sitemap", "index", "well-known", "apple-app-site-association", "assetlinks"}
    | {"api", "admin", "console", "login", "logout", "signup", "static", "assets", "gate", "help", "www"}
)


class CodeError(ValueError):
    """The code cannot be used; the message says why and what to do."""


def random_code() -> str:
    """A fresh code nobody can guess, from the operating system's randomness."""
    return "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))


def normalise(code: str) -> str:
    """The stored form of a code as typed or scanned."""
    return code.strip().lower()


def check_own_code(code: str) -> str:
    """The stored form of a code that a person chose. Raises CodeError.

    Letters, digits and inner hyphens only: all of them exist in a QR code's alphanumeric mode, so the
    upper-case form always makes the smaller symbol.
    """
    code = normalise(code)
    if len(code) < MIN_LENGTH:
        raise CodeError(f"A code needs at least {MIN_LENGTH} characters; this one has {len(code)}.")
    if len(code) > MAX_LENGTH:
        raise CodeError(f"A code has at most {MAX_LENGTH} characters; this one has {len(code)}.")
    if not _own.fullmatch(code):
        raise CodeError("Use only letters a–z, digits and hyphens, and start and end with a letter or digit.")
    if code in RESERVED:
        raise CodeError(f"“{code}” is reserved. Choose another code.")
    return code
