"""How a worker leaves while others stay: no client sees a connection reset.

Granian's own way closes every idle connection at once, and one on which a client is just sending its next
request is reset; so is one that was accepted a moment ago. Here a worker first stops accepting (the parent
holds the listening socket, so its queue goes to the other workers), then answers each request on the
connections it has with `Connection: close`, and ends when none came for a while.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from typing import Any, Final

QUIET: Final = 0.25
"""Seconds without a request after which the worker ends."""
AT_MOST: Final = 3.0
"""Seconds after which it ends anyway. A connection that was silent for so long is closed between requests."""

_CLOSE: Final = ("connection", "close")


class Drain:
    """One per worker. SIGTERM begins it, and it ends in granian's own stop, which SIGINT asks for at once."""

    def __init__(self, port: int) -> None:
        """`port` is the one that the edge listens on."""
        self._port = port
        self._asked = False
        self._task: asyncio.Task[None] | None = None
        self.leaving = False
        """From here on, every answer goes through `last`."""

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Takes SIGTERM over from granian; call it when granian has set its handlers."""
        loop.add_signal_handler(signal.SIGTERM, self.begin)

    def begin(self) -> None:
        """On the event loop."""
        if not self.leaving:
            self.leaving = True
            stop_accepting(self._port)
            self._task = asyncio.get_running_loop().create_task(self._wait())

    def last(self, protocol: Any) -> Any:
        """The protocol object to answer this request with."""
        self._asked = True
        return LastAnswer(protocol)

    async def _wait(self) -> None:
        give_up = time.monotonic() + AT_MOST
        self._asked = True
        while self._asked and time.monotonic() < give_up:
            self._asked = False
            await asyncio.sleep(QUIET)
        os.kill(os.getpid(), signal.SIGINT)


class LastAnswer:
    """Granian's protocol object, with an answer that ends the connection."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def response_empty(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self._protocol.response_empty(status, [*headers, _CLOSE])

    def response_str(self, status: int, headers: Sequence[tuple[str, str]], body: str) -> None:
        self._protocol.response_str(status, [*headers, _CLOSE], body)

    def response_bytes(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self._protocol.response_bytes(status, [*headers, _CLOSE], body)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    async def __call__(self) -> bytes:
        """The request's body."""
        return bytes(await self._protocol())


def stop_accepting(port: int) -> bool:
    """Takes the listening socket out of this process's hands; those who share it go on accepting.

    Granian keeps its listener to itself, so another socket is put under the same number: one that listens on
    a port of its own that nobody is told. False where there was none.
    """
    found = False
    for fd in _open_fds():
        try:
            copy = os.dup(fd)
        except OSError:
            continue
        try:
            listener = socket.socket(fileno=copy)
        except OSError:  # it is no socket
            os.close(copy)
            continue
        with listener:
            try:
                listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
                ours = listens and listener.getsockname()[1] == port
            except OSError:
                continue
            if not ours:
                continue
            with socket.create_server(("127.0.0.1", 0), backlog=1) as nobody:
                nobody.setblocking(False)
                os.dup2(nobody.fileno(), fd, inheritable=False)
            found = True
    return found


def _open_fds() -> list[int]:
    return sorted(int(name) for name in os.listdir("/dev/fd") if name.isdigit())  # noqa: PTH208
