"""Everything at once: plain links, links with rules, placements, typing mistakes, and programs that are not
people."""

import random
from typing import Final

from locust import task

from bench.scenarios.visitor import LINKS, NOT_FOUND, PLAN, Planned, Popular, Visitor

__all__ = ["Person", "Planned"]

_link: Final = Popular(LINKS)
_RULES: Final = PLAN.codes.get("rules") or PLAN.codes["link"]
_PLACES: Final = ("door", "bar", "table-7", "flyer", "window")
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"


class Person(Visitor):
    @task(60)
    def scans_a_link(self) -> None:
        self.scan(_link(), "link")

    @task(20)
    def scans_a_link_with_rules(self) -> None:
        self.scan(random.choice(_RULES), "rules")

    @task(10)
    def scans_at_a_place(self) -> None:
        self.scan(f"{_link()}/p/{random.choice(_PLACES)}", "placement")

    @task(5)
    def mistypes(self) -> None:
        self.scan("".join(random.choices(_ALPHABET, k=10)), "unknown", NOT_FOUND)

    @task(5)
    def is_a_program(self) -> None:
        self.scan(_link(), "bot", robot=True)
