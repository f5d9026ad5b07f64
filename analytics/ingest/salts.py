"""One secret salt per UTC day, shared by all ingest processes through Valkey and gone after 48 hours.

Without Valkey a salt is made here and kept in the spool (mode 0600), so that scans go on arriving; it is
offered to Valkey when that answers again. Two hosts that did so on one day count a visitor of both twice.
"""

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import redis

from analytics.visitors.salt import LIFETIME, SALT_BYTES, salt_key

logger = logging.getLogger("ingest")

RETRY: Final = 5.0
"""Seconds until Valkey is asked again after it did not answer, and between two offers of the same salt."""
FOLDER: Final = "salts"
_DAY: Final = 86_400


class Salts:
    """`salt(at)` for events of any day; asks Valkey once per day, and offers again if it was emptied."""

    def __init__(self, valkey: "redis.Redis", spool: Path) -> None:
        self._valkey = valkey
        self._folder = spool / FOLDER
        self._known: dict[int, tuple[bytes, float]] = {}
        self._silent_until = 0.0
        self._offered_at = 0.0

    def salt(self, at: int) -> bytes:
        """The salt of the UTC day of `at` (microseconds since 1970). Never raises for lack of Valkey."""
        day = at // (_DAY * 1_000_000)
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = (self._agree(day), time.time())
        return known[0]

    def maintain(self) -> None:
        """Forgets what is older than 48 hours and offers the rest to Valkey, which may have been emptied.

        Cheap to call in every round: it does something every 5 seconds only.
        """
        now = time.monotonic()
        if now - self._offered_at < RETRY or now < self._silent_until:
            return
        self._offered_at = now
        wall = time.time()
        for day, (_, since) in list(self._known.items()):
            # A day that a late segment asked for again has a salt of its own; it need not live long.
            if wall >= max((day + 2) * _DAY, since + 3600):
                del self._known[day]
        for path, day in self._kept():
            if wall >= (day + 2) * _DAY:
                path.unlink(missing_ok=True)
        for day, (salt, since) in list(self._known.items()):
            with contextlib.suppress(redis.RedisError, OSError):
                # An emptied Valkey gets it back for what is left of its time, not for 48 hours more.
                agreed = self._offer(day, salt, max(1, int(since + LIFETIME - wall)))
                if agreed != salt:
                    logger.warning(
                        "Another host chose a visitor salt for %s first; from now on it is used here too. "
                        "Visitors of both hosts before that count twice for the day.",
                        _name(day),
                    )
                    self._known[day] = (agreed, since)
                self._path(day).unlink(missing_ok=True)
                continue
            self._silent_until = time.monotonic() + RETRY
            return

    def _agree(self, day: int) -> bytes:
        with contextlib.suppress(FileNotFoundError):
            kept = self._path(day).read_bytes()
            if len(kept) == SALT_BYTES:
                return kept
        fresh = secrets.token_bytes(SALT_BYTES)
        if time.monotonic() >= self._silent_until:
            try:
                return self._offer(day, fresh)
            except (redis.RedisError, OSError) as error:
                self._silent_until = time.monotonic() + RETRY
                logger.warning(
                    "Valkey does not answer (%s). A visitor salt for %s was made here, and is offered later.",
                    type(error).__name__,
                    _name(day),
                )
        self._keep(day, fresh)
        return fresh

    def _offer(self, day: int, salt: bytes, lifetime: int = LIFETIME) -> bytes:
        """The salt that Valkey holds after ours was offered. Raises redis.RedisError or OSError."""
        key = salt_key(_name(day))
        for _ in range(3):
            if self._valkey.set(key, salt, nx=True, ex=lifetime):
                return salt
            held = cast("bytes | None", self._valkey.get(key))
            if held is not None and len(held) == SALT_BYTES:
                return held
            if held is not None:
                # Somebody wrote something else there: it would be a weak key, or none.
                self._valkey.delete(key)
        return salt

    def _keep(self, day: int, salt: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._path(day)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, salt)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(path)

    def _kept(self) -> Iterator[tuple[Path, int]]:
        if not self._folder.is_dir():
            return
        for path in list(self._folder.iterdir()):
            if path.name.isdigit():
                yield path, int(path.name)

    def _path(self, day: int) -> Path:
        return self._folder / str(day)


def _name(day: int) -> str:
    moment = time.gmtime(min(max(day, 0) * _DAY, 253_402_300_799))
    return time.strftime("%Y-%m-%d", moment)
