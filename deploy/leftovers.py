"""Ending what a `scanway up` left that was itself killed with -9.

On Linux its children are told by the kernel and are usually gone already. What is left is found in three
ways, none of them by name: the process ids that were written down, with their start times, so that a reused
id is not mistaken; what descends from those; and every process that carries the run's random id in its
environment.
"""

import contextlib
import json
import time
from pathlib import Path

import psutil

RUN_VARIABLE = "SCANWAY_RUN_ID"
PATIENCE = 8.0
"""Seconds between asking and ending. PostgreSQL writes its memory out in that time."""


class RunFile:
    """The processes of one run: {"run_id": …, "processes": [[name, pid, start time in s since 1970], …]}."""

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path
        self._run_id = run_id
        self._processes: dict[int, tuple[str, int, float]] = {}

    def add(self, name: str, pid: int) -> None:
        try:
            started = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return
        self._processes[pid] = (name, pid, started)
        self._write()

    def remove(self, pid: int) -> None:
        if self._processes.pop(pid, None):
            self._write()

    def _write(self) -> None:
        new = self._path.with_suffix(".new")
        # A full or read-only disk must not end the keeper that notes a restart. The older file still names
        # the run, and what it does not list is found by the run's id in its environment.
        with contextlib.suppress(OSError):
            new.write_text(json.dumps({"run_id": self._run_id, "processes": list(self._processes.values())}))
            new.replace(self._path)

    def delete(self) -> None:
        """Where the disk refuses, it stays: the next start finds nothing alive of it."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def find(path: Path) -> list[psutil.Process]:
    """What is still alive of the run that this file tells of. A missing or torn file tells of none."""
    try:
        content = json.loads(path.read_text())
        run_id, recorded = (
            str(content["run_id"]),
            [(int(pid), float(at)) for _, pid, at in content["processes"]],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return []
    found: dict[int, psutil.Process] = {}
    for pid, started in recorded:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            # The start time is counted from boot, and the clock may have been set a little since.
            if abs(process.create_time() - started) < 2:
                found[pid] = process
                found |= {child.pid: child for child in process.children(recursive=True)}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in found and process.environ().get(RUN_VARIABLE) == run_id:
                found[process.pid] = process
    return [process for process in found.values() if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    """False for what has ended and only waits for init to notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end(path: Path) -> int:
    """Stop what is left, gently first. Returns how many there were."""
    left = find(path)
    for process in left:
        with contextlib.suppress(psutil.Error):
            # SIGINT is PostgreSQL's "fast" stop: SIGTERM would wait for its clients.
            (process.send_signal(2) if process.name() == "postgres" else process.terminate())
    _, alive = psutil.wait_procs(left, timeout=PATIENCE)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=2)
    if left:
        time.sleep(0.05)  # the kernel closes their ports a moment after the last of them is gone
    path.unlink(missing_ok=True)
    return len(left)
