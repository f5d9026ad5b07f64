"""A placeholder until passes exist: scans of codes as long as a ticket's will be, which no edge knows yet, so
every answer is "no such code". It measures what such a path costs, and nothing about admission."""

import random
from typing import Final

from locust import task

from bench.scenarios.visitor import NOT_FOUND, Planned, Visitor

__all__ = ["Person", "Planned"]

_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LENGTH: Final = 64


class Person(Visitor):
    @task
    def shows_a_ticket(self) -> None:
        self.scan("".join(random.choices(_BASE32, k=_LENGTH)), "ticket", NOT_FOUND)
