"""`scanway clickhouse`: ClickHouse's HTTP interface in front of the engine, one thread a connection.

A query occupies its thread anyway, and a blocking write is the simplest back pressure there is: a result is
fetched from the engine only as fast as its reader takes it.
"""

import errno
import hmac
import logging
import os
import secrets
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import HTTPServer
from typing import Final

from deploy.clickhouse.config import Config
from deploy.clickhouse.engine import Engine
from deploy.clickhouse.errors import CannotStart, ClickHouseError
from deploy.clickhouse.handler import Handler
from deploy.clickhouse.sessions import Sessions

log = logging.getLogger("clickhouse")

MAX_CONNECTIONS: Final = 512
# Seconds: how long running queries may go on after SIGTERM, before they are stopped.
_DRAIN: Final = 3.0
_WATCH_INTERVAL: Final = 0.25


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, config: Config, engine: Engine) -> None:
        if ":" in config.host:
            self.address_family = socket.AF_INET6
        self.config = config
        self.engine = engine
        self.sessions = Sessions(engine)
        self.stopping = threading.Event()
        self.display_name = socket.gethostname()
        self._slots = threading.BoundedSemaphore(config.max_queries)
        self._connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._running: dict[str, socket.socket | None] = {}
        self._running_lock = threading.Lock()
        try:
            super().__init__((config.host, config.port), Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(
                    f"Port {config.port} on {config.host} is taken by another program: stop it, "
                    "or set SCANWAY_CLICKHOUSE_BIND to another port."
                ) from error
            raise CannotStart(f"Cannot listen on {config.host}:{config.port}: {error.strerror}.") from error

    def server_bind(self) -> None:
        # Without HTTPServer's look-up of the host's name, which may wait for DNS.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        error = sys.exception() if sys.version_info >= (3, 11) else None
        if not isinstance(error, OSError):
            log.error("A request failed unexpectedly.", exc_info=error)

    def authenticate(self, user: str, password: str) -> None:
        """Raises ClickHouseError 516."""
        expected = f"{self.config.user}\0{self.config.password}"
        given = f"{user or 'default'}\0{password}"
        if not self.config.password and user in ("", "default"):
            given = f"{self.config.user}\0{password}"
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise ClickHouseError.make(
                516,
                "AUTHENTICATION_FAILED",
                f"{user or 'default'}: Authentication failed: password is incorrect, "
                "or there is no user with such name.",
            )

    def begin(self, tag: str, watched: socket.socket | None) -> None:
        """Takes a query slot. `watched`: the client whose going away stops the query."""
        if not self._slots.acquire(blocking=False):
            raise ClickHouseError.make(
                202,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                f"Too many simultaneous queries. Maximum: {self.config.max_queries}",
            )
        # A handle of its own that never waits: the connection's has a timeout, and reading from it would
        # hold up the watch over all others.
        handle = watched.dup() if watched else None
        if handle:
            handle.setblocking(False)
        with self._running_lock:
            self._running[tag] = handle

    def end(self, tag: str) -> None:
        with self._running_lock:
            handle = self._running.pop(tag, None)
            if handle:
                handle.close()
        self._slots.release()

    def new_exception_tag(self) -> str:
        return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))

    def watch(self) -> None:
        """Stops the queries of clients that hung up. Runs in its own thread."""
        while not self.stopping.wait(_WATCH_INTERVAL):
            with self._running_lock:
                gone = [tag for tag, client in self._running.items() if client and _hung_up(client)]
            for tag in gone:
                self._kill(tag)
            self.sessions.expire()

    def stop(self) -> None:
        """Takes no more requests, lets running ones finish, stops those that do not, closes the engine."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + _DRAIN
        while self._count() and time.monotonic() < deadline:
            time.sleep(0.02)
        with self._running_lock:
            left = list(self._running)
        for tag in left:
            self._kill(tag)
        deadline = time.monotonic() + 0.5
        while self._count() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.engine.close()

    def _count(self) -> int:
        with self._running_lock:
            return len(self._running)

    def _kill(self, tag: str) -> None:
        try:
            self.engine.kill(tag)
        except (ClickHouseError, RuntimeError) as error:
            log.warning("A query could not be stopped: %s", error)


def _hung_up(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def serve() -> None:
    """Serves as the environment says until SIGTERM or SIGINT, then exits 0; 1 where it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Waited for, not handled: a handler that sets what its own thread is about to wait for can lock it up.
    ends = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        config = Config.from_env()
        engine = Engine(config.path, config.database)
        server = Server(config, engine)
        engine.open()
    except (CannotStart, ValueError) as error:
        log.error("%s", error)
        raise SystemExit(1) from None
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    threading.Thread(target=server.watch, daemon=True).start()
    log.info("Engine %s answers on %s:%d.", engine.version, config.host, server.server_address[1])
    print("ready", flush=True)
    signal.sigwait(ends)
    # Should the engine hang while it closes: what was acknowledged is in its files already.
    watchdog = threading.Timer(4.5, os._exit, (0,))
    watchdog.daemon = True
    watchdog.start()
    server.stop()
    log.info("Stopped.")
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by returning: idle connections have threads inside the engine's library, which the interpreter's
    # own end would pull from under them.
    os._exit(0)


if __name__ == "__main__":
    serve()
