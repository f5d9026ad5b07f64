"""What came out of a run: locust's counts and times, the edge's own times, and what ClickHouse has."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.latency import Latency

ROBOT: Final = "bot"
NOT_LINKS: Final = frozenset({"unknown", "ticket"})


@dataclass
class Kind:
    """Scans of one kind, as locust saw them."""

    name: str
    scans: int = 0
    errors: int = 0
    total_ms: float = 0.0
    max_ms: float = 0.0
    times: Counter[int] = field(default_factory=Counter)
    """Milliseconds, rounded → scans."""

    def add(self, other: "Kind") -> None:
        self.scans += other.scans
        self.errors += other.errors
        self.total_ms += other.total_ms
        self.max_ms = max(self.max_ms, other.max_ms)
        self.times += other.times

    @property
    def answered(self) -> int:
        """Scans that got the answer they should."""
        return self.scans - self.errors

    @property
    def mean_ms(self) -> float:
        return self.total_ms / self.scans if self.scans else math.nan

    def quantile_ms(self, share: float) -> float:
        left = share * self.scans
        for milliseconds, scans in sorted(self.times.items()):
            left -= scans
            if left <= 0:
                return float(milliseconds)
        return math.nan


class Recorded(NamedTuple):
    """Scans of links in ClickHouse."""

    people: int
    bots: int


@dataclass
class Result:
    kinds: list[Kind]
    busiest: int = 0
    """Scans in the busiest second."""
    server: Latency | None = None
    """None where the edge does not show its metrics."""
    recorded: Recorded | None = None
    """None where the stack is not ours."""
    books: list[tuple[str, int, int]] = field(default_factory=list)
    """What, by the story, and by the product's own report."""

    @property
    def all(self) -> Kind:
        total = Kind("all")
        for kind in self.kinds:
            total.add(kind)
        return total

    def of(self, *, robots: bool) -> Kind:
        """Scans of links, by programs or by people."""
        total = Kind("")
        for kind in self.kinds:
            if kind.name not in NOT_LINKS and (kind.name == ROBOT) == robots:
                total.add(kind)
        return total


def read(path: Path) -> Result:
    """What locust wrote. Raises OSError and ValueError."""
    return of_entries(json.loads(path.read_text(encoding="utf-8")))


def of_entries(entries: Iterable[dict[str, Any]]) -> Result:
    """From locust's serialised statistics, one entry for each name."""
    kinds: dict[str, Kind] = {}
    seconds: Counter[str] = Counter()
    for entry in entries:
        times = Counter({int(float(ms)): scans for ms, scans in entry["response_times"].items()})
        found = Kind(
            entry["name"],
            entry["num_requests"],
            entry["num_failures"],
            entry["total_response_time"],
            entry["max_response_time"],
            times,
        )
        kinds.setdefault(found.name, Kind(found.name)).add(found)
        seconds.update(entry["num_reqs_per_sec"])
    return Result(sorted(kinds.values(), key=lambda kind: -kind.scans), max(seconds.values(), default=0))
