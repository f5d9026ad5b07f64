"""A whole `scanway up` in a folder of its own, on free ports, as a person would start it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from deploy.leftovers import RUN_VARIABLE
from deploy.ports import free_port

START_SECONDS = 120
STOP_SECONDS = 10
"""What the product promises."""
# Settings of the person who runs the tests must not reach the product under test.
_FOREIGN = re.compile("^(SCANWAY_|DJANGO_)")


class Stack:
    """Start it with start(); stop it with stop() or kill(). Restarting keeps ports and data."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.log_path = home.parent / f"{home.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.ports = {name: free_port() for name in ("edge", "console", "valkey", "postgres", "clickhouse")}
        self.short_url = f"http://127.0.0.1:{self.ports['edge']}"
        self.console_url = f"http://127.0.0.1:{self.ports['console']}"
        self.email = ""
        self.password = ""
        inherited = {name: text for name, text in os.environ.items() if not _FOREIGN.match(name)}
        self.environment = inherited | {
            "SCANWAY_HOME": str(home),
            "SCANWAY_EDGE_BIND": f"127.0.0.1:{self.ports['edge']}",
            "SCANWAY_CONSOLE_BIND": f"127.0.0.1:{self.ports['console']}",
            "SCANWAY_VALKEY_PORT": str(self.ports["valkey"]),
            "SCANWAY_POSTGRES_PORT": str(self.ports["postgres"]),
            "SCANWAY_CLICKHOUSE_PORT": str(self.ports["clickhouse"]),
        } | environment  # fmt: skip

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self.process is not None
        return self.process.pid

    def log(self) -> str:
        """Everything printed by the present or last start."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def launch(self) -> None:
        """Start without waiting."""
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deploy.cli", "up"],
                env=self.environment,
                cwd=self.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> "Stack":
        """Start and wait until it says that it is ready. Fails with its log where it ends before."""
        self.launch()
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while not re.search(r"(?m)^ready in ", self.log()):
            assert self.process.poll() is None, (
                f"scanway up ended with {self.process.returncode}:\n{self.log()}"
            )
            assert time.monotonic() < deadline, f"scanway up is not ready:\n{self.log()}"
            time.sleep(0.1)
        if account := re.search(r"Sign in +(\S+@\S+) .*\n.*Password +(\S+)", self.log()):
            self.email, self.password = account.groups()
        return self

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does. Returns the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS + 20)

    def kill(self) -> None:
        """kill -9 of the supervisor alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Whatever state it is in, leave nothing of it behind."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.process.poll() is None:
                self.kill()
        for process in self.living():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def second_up(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Another `scanway up` with the same settings, to its end."""
        return self.cli("up", **environment)

    def cli(self, *arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """A `scanway` command of an operator in another terminal."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "deploy.cli", *arguments],
            env=self.environment | environment,
            cwd=self.home.parent,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def living(self) -> list[psutil.Process]:
        """Every process of any start on this home: by the run's environment, or by the paths it was given."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                environment = process.environ()
                ours = RUN_VARIABLE in environment and environment.get("SCANWAY_HOME") == str(self.home)
                if ours or str(self.home) in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def settle(self, seconds: float = 15) -> list[psutil.Process]:
        """Wait for every process to be gone. Returns those that are not."""
        deadline = time.monotonic() + seconds
        while (left := self.living()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def process_of(self, name: str) -> psutil.Process:
        """The process that the supervisor itself started for edge, ingest, valkey …"""
        for process in psutil.Process(self.pid).children():
            line = process.cmdline()
            if line and (line[-1] == name or f"{name}-server" in line[0] or line[0].endswith(f"/{name}")):
                return process
        raise LookupError(f"scanway up runs no {name}")
