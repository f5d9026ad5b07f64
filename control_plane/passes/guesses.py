"""Wrong sign-in links, counted by where they come from: whoever tries many has to wait.

A link's secret has 256 bits and cannot be guessed; this keeps a script from keeping PostgreSQL busy. It fails
open: while Valkey is away, all may try. Addresses are kept as keyed hashes, for ten minutes.
"""

import hmac
import logging
from typing import Final

import redis
from django.conf import settings

from control_plane.campaigns.valkey import client
from control_plane.passes.errors import TooManyGuesses

MOST: Final = 20
WINDOW: Final = 600
"""Seconds."""

log = logging.getLogger("passes")


def check(address: str) -> None:
    """Before a link is looked at. Raises TooManyGuesses."""
    try:
        wrong = int(client().get(_name(address)) or 0)  # type: ignore[arg-type]
    except redis.RedisError as error:
        _away(error)
        return
    if wrong >= MOST:
        raise TooManyGuesses


def wrong(address: str) -> None:
    """Counts one."""
    name = _name(address)
    try:
        with client().pipeline(transaction=False) as pipeline:
            pipeline.incr(name).expire(name, WINDOW, nx=True).execute()
    except redis.RedisError as error:
        _away(error)


def _name(address: str) -> str:
    digest = hmac.digest(settings.SECRET_KEY.encode(), b"guesses " + address.encode(), "sha256")
    return f"scanway:guesses:{digest.hex()[:32]}"


def _away(error: redis.RedisError) -> None:
    log.warning("Wrong links are not counted while Valkey does not answer: %s", type(error).__name__)
