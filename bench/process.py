"""Processes of a benchmark: started, measured, and stopped by their id."""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that prints "ready" when it answers; stopped by SIGTERM at the end."""
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment, start_new_session=True
    )
    try:
        assert child.stdout is not None
        waiting = select.select([child.stdout], [], [], 30)[0]
        if not waiting or child.stdout.readline().strip() != "ready":
            raise SystemExit(f"{' '.join(command)} did not start; its message is above.")
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=15)


def children(pid: int) -> list[int]:
    """The processes that `pid` started and that still run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [
        child
        for child in map(int, text.split())
        # Python's resource tracker is a child as well.
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def anonymous_memory(pid: int) -> int:
    """Bytes of memory that belong to the process alone; mapped files, such as the spool's, are not in it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
