"""Scans that arrive at the same moment are redeemed together: one commit for all of them.

Nothing is held back to fill a batch. While one is on its way to disk, what arrives waits for the next.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Final

from django.db import Error, connection

from control_plane.passes.errors import PassesError
from control_plane.passes.redeem import Scan, Verdict, redeem_all

LARGEST: Final = 64
THREADS: Final = 2
"""Each with a connection to PostgreSQL: one reads the next scans while the other waits for the disk."""

Read = Callable[[], Scan]
log = logging.getLogger("gate")


class Batches:
    """Threads that start with the first scan, and end with the process."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Read, Future[Verdict]]] = SimpleQueue()
        self._start = threading.Lock()
        self._threads: list[threading.Thread] = []

    def submit(self, read: Read) -> "Future[Verdict]":
        """The verdict to come. `read` is called in a thread of ours; what it raises, and what redemption
        raises, is the future's exception: mostly PassesError or django.db.Error."""
        with self._start:
            self._threads = [one for one in self._threads if one.is_alive()]
            while len(self._threads) < THREADS:
                thread = threading.Thread(target=self._work, name="gate", daemon=True)
                self._threads.append(thread)
                thread.start()
        future: Future[Verdict] = Future()
        self._queue.put((read, future))
        return future

    def _work(self) -> None:
        while True:
            scans: list[tuple[Scan, Future[Verdict]]] = []
            for read, future in self._next():
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    scans.append((read(), future))
                except (
                    Exception
                ) as error:  # whoever waits is told, whatever it is; all gates share this thread
                    _failed(future, error)
            if scans:
                _redeem(scans)

    def _next(self) -> list[tuple[Read, "Future[Verdict]"]]:
        found = [self._queue.get()]
        while len(found) < LARGEST:
            try:
                found.append(self._queue.get_nowait())
            except Empty:
                break
        return found


def _redeem(scans: list[tuple[Scan, "Future[Verdict]"]]) -> None:
    try:
        verdicts = redeem_all([scan for scan, _ in scans])
    except Exception as error:  # as above
        if len(scans) == 1:
            _failed(scans[0][1], error)
            return
        # One of them was refused, or PostgreSQL was away: none is done, and each is tried for itself.
        if isinstance(error, Error):
            connection.close()
        for one in scans:
            _redeem([one])
        return
    for (_, future), verdict in zip(scans, verdicts, strict=True):
        future.set_result(verdict)


def _failed(future: "Future[Verdict]", error: Exception) -> None:
    if isinstance(error, Error):
        # The next scan gets a new connection.
        log.warning("A redemption takes the long way: %s", error)
        connection.close()
    elif not isinstance(error, PassesError):
        log.error("A redemption takes the long way.", exc_info=error)
    future.set_exception(error)
