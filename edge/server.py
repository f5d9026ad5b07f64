"""The edge process: a parent that keeps its granian workers alive, and nothing else."""

import http.client
import logging
import socket
import sys
import time
from typing import Any, Final, cast

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.server.mp import MPServer

from edge.app import configure_logging
from edge.settings import SettingError, Settings, from_env

log = logging.getLogger("edge.server")

STOP_WITHIN: Final = 5
"""Seconds a worker gets to finish after SIGTERM. It is killed then: what it recorded is in its segment."""
READY_WITHIN: Final = 3.0
"""Seconds that a stop waits for a worker that is still starting, since it cannot hear SIGTERM yet."""
PORT_FREE_WITHIN: Final = 3.0
"""Seconds."""
CRASH_PAUSE: Final = 1.0
"""Seconds between two starts of the same worker, so that one that cannot start does not eat a CPU."""


class Server(MPServer):
    """Granian with another way of replacing workers.

    Granian's own gives up when a worker dies twice in 5.5 s, and can miss one of two that die at the same
    moment, because it reacts to events. This one compares what runs with what should run.
    """

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        ready = False
        started = dict.fromkeys(range(self.workers), time.monotonic())
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

    Granian's sockets have SO_REUSEPORT, so a second edge on the same port would be let in without a word and
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
    server(settings).serve()


if __name__ == "__main__":
    serve()
