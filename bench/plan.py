"""What a scenario will do: how many scans, when, on which codes. Handed to locust's process in a file."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "BENCH_PLAN"
"""Names the file, in the environment of locust."""
SCENARIOS: Final = ("steady", "viral", "mixed", "gates")
KINDS: Final = ("link", "rules")
"""What a code may be; more would only make reports longer."""
PER_USER: Final = 10
"""Scans per second of one user, who keeps his connection: a proxy's, not a phone's."""
RAMP: Final = 10.0
"""Seconds from nothing to the peak; a third of the time where that is shorter."""
TAIL: Final = 0.2
"""What is left of a viral peak at the end."""


@dataclass(frozen=True)
class Plan:
    scenario: str
    seconds: float
    rate: float
    """Scans per second at the peak."""
    processes: int = 1
    codes: dict[str, list[str]] = field(default_factory=dict)
    """Kind → codes. The first of all is the one that goes viral."""
    forwarded: bool = False
    """Whether scans say in X-Forwarded-For whom they come from; the edge has to trust this machine."""
    gates: list[dict[str, Any]] = field(default_factory=list)
    """[{"id": 3, "key": "swg_…"}, …] of the scenario `gates`."""
    story: list[dict[str, Any]] = field(default_factory=list)
    """Scans at them, in the order in which they come: see `bench.story`."""

    @property
    def ramp(self) -> float:
        return min(RAMP, self.seconds / 3)

    @property
    def spike(self) -> float:
        """When a viral code begins to be forgotten, in seconds from the start."""
        return max(2 * self.ramp, self.seconds * 0.4)

    def share(self, second: float) -> float:
        """Of the peak, at that time: 0 to 1."""
        if second < self.ramp:
            return second / self.ramp
        if self.scenario != "viral" or second < self.spike:
            return 1.0
        return float(TAIL ** ((second - self.spike) / (self.seconds - self.spike)))

    def users(self, second: int) -> int:
        """How many scan during that second."""
        if self.story:
            return len(self.gates)
        return max(1, round(self.share(second + 0.5) * self.rate / PER_USER))

    @property
    def peak_users(self) -> int:
        return max(self.users(second) for second in range(int(self.seconds)))

    @property
    def planned(self) -> int:
        """Scans, where every answer comes at once."""
        if self.story:
            return len(self.story)
        return sum(self.users(second) for second in range(int(self.seconds))) * PER_USER

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def from_env() -> Plan:
    """In locust's process. Raises KeyError where somebody starts a scenario without `bench.load`."""
    return Plan(**json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8")))


class CodesError(ValueError):
    """The file of codes cannot be used; says why."""


def read_codes(text: str) -> dict[str, list[str]]:
    """One code a line, and after it what it is where that is not `link`; # begins a comment."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        code, kind = (*words, "link")[:2]
        if len(words) > 2 or kind not in KINDS or not code.replace("-", "").isalnum() or not code.isascii():
            raise CodesError(f"Line {number}: write a code, then nothing or one of {', '.join(KINDS)}.")
        found.setdefault(kind, []).append(code)
    if "link" not in found:
        raise CodesError("There is no code of a plain link in it; write one a line.")
    return found
