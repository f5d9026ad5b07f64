"""Where the secret salt of a UTC day lives in Valkey: ingest and the edge share it, for 48 hours."""

from typing import Final

SALT_BYTES: Final = 16
LIFETIME: Final = 172_800
"""Seconds a salt lives in Valkey. After that nobody can link a visitor id to an address again."""


def salt_key(day: str) -> str:
    """The Valkey key of a day given as YYYY-MM-DD."""
    return f"scanway:salt:{day}"
