"""The edge process: a parent that holds the port and keeps its granian workers alive, and nothing else.

SIGTERM stops it. SIGHUP replaces its workers one after the other, without a request lost.
"""

import contextlib
import http.client
import importlib
import logging
import multiprocessing
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final, cast

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

from edge import native
from edge.drain import AT_MOST
from edge.log import configure_logging
from edge.settings import SettingError, Settings, from_env

log = logging.getLogger("edge.server")

STOP_WITHIN: Final = 5
"""Seconds a worker gets to finish after SIGTERM. It is killed then: what it recorded is in its segment."""
READY_WITHIN: Final = 3.0
"""Seconds that a stop waits for a worker that is still starting, since it cannot hear SIGTERM yet."""
PORT_FREE_WITHIN: Final = 3.0
"""Seconds."""
START_WITHIN: Final = 30.0
"""Seconds a replacement gets to start before the worker that it replaces is left in its place."""
CRASH_PAUSE: Final = 1.0
"""Seconds between two starts of the same worker, so that one that cannot start does not eat a CPU."""


MAX_HEAD: Final = 32_768
"""Bytes of a request's line and headers; a longer head is answered 431."""

_MADE: Final = b"made"
"""What a worker says to the parent when its application could be made."""


class Wakeup:
    """What the parent waits on: `threading.Event`, but one that a signal's handler may set.

    A handler runs in the main thread, between any two of its instructions. One that comes while that thread
    is inside `Event.wait` or `Event.clear` waits for a lock its own thread holds, for ever: of 5,000 such
    loops at 50 rounds a second, 4 hung when they were told to stop. A byte in a pipe needs no lock.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)

    def set(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full: whoever waits is woken anyway
            os.write(self._writing, b"\0")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reading, 65_536)

    def wait(self, seconds: float) -> bool:
        """Whether it was set within these seconds."""
        return bool(select.select([self._reading], [], [], seconds)[0])


class Server(MPServer):
    """Granian with another way of replacing workers, and of listening.

    Granian's own gives up when a worker dies twice in 5.5 s, and can miss one of two that die at the same
    moment, because it reacts to events. This one compares what runs with what should run.

    On Linux each of granian's workers listens on a socket of its own, and takes what is queued there with it
    when it dies. Here all share the parent's: a connection waits for the next worker that is free.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.main_loop_interrupt: Any = Wakeup()

    def _init_shared_socket(self) -> None:
        self._shd: Any = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._sfd = self._shd.get_fd()
        self._ssp = None
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        ready = False
        started = dict.fromkeys(range(self.workers), time.monotonic())
        revive = partial(self._revive, spawn_target, target_loader, started)
        asked_to_stop: float | None = None
        while True:
            self.main_loop_interrupt.wait(0.2 if ready else 0.02)
            self.main_loop_interrupt.clear()
            self.interrupt_children.clear()
            now = time.monotonic()
            if self.interrupt_signal:
                asked_to_stop = asked_to_stop or now
                if ready or now - asked_to_stop > READY_WITHIN:
                    return
            if not ready and self._answers():
                ready = True
                if asked_to_stop is None:
                    print("ready", flush=True)
            if self.reload_signal and ready:
                self.reload_signal = False
                self._replace_all(spawn_target, target_loader, revive)
            revive()

    def _revive(self, spawn_target: Any, target_loader: Any, started: dict[int, float]) -> None:
        """Starts every worker again that is gone. `started` is when that was last done for each."""
        now = time.monotonic()
        for index, worker in enumerate(cast("list[Any]", self.wrks)):
            if self.interrupt_signal or worker.is_alive():
                continue
            if now - started[index] >= CRASH_PAUSE:
                log.error("Worker %d is gone; starting another.", index + 1)
                started[index] = now
                self.wrks[index] = self._spawn_worker(
                    idx=index, target=spawn_target, callback_loader=target_loader
                )
                cast("Any", self.wrks[index]).start()

    def _replace_all(self, spawn_target: Any, target_loader: Any, revive: Callable[[], None]) -> None:
        """One worker after the other: the new one is there before the old one leaves.

        Meanwhile `revive` is called again and again: any of the others may die.
        """
        for index in range(self.workers):
            reading, writing = multiprocessing.Pipe(duplex=False)
            new: Any = self._spawn_worker(
                idx=index, target=spawn_target, callback_loader=partial(_load, target_loader, writing)
            )
            new.start()
            writing.close()
            with reading:
                started = self._wait_for(reading, revive)
            if not started:
                if not self.interrupt_signal:
                    log.error("Worker %d cannot be replaced: the new one does not start.", index + 1)
                new.kill()
                new.join()
                return
            old: Any = self.wrks[index]
            self.wrks[index] = new
            old.terminate()
            give_up = time.monotonic() + AT_MOST + STOP_WITHIN
            while old.is_alive() and time.monotonic() < give_up:
                old.join(0.1)
                revive()
            if old.is_alive():
                old.kill()
                old.join()
            log.info("Worker %d is replaced.", index + 1)

    def _wait_for(self, reading: Connection, revive: Callable[[], None]) -> bool:
        """Whether the worker at the other end could be made. False when this process is to stop first."""
        give_up = time.monotonic() + START_WITHIN
        while time.monotonic() < give_up and not self.interrupt_signal:
            if reading.poll(0.1):
                try:
                    return reading.recv_bytes() == _MADE
                except EOFError:  # it died
                    return False
            revive()
        return False

    def _stop_workers(self) -> None:
        """Nobody stays who could take over: they end at once, when what is under way is answered."""
        for worker in cast("list[Any]", self.wrks):
            worker.interrupt_by_parent = True
            if worker.is_alive():
                os.kill(worker.inner.pid, signal.SIGINT)
        give_up = time.monotonic() + STOP_WITHIN
        for worker in cast("list[Any]", self.wrks):
            worker.join(max(0.001, give_up - time.monotonic()))
            if worker.is_alive():
                worker.kill()
                worker.join()
        self.wrks.clear()

    def _answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(self.bind_addr), str(self.bind_addr))  # noqa: S104
        connection = http.client.HTTPConnection(host, self.bind_port, timeout=1)
        try:
            connection.request("GET", "/-/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _load(loader: Callable[[], Any], ready: Connection) -> Any:
    """In a worker: makes the application, and tells the parent that it could."""
    application = loader()
    with ready:
        ready.send_bytes(_MADE)
    return application


def server(settings: Settings, target: str = "edge.app:create", **changes: Any) -> Server:
    """The server with the settings that production and the benchmark share."""
    options: dict[str, Any] = {
        "address": settings.host,
        "port": settings.port,
        "interface": Interfaces.RSGI,
        # Set for all interfaces alike, so that the benchmark compares like with like. The single-threaded
        # runtime, granian's choice for RSGI, could not be told apart from it by measurement.
        "runtime_mode": RuntimeModes.mt,
        "workers": settings.workers,
        "loop": Loops.uvloop,
        "http": HTTPModes.http1,
        "http1_settings": HTTP1Settings(max_buffer_size=MAX_HEAD),
        "websockets": False,
        "backlog": 2048,
        "log_enabled": False,
        "log_access": False,
        "workers_kill_timeout": STOP_WITHIN,
        "factory": True,
    }
    return Server(target, **(options | changes))


def check_port(settings: Settings) -> None:
    """Raises OSError where somebody listens already.

    Granian's socket has SO_REUSEPORT, so a second edge on the same port would be let in without a word and
    take half of the scans. Workers of a parent that was killed need up to a second to leave: wait for them.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    give_up = time.monotonic() + PORT_FREE_WITHIN
    while True:
        try:
            socket.create_server((settings.host, settings.port), family=family).close()
            return
        except OSError:
            if time.monotonic() > give_up:
                raise
        time.sleep(0.1)


def serve() -> None:
    """Runs until SIGTERM or SIGINT, then exits 0. Exits 1 with a sentence where it cannot start."""
    configure_logging()
    try:
        settings = from_env()
        check_port(settings)
    except SettingError as error:
        sys.exit(f"ERROR edge: {error}")
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        reason = error.strerror or str(error)
        sys.exit(f"ERROR edge: {where} cannot be used ({reason}). Free it or set SCANWAY_EDGE_BIND.")
    if settings.native:
        native.use()
    importlib.import_module("edge.app")  # once, for all workers: they are forked, and start in no time
    server(settings).serve()


if __name__ == "__main__":
    serve()
