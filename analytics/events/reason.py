"""Why a scan was answered the way it was: exactly one word per event."""

from enum import StrEnum


class Reason(StrEnum):
    """The same word stands in the API, the console, ClickHouse, the metrics and the documentation."""

    OK = "ok"
    PAUSED = "paused"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    USED_UP = "used_up"
    PASSWORD = "password"  # noqa: S105  a word, not a secret
    PREVIEW = "preview"
    NOTICE = "notice"
    GONE = "gone"
    BLOCKED = "blocked"
    DELETED = "deleted"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"

    # Enum's own is a Python function, and the edge looks a reason's counter up for every scan.
    __hash__ = str.__hash__

    @property
    def is_fault(self) -> bool:
        """True where we failed, False where a rule said no. Only faults alert."""
        return self is Reason.UNAVAILABLE
