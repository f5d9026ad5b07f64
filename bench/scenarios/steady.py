"""An ordinary afternoon: one rate, many links, a few of them popular."""

from locust import task

from bench.scenarios.visitor import LINKS, Planned, Popular, Visitor

__all__ = ["Person", "Planned"]

_link = Popular(LINKS)


class Person(Visitor):
    @task
    def scans(self) -> None:
        self.scan(_link(), "link")
