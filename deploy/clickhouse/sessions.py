"""Sessions: what SET, USE and temporary tables leave behind lives as long as the session."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from deploy.clickhouse.engine import Engine, quote, quote_name
from deploy.clickhouse.errors import ClickHouseError

MAX_TIMEOUT: Final = 3600
DEFAULT_TIMEOUT: Final = 60
MAX_SESSIONS: Final = 1000


class _Session:
    def __init__(self, connection: Any, timeout: int) -> None:
        self.connection = connection
        self.timeout = timeout
        self.busy = True
        self.idle_since = 0.0


class Sessions:
    """One connection for each session id; one query at a time in each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    @contextlib.contextmanager
    def use(self, name: str, timeout: int, check: bool, database: str, settings: list[str]) -> Iterator[Any]:
        """The session's connection, with the named settings put back when the query is over.

        Raises ClickHouseError 372 where `check` finds no session, 373 where it is busy, 374 for its timeout.
        """
        if not 0 < timeout <= MAX_TIMEOUT:
            raise ClickHouseError.make(
                374, "INVALID_SESSION_TIMEOUT", f"Session timeout must be from 1 to {MAX_TIMEOUT} seconds."
            )
        session = self._take(name, timeout, check)
        try:
            if database:
                session.connection.query(f"USE {quote_name(database)}")
            before = _values(session.connection, [*settings, "log_comment", "readonly"])
            try:
                yield session.connection
            finally:
                _restore(session.connection, before)
        finally:
            with self._lock:
                session.busy = False
                session.idle_since = time.monotonic()

    def expire(self) -> None:
        """Closes what nobody used for its timeout."""
        now = time.monotonic()
        with self._lock:
            old = [
                name
                for name, session in self._sessions.items()
                if not session.busy and now - session.idle_since > session.timeout
            ]
            gone = [self._sessions.pop(name) for name in old]
        for session in gone:
            session.connection.close()

    def _take(self, name: str, timeout: int, check: bool) -> _Session:
        self.expire()
        with self._lock:
            session = self._sessions.get(name)
            if session is not None:
                if session.busy:
                    raise ClickHouseError.make(
                        373, "SESSION_IS_LOCKED", f"Session {name} is locked by a concurrent client."
                    )
                session.busy, session.timeout = True, timeout
                return session
            if check:
                raise ClickHouseError.make(372, "SESSION_NOT_FOUND", f"Session {name} not found.")
            if len(self._sessions) >= MAX_SESSIONS:
                raise ClickHouseError.make(
                    202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"Too many sessions. Maximum: {MAX_SESSIONS}."
                )
            session = self._sessions[name] = _Session(self._engine.connect(), timeout)
            return session


def _values(connection: Any, names: list[str]) -> dict[str, str | None]:
    """Each setting's value, or None where it is the default."""
    listed = ", ".join(quote(name) for name in names)
    result = connection.query(
        f"SELECT name, value, changed FROM system.settings WHERE name IN ({listed})",  # noqa: S608
        "JSONCompactEachRow",
    )
    rows = [json.loads(line) for line in bytes(result.bytes() or b"").splitlines()]
    return {name: value if changed else None for name, value, changed in rows}


def _restore(connection: Any, before: dict[str, str | None]) -> None:
    # A statement of the session may have set one of these itself; then the request's own value loses.
    parts = [f"{name} = {'DEFAULT' if value is None else quote(value)}" for name, value in before.items()]
    for part in parts:
        connection.query(f"SET {part}")
