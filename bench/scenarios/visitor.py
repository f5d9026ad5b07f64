"""What all scenarios share: a user who scans ten times a second over one connection, and the plan's shape."""

import itertools
import random
import time
from collections.abc import Collection, Sequence
from typing import Final

import gevent
from locust import FastHttpUser, LoadTestShape, constant_throughput

from bench.plan import PER_USER, from_env
from bench.scenarios.people import address, bot, person

PLAN: Final = from_env()
LINKS: Final = PLAN.codes.get("link", [])
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
NOT_FOUND: Final = frozenset({404, 429})
"""An unknown code; too many of them from one network are limited, which is right too."""


class Popular:
    """Picks a code; a few get most of the scans: the weight of the nth is 1/n, as Zipf found for words."""

    def __init__(self, codes: Sequence[str]) -> None:
        self._codes = codes
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, len(codes) + 1)))

    def __call__(self) -> str:
        return random.choices(self._codes, cum_weights=self._weights)[0]


class Planned(LoadTestShape):
    """As many users as the plan has in each second; over when its time is."""

    def tick(self) -> tuple[int, float] | None:
        second = int(self.get_run_time())
        if second >= PLAN.seconds:
            return None
        users = PLAN.users(second)
        return users, max(1, abs(users - self.get_current_user_count()))


class Visitor(FastHttpUser):
    """Redirects are not followed: where they lead is not ours. Certificates are checked."""

    abstract = True
    insecure = False
    connection_timeout = 5.0
    network_timeout = 10.0
    wait_time = constant_throughput(PER_USER)

    def on_start(self) -> None:
        # Users come in groups, and would scan in step for ever.
        gevent.sleep(random.random() / PER_USER)

    def scan(self, path: str, kind: str, expected: Collection[int] = REDIRECTS, robot: bool = False) -> None:
        """One GET, counted under its kind, and as an error where the status is not an expected one."""
        headers = bot() if robot else person()
        if PLAN.forwarded:
            headers = {**headers, "X-Forwarded-For": address()}
        with self.client.get(
            f"/{path}", name=kind, headers=headers, allow_redirects=False, catch_response=True
        ) as answer:
            if answer.status_code in expected:
                answer.success()
            elif answer.status_code:
                answer.failure(f"HTTP {answer.status_code}")


class Clock:
    """Seconds since this process's first user came."""

    def __init__(self) -> None:
        self._start = 0.0

    def __call__(self) -> float:
        self._start = self._start or time.monotonic()
        return time.monotonic() - self._start
