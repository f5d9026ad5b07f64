"""One process that `scanway up` runs: how it is started, known to work, and stopped."""

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.screen import Screen

LONGEST_LINE = 256 * 1024
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    name: str
    """The prefix of its log lines."""
    title: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    cwd: Path = Path("/")
    probe: Callable[[int], Awaitable[bool]] | None = None
    """Given its process id, says whether it works. Without one, the line `ready` on its output says so."""
    stop_signal: signal.Signals = signal.SIGTERM
    identity: tuple[int, int] | None = None
    """User and group to run as, where it is not to be ours."""
    shown: re.Pattern[str] | None = None
    """Which of its lines are worth the screen. The others are shown only when it fails."""


def _before_exec(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Ask Linux to send the child its stop signal when we are gone, even by kill -9.

    The request is tied to the thread that forks, so only the main thread may start programs. It survives
    exec, and a change of user as long as it is made after it, as subprocess does.
    """
    if _libc is None:
        return None
    libc, parent = _libc, os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # it ended between fork and the request
            os._exit(1)

    return ask


class Child:
    """A running program, in a process group of its own so that what it starts can be ended with it."""

    def __init__(
        self,
        program: Program,
        process: asyncio.subprocess.Process,
        output: asyncio.StreamReader,
        pipe: asyncio.ReadTransport,
        screen: Screen,
    ) -> None:
        self.program = program
        self.process = process
        self.pid = process.pid
        self.tail: deque[str] = deque(maxlen=40)
        self.ready = asyncio.Event()
        self._screen = screen
        self._pipe = pipe
        self._pump = asyncio.create_task(self._read(output))

    @classmethod
    async def start(cls, program: Program, screen: Screen) -> "Child":
        """Raises OSError where the program cannot be run."""
        identity = {}
        if program.identity is not None and os.geteuid() == 0:
            identity = {"user": program.identity[0], "group": program.identity[1], "extra_groups": []}
        # The pipe is ours rather than asyncio's, so that it can be closed while a stray grandchild holds it.
        reading, writing = os.pipe()
        output = asyncio.StreamReader(limit=LONGEST_LINE)
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", 0)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *program.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(program.environment),
                cwd=program.cwd,
                process_group=0,
                preexec_fn=_before_exec(program.stop_signal),
                **identity,
            )
        except BaseException:
            pipe.close()
            raise
        finally:
            os.close(writing)
        return cls(program, process, output, pipe, screen)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # longer than the limit; what was read of it is dropped by the reader
                continue
            if not raw:
                return
            text = raw.decode("utf-8", "replace").rstrip()
            if text == "ready" and self.program.probe is None:
                self.ready.set()
                continue
            if not text:
                continue
            self.tail.append(text)
            if self.program.shown is None or self.program.shown.search(text):
                self._screen.log(self.program.name, text)

    async def wait_ready(self) -> bool:
        """True when it works, False when it ended before."""
        ended = asyncio.create_task(self.process.wait())
        works = asyncio.create_task(self._poll() if self.program.probe else self.ready.wait())
        try:
            await asyncio.wait({ended, works}, return_when=asyncio.FIRST_COMPLETED)
            if works.done() and not ended.done():
                works.result()
                self.ready.set()
                return True
            return False
        finally:
            for task in (ended, works):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _poll(self) -> None:
        assert self.program.probe is not None
        pause = 0.01
        while not await self.program.probe(self.pid):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    async def wait(self) -> str:
        """Wait for its end, and clear away what it left of its group. Returns how it ended."""
        code = await self.process.wait()
        self.signal_group(signal.SIGKILL)
        # A grandchild in another group may hold the pipe open; its lines are not worth waiting for.
        await asyncio.wait({self._pump}, timeout=0.5)
        self._pump.cancel()
        self._pipe.close()
        if code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"

    def send(self, number: signal.Signals) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
