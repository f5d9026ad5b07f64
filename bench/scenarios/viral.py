"""Somebody shows a code on television: nothing, then everyone within ten seconds, then a long tail in which
the other links come back."""

import random

from locust import task

from bench.scenarios.visitor import LINKS, PLAN, Clock, Planned, Popular, Visitor

__all__ = ["Person", "Planned"]

_elapsed = Clock()
_others = Popular(LINKS[1:] or LINKS)


def _hype() -> float:
    """The share of scans that are of the one code: all, then less and less as the crowd goes."""
    second = _elapsed()
    return 1.0 if second < PLAN.spike else PLAN.share(min(second, PLAN.seconds))


class Person(Visitor):
    @task
    def scans(self) -> None:
        if random.random() < _hype():
            self.scan(LINKS[0], "viral")
        else:
            self.scan(_others(), "tail")
