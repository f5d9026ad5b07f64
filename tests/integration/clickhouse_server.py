"""A real `scanway clickhouse` for tests: its own process, folder and port."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

from deploy.ports import free_port

PASSWORD = "correct horse"


class ClickHouseServer:
    """Start, stop, kill and start again on the same folder and port."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, database: str) -> str:
        return f"http://scanway:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def spawn(self) -> "subprocess.Popen[str]":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SCANWAY_")}
        environment |= {
            "SCANWAY_CLICKHOUSE_PATH": str(self.folder),
            "SCANWAY_CLICKHOUSE_BIND": f"127.0.0.1:{self.port}",
            "SCANWAY_CLICKHOUSE_PASSWORD": PASSWORD,
        } | self.environment
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.clickhouse.server"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> "ClickHouseServer":
        self.process = self.spawn()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(f"no 'ready' but {line!r}: {self.process.communicate()[1]}")
        with urllib.request.urlopen(f"{self.base}/ping") as response:
            assert response.read() == b"Ok.\n"
        return self

    def signal(self, number: int) -> int:
        """Sends it, waits for the end, and returns the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self.process = None
        return code

    def stop(self) -> int:
        return self.signal(signal.SIGTERM) if self.process else 0

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def memory(self) -> int:
        """Resident bytes now."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def wait_until(condition, seconds: float = 20.0) -> None:  # type: ignore[no-untyped-def]
    """Polls until the condition holds; fails when it does not come true at all."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def fresh_database(url: str) -> str:
    """The same server with a database of its own, not yet created: `migrate` does that."""
    return f"{url.rpartition('/')[0]}/test_{uuid.uuid4().hex[:12]}"
