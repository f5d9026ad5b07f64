"""What a scenario must hold (slo.toml), and whether it did."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from bench.plan import SCENARIOS, Plan
from bench.result import Result

FILE: Final = Path(__file__).with_name("slo.toml")
LOAD: Final = ("seconds", "rate", "processes")
QUANTILES: Final = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
GOALS: Final = (*QUANTILES, "server_p99_ms", "error_rate", "minimum_rate")


class SloError(ValueError):
    """The file cannot be used; says why."""


@dataclass(frozen=True)
class Slo:
    """One scenario's part of the file."""

    load: dict[str, float]
    goals: dict[str, float]
    """A goal that is not in the file is not asked for."""


class Verdict(NamedTuple):
    """One goal, in words."""

    name: str
    wanted: str
    got: str
    met: bool


def read(path: Path, scenario: str) -> Slo:
    """Raises SloError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SloError(f"{path} cannot be read: {error}") from error
    part = content.get(scenario)
    if not isinstance(part, dict):
        raise SloError(f"{path} says nothing about {scenario}; it needs a part [{scenario}].")
    if unknown := [*(set(content) - set(SCENARIOS)), *(set(part) - {*LOAD, *GOALS})]:
        raise SloError(f"{path}: there is no {unknown[0]!r}; the top of {FILE.name} lists what there is.")
    for name, value in part.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise SloError(f"{path}: {name} of {scenario} has to be a number, 0 or more.")
    if missing := [name for name in LOAD if not part.get(name)]:
        raise SloError(f"{path}: {scenario} needs {missing[0]}, above 0.")
    return Slo({name: part[name] for name in LOAD}, {name: part[name] for name in GOALS if name in part})


def judge(goals: dict[str, float], result: Result, plan: Plan) -> list[Verdict]:
    """One for each goal, and one for scans that got lost where that is known.

    The edge's own time is not judged where the edge does not show it.
    """
    total = result.all
    found = []
    for name, wanted in goals.items():
        if name == "minimum_rate":
            least, rate = wanted * plan.planned / plan.seconds, total.scans / plan.seconds
            found.append(Verdict("rate", f"≥ {least:,.0f}/s", f"{rate:,.0f}/s", rate >= least))
        elif name == "error_rate":
            share = total.errors / total.scans if total.scans else 1.0
            found.append(Verdict("errors", f"≤ {wanted:.3%}", f"{share:.3%}", share <= wanted))
        elif name in QUANTILES:
            got = total.quantile_ms(QUANTILES[name])
            found.append(Verdict(f"{name[:3]} client", f"≤ {wanted:g} ms", f"{got:g} ms", got <= wanted))
        elif result.server is not None:
            got = result.server.quantile_ms(0.99)
            found.append(Verdict("p99 edge", f"≤ {wanted:g} ms", f"≤ {got:g} ms", got <= wanted))
    if result.recorded is not None:
        for name, recorded, sent in (
            ("recorded people", result.recorded.people, result.of(robots=False)),
            ("recorded bots", result.recorded.bots, result.of(robots=True)),
        ):
            # An answer that came too late for locust was counted all the same.
            met = sent.answered <= recorded <= sent.scans
            found.append(Verdict(name, f"{sent.answered:,}", f"{recorded:,}", met))
    for name, ours, theirs in result.books:
        found.append(Verdict(name, f"{ours:,}", f"{theirs:,}", ours == theirs))
    return found
