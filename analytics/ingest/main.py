"""The ingest process: adopt, deliver sealed segments in order, tell the screens. `scanway ingest`."""

import logging
import os
import signal
import sys
import threading
import time
from typing import Final

from analytics.ingest.backoff import Backoff
from analytics.ingest.deliver import Deliverer, Delivery, Outcome
from analytics.ingest.failpoint import Failpoint
from analytics.ingest.rows import Enricher
from analytics.ingest.salts import Salts
from analytics.ingest.settings import Settings, SettingsError
from analytics.ingest.spool import Spool, SpoolError
from analytics.ingest.status import Status, StatusFile
from analytics.ingest.ticks import TickPublisher
from analytics.ingest.warehouse import Failure, Warehouse
from analytics.valkey.client import connect
from analytics.visitors.geo import Geo, GeoError
from analytics.visitors.networks import known_networks

logger = logging.getLogger("ingest")

POLL: Final = 0.2
"""Seconds between two looks into sealed/: a scan shows within 1 s of sealing and this."""
_HOUSEKEEPING: Final = 1.0
_VALKEY_TIMEOUT: Final = 0.25


def run() -> None:
    """Blocks until SIGTERM or SIGINT, then finishes the segment in hand. Exits 1 on what cannot work."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stop = _asked_to_stop()
    try:
        ingest = Ingest(Settings.from_env(), stop)
    except (SettingsError, SpoolError, GeoError, ValueError) as error:
        logger.error("%s", error)
        raise SystemExit(1) from None
    ingest.run()


def _asked_to_stop() -> threading.Event:
    """Set by SIGTERM or SIGINT. Call it before there are other threads.

    A thread of its own waits for them: a handler that comes while the main thread is inside `wait`
    would wait for a lock that its own thread holds, for ever.
    """
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def listen() -> None:
        signal.sigwait(numbers)
        stop.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    return stop


class Ingest:
    """One process's worth of delivery; `run` returns when `stop` is set."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._stop = stop
        failpoint = Failpoint(settings.failpoint, settings.spool)
        self._spool = Spool(settings.spool, failpoint)
        self._spool.claim()
        self._valkey = connect(settings.redis_url, timeout=_VALKEY_TIMEOUT, connect_timeout=_VALKEY_TIMEOUT)
        self._salts = Salts(self._valkey, settings.spool)
        self._ticks = TickPublisher(self._valkey)
        self._warehouse = Warehouse(settings.clickhouse_url)
        self._deliverer = Deliverer(
            self._spool,
            self._warehouse,
            Enricher(Geo(settings.geoip_path), known_networks(), settings.own_hosts),
            self._salts,
            failpoint,
        )
        self._status = Status(pid=os.getpid(), started_at=time.time())
        self._status_file = StatusFile(settings.spool, self._status)
        self._backoff = Backoff()
        self._left: set[str] = set()
        self._next_housekeeping = 0.0

    def run(self) -> None:
        try:
            self._wait_for_schema()
            while not self._stop.is_set():
                if not self._round():
                    self._stop.wait(POLL)
        finally:
            self._status.ready = False
            self._status_file.write(now=True)
            self._warehouse.close()
            self._valkey.close()

    def _wait_for_schema(self) -> None:
        while not self._stop.is_set():
            try:
                missing = self._warehouse.missing()
            except Failure as error:
                self._failed(f"ClickHouse does not answer: {_first_line(error)}")
                continue
            if not missing:
                self._worked()
                self._status.ready = True
                self._status_file.write(now=True)
                print("ready", flush=True)
                return
            self._failed(
                f"The ClickHouse database is not ready: {len(missing)} steps of its schema are missing, the "
                f"first is {missing[0]}. Run `scanway migrate`."
            )

    def _round(self) -> bool:
        """One look at the spool; True where there was something to do."""
        self._housekeep()
        waiting = [each for each in self._spool.sealed() if each[0] not in self._left]
        self._status.backlog_segments = len(waiting)
        self._status.backlog_bytes = sum(size for _, size in waiting)
        self._status_file.write()
        sizes = dict(waiting)
        ids = list(sizes)
        if self._deliverer.unsettled in sizes:
            # What may be half done is settled first, while its token is fresh.
            ids.remove(self._deliverer.unsettled)
            ids.insert(0, self._deliverer.unsettled)
        for position, segment_id in enumerate(ids):
            if self._stop.is_set():
                break
            if not self._deliver(segment_id, ids[position + 1 :][:500]):
                break
            self._status.backlog_segments -= 1
            self._status.backlog_bytes -= sizes[segment_id]
            self._housekeep()
            self._status_file.write()
        return bool(ids)

    def _deliver(self, segment_id: str, following: list[str]) -> bool:
        """True when it is settled; False when the process is to stop first."""
        while not self._stop.is_set():
            try:
                delivery = self._deliverer.deliver(segment_id, following)
            except FileNotFoundError:
                # An operator took it away between our look and now.
                return True
            except PermissionError as error:
                self._leave(segment_id, f"cannot be read ({error.strerror}); give this user the right to")
                return True
            except Failure as error:
                self._failed(f"Segment {segment_id} waits: {_first_line(error)}")
                continue
            self._worked()
            self._note(segment_id, delivery)
            return True
        return False

    def _note(self, segment_id: str, delivery: Delivery) -> None:
        status = self._status
        if delivery.outcome is Outcome.NEWER:
            status.segments_newer += 1
            self._leave(segment_id, "was written by a newer version; upgrade ingest and it is delivered")
            return
        if delivery.damaged:
            status.segments_damaged += 1
            status.events_undecodable += delivery.undecodable
            self._remember(
                f"Segment {segment_id} is damaged: {len(delivery.rows)} readable events are delivered, and "
                "the file is kept in damaged/ for you to look at."
            )
        if delivery.outcome in (Outcome.EMPTY, Outcome.UNREADABLE):
            return
        status.last_segment = segment_id
        status.last_delivered_at = time.time()
        status.segments_delivered += 1
        status.events_delivered += len(delivery.rows)
        self._ticks.publish(delivery.rows)
        status.ticks_dropped = self._ticks.dropped

    def _housekeep(self) -> None:
        if time.monotonic() < self._next_housekeeping:
            return
        self._next_housekeeping = time.monotonic() + _HOUSEKEEPING
        try:
            for adopted in self._spool.adopt():
                self._status.segments_adopted += 1
                tail = f", after {adopted.cut} torn bytes were cut off" if adopted.cut else ""
                logger.info(
                    "Adopted segment %s of a dead worker: %d events%s.",
                    adopted.segment_id,
                    adopted.events,
                    tail,
                )
            self._spool.sweep()
        except OSError as error:
            self._remember(f"The spool cannot be tidied: {error.strerror} ({error.filename}).")
        self._salts.maintain()

    def _leave(self, segment_id: str, why: str) -> None:
        self._left.add(segment_id)
        self._remember(f"Segment {segment_id} {why}. It stays where it is.")

    def _remember(self, sentence: str) -> None:
        self._status.last_error, self._status.last_error_at = sentence, time.time()
        logger.error("%s", sentence)

    def _failed(self, sentence: str) -> None:
        """Says it (the first time, then every 30 s) and waits."""
        pause = self._backoff.failed()
        self._status.retries += 1
        self._status.last_error, self._status.last_error_at = sentence, time.time()
        if self._backoff.should_say():
            logger.warning("%s Trying again until it works; nothing is lost meanwhile.", sentence)
        self._status_file.write()
        self._warehouse.close()
        self._stop.wait(pause)
        if self._status.ready:
            self._housekeep()

    def _worked(self) -> None:
        lasted = self._backoff.worked()
        if lasted is not None:
            logger.info("It works again, after %.1f s.", lasted)


def _first_line(error: Exception) -> str:
    """The gist of an error: one line, no URL with a password in it."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line[:300].rstrip(".") + "."


if __name__ == "__main__":
    run()
