"""How long to wait before trying again, and how often to say so."""

import random
import time
from typing import Final

FIRST: Final = 0.1
LONGEST: Final = 5.0
SAY_EVERY: Final = 30.0


class Backoff:
    """Full jitter: a random wait below a ceiling that doubles with each failure (0.1 s to 5 s).

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.since = 0.0
        self._said_at = 0.0

    def failed(self) -> float:
        """Counts a failure and returns the seconds to wait."""
        if not self.failures:
            self.since = time.monotonic()
        self.failures += 1
        return random.uniform(0, min(LONGEST, FIRST * 2 ** min(self.failures, 10)))  # noqa: S311

    def should_say(self) -> bool:
        """True the first time, and then every 30 s."""
        now = time.monotonic()
        if self.failures > 1 and now - self._said_at < SAY_EVERY:
            return False
        self._said_at = now
        return True

    def worked(self) -> float | None:
        """Seconds since the first failure where there was one; None where all was well before."""
        if not self.failures:
            return None
        self.failures = 0
        return time.monotonic() - self.since
