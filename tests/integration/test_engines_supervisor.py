"""The supervisor with tiny programs: restarts, order, patience, and what an earlier run left."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy import leftovers
from deploy.errors import StartError
from deploy.program import Program
from deploy.screen import Screen
from deploy.supervisor import Supervisor

QUIET_END = "signal.signal(signal.SIGTERM, lambda *_: (note('stopped'), sys.exit(0)))"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
WAIT = "print('ready', flush=True)\nwhile True: time.sleep(0.05)"


class Scene:
    """A supervisor, its screen, and a file in which programs note what they did."""

    def __init__(self, folder: Path) -> None:
        self.out = io.StringIO()
        self.notes = folder / "notes"
        self.run_file = folder / "run.json"
        self.supervisor = Supervisor(Screen(self.out), leftovers.RunFile(self.run_file, "test-run"))

    def program(self, name: str, *lines: str) -> Program:
        note = f"def note(text): open({str(self.notes)!r}, 'a').write({name!r} + ' ' + text + '\\n')"
        source = "\n".join(["import os, signal, subprocess, sys, time", note, *lines])
        return Program(
            name, name.capitalize(), (sys.executable, "-c", source), dict(os.environ), cwd=Path.cwd()
        )

    def noted(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  other processes set no events
            await asyncio.sleep(0.02)


async def test_a_crash_is_followed_by_longer_and_longer_pauses(scene: Scene) -> None:
    crash = "os.kill(os.getpid(), 9)"
    program = scene.program("edge", "note('start')", "print('ready', flush=True)", "time.sleep(0.1)", crash)
    await scene.supervisor.start(program, stage=1)
    await until(lambda: scene.noted().count("edge start") >= 4)
    await scene.supervisor.stop()
    shown = scene.out.getvalue()
    for pause in ("0.2", "0.4", "0.8"):
        assert f"ended with signal SIGKILL; starting it again in {pause} s" in shown


async def test_a_crash_leaves_no_grandchild_to_hold_the_port(scene: Scene) -> None:
    await scene.supervisor.start(
        scene.program("edge", "child = subprocess.Popen(['sleep', '1000'])", "note(str(child.pid))", WAIT),
        stage=1,
    )
    grandchild = psutil.Process(int(scene.noted()[0].split()[1]))
    os.kill(grandchild.ppid(), signal.SIGKILL)
    await until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)
    await scene.supervisor.stop()


async def test_a_full_disk_does_not_keep_a_program_from_being_restarted(scene: Scene) -> None:
    await scene.supervisor.start(scene.program("edge", "note(str(os.getpid()))", WAIT), stage=1)
    scene.run_file.with_suffix(".new").mkdir()  # what stands in for it: writing fails with an OSError
    os.kill(int(scene.noted()[0].split()[1]), signal.SIGKILL)
    await until(lambda: len(scene.noted()) == 2)
    assert "test-run" in scene.run_file.read_text()
    assert await scene.supervisor.stop() == []


async def test_later_stages_stop_first(scene: Scene) -> None:
    for name, stage in (("valkey", 1), ("edge", 2), ("worker", 2)):
        await scene.supervisor.start(scene.program(name, QUIET_END, WAIT), stage=stage)
    assert await scene.supervisor.stop() == []
    assert set(scene.noted()[:2]) == {"edge stopped", "worker stopped"}
    assert scene.noted()[2:] == ["valkey stopped"]


async def test_what_does_not_listen_is_ended(scene: Scene) -> None:
    await scene.supervisor.start(scene.program("valkey", QUIET_END, WAIT), stage=1)
    await scene.supervisor.start(scene.program("edge", DEAF, WAIT), stage=2)
    assert await scene.supervisor.stop(budget=1.0) == ["Edge"]
    assert scene.noted() == ["valkey stopped"]
    assert not [child for child in psutil.Process().children() if child.cmdline()[-1:] == ["edge"]]


async def test_a_program_that_never_gets_ready_is_an_error_with_its_last_words(scene: Scene) -> None:
    with pytest.raises(StartError, match="Edge ended 3 times before it was ready, last with exit code 7"):
        await scene.supervisor.start(scene.program("edge", "print('no database'); sys.exit(7)"), stage=1)
    assert scene.out.getvalue().count("edge       | no database\n") == 3
    with pytest.raises(StartError, match="cannot be run"):
        await scene.supervisor.start(Program("edge", "Edge", ("/nowhere",), {}), stage=1)
    await scene.supervisor.stop()


async def test_a_very_long_line_does_not_stop_the_log(scene: Scene) -> None:
    await scene.supervisor.start(
        scene.program("edge", "print('x' * 3_000_000)", "print('after', flush=True)", WAIT), stage=1
    )
    await until(lambda: "edge       | after\n" in scene.out.getvalue())
    await scene.supervisor.stop()


async def test_a_step_returns_what_it_printed(scene: Scene) -> None:
    assert await scene.supervisor.run_once(scene.program("setup", "print('done')")) == ["done"]
    with pytest.raises(StartError, match="Setup failed with exit code 3"):
        await scene.supervisor.run_once(scene.program("setup", "sys.exit(3)"))


def test_the_kernel_tells_children_that_the_supervisor_was_killed(scene: Scene) -> None:
    """Linux only, as is the request; elsewhere the next start finds them."""
    source = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_engines_supervisor import QUIET_END, WAIT, Scene
async def main():
    scene = Scene(Path({str(scene.notes.parent)!r}))
    await scene.supervisor.start(scene.program("edge", QUIET_END, WAIT), stage=1)
    print("up", flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""
    supervisor = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "up\n"
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    deadline = time.monotonic() + 20
    while not scene.noted() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scene.noted() == ["edge stopped"]


def spawn(source: str, **environment: str) -> "subprocess.Popen[str]":
    whole = f"import signal, time\n{source}\nprint('up', flush=True)\ntime.sleep(1000)"
    process = subprocess.Popen(
        [sys.executable, "-c", whole], env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


def test_leftovers_are_ended_by_id_and_nothing_else_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE", 0.5)
    file = leftovers.RunFile(scene.run_file, "that-run")
    listed, deaf = spawn(""), spawn("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    marked = spawn("", **{leftovers.RUN_VARIABLE: "that-run"})
    stranger, other_run = spawn(""), spawn("", **{leftovers.RUN_VARIABLE: "another-run"})
    try:
        for process in (listed, deaf):
            file.add("edge", process.pid)
        # A process id that was written down and has since been given to somebody else.
        recycled = scene.run_file.read_text().replace(
            "]]", f'], ["worker", {stranger.pid}, {psutil.Process(stranger.pid).create_time() - 3600}]]'
        )
        scene.run_file.write_text(recycled)
        assert leftovers.end(scene.run_file) == 3
        assert not [process.pid for process in (listed, deaf, marked) if psutil.pid_exists(process.pid)]
        assert stranger.poll() is None
        assert other_run.poll() is None
        assert leftovers.end(scene.run_file) == 0
    finally:
        for process in (listed, deaf, marked, stranger, other_run):
            process.kill()
            process.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run_id": 1}', '{"run_id": "x", "processes": [[1]]}'])
def test_a_torn_run_file_tells_of_nothing(scene: Scene, text: str) -> None:
    scene.run_file.write_text(text)
    assert leftovers.find(scene.run_file) == []
