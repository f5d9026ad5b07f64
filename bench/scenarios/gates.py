"""A festival's evening at six gates: each plays its part of the story; every verdict is compared with it."""

import itertools
import time
from typing import Final

import gevent
from locust import FastHttpUser, constant, task

from bench.scenarios.visitor import PLAN, Clock, Planned
from bench.story import GATES, Scan

__all__ = ["Gate", "Planned"]

_STORY: Final = [Scan(**one) for one in PLAN.story]
_numbers: Final = itertools.count()
_elapsed: Final = Clock()
_answered: Final[set[str]] = set()
PATIENCE: Final = 30.0
"""Seconds to wait for another gate's verdict, which a photo of its pass comes after."""


class Gate(FastHttpUser):
    """A device at one gate."""

    wait_time = constant(0)
    network_timeout = 20.0

    def on_start(self) -> None:
        number = next(_numbers) % GATES
        self._gate = PLAN.gates[number]
        self._scans = [one for one in _STORY if one.gate == number]
        _elapsed()

    @task
    def scans(self) -> None:
        if not self._scans:
            gevent.sleep(1)
            return
        one = self._scans.pop(0)
        gevent.sleep(max(0.0, one.at - _elapsed()))
        until = time.monotonic() + PATIENCE
        while one.after and one.after not in _answered and time.monotonic() < until:
            gevent.sleep(0.02)
        with self.client.post(
            "/api/v1/gate/redemptions",
            name=one.kind,
            json={"gate_id": self._gate["id"], "text": one.text, "nonce": one.nonce, "way": "in"},
            headers={"Authorization": f"Bearer {self._gate['key']}"},
            catch_response=True,
        ) as answer:
            said = answer.json() if answer.status_code == 200 else {}
            told = (said.get("reason"), said.get("replayed"))
            if told == (one.expected, one.replayed):
                answer.success()
            else:
                answer.failure(f"HTTP {answer.status_code}: {told} instead of {one.expected}")
        _answered.add(one.nonce)
