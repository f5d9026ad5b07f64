"""What may be stored of a string that a stranger sent: bounded, one line, no control characters."""

from typing import Final

MAX_LENGTH: Final = 128
"""Characters. These columns are dictionaries (LowCardinality): a long value is noise or an attack."""


def tidy(value: str, limit: int = MAX_LENGTH) -> str:
    """The value on one line, trimmed and cut at `limit` characters. Never raises."""
    if not value.isascii() or not value.isprintable():
        value = "".join(character for character in value[: 4 * limit] if character.isprintable())
    return value.strip()[:limit].rstrip()
