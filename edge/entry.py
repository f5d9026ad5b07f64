"""A link in this process's memory: its record, checked, with the answer prepared."""

from typing import Any, Final

from edge.compile import compiled_record
from edge.conditions import COUNTED
from edge.decide import REDIRECTS, STATES, UNAVAILABLE, Compiled, Decision, timeless
from edge.record import NOBODY, Record, RecordError, decode
from edge.resolver import Kept
from edge.rules import Action, App, Notice, Password, Redirect, Split

_SCHEMES: Final = ("https://", "http://")

PLAIN: Final = Compiled((), lambda _: UNAVAILABLE, 0, False)
"""No rules to run: of an entry that is always answered the same."""


class Entry(Kept):
    """One L1 entry. Built once per fetch, read by every hit."""

    __slots__ = ("always", "asks", "compiled", "link_id", "record", "version", "workspace_id")

    def __init__(self, record: Record, due: float) -> None:
        """Raises RecordError where the rules cannot work."""
        super().__init__(due)
        self.record = record
        # Ints. Compiled, one of type int would be taken apart here and put together again for every event.
        self.workspace_id: Any = record.workspace_id
        self.link_id: Any = record.link_id
        self.version: Any = record.version
        self.always: Decision | None = timeless(record)
        self.compiled: Compiled = PLAIN
        self.asks = False
        """Whether an answer may have to wait: for Valkey's counters, or for a password."""
        if self.always is None:
            self.compiled = compiled_record(record)
            self.asks = self.compiled.needs & COUNTED != 0 or bool(record.password)


class Unreachable(Entry):
    """Stands in for a link of which nothing is known now."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(NOBODY, 0.0)
        self.always = UNAVAILABLE


UNREACHABLE: Final = Unreachable()


def read(value: bytes) -> Record:
    """A record that is safe to answer with. Raises RecordError.

    Whoever wrote it checked the addresses already. They are checked again because what goes into a header
    is this process's business: a control character in `Location` would be response splitting.
    """
    record = decode(value)
    if record.state not in STATES:
        raise RecordError(f"This record has the state “{record.state}”, which this edge does not know.")
    if record.status not in REDIRECTS:
        raise RecordError(f"This record has the status {record.status}, which is not a redirect.")
    if record.workspace_id < 0 or record.link_id < 0 or record.max_scans < 0:
        raise RecordError("This record has a negative number where none can be.")
    check_url(record.destination)
    if record.fallback:
        check_url(record.fallback)
    for rule in record.rules:
        _check_action(rule.then)
    return record


def check_url(url: str) -> None:
    """Raises RecordError unless it is http or https, in characters that may stand in a header."""
    _check_text(url)
    if not url.startswith(_SCHEMES) and not url[:8].lower().startswith(_SCHEMES):
        raise RecordError("An address in this record is neither http nor https.")


def _check_text(text: str) -> None:
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise RecordError("An address in this record holds characters that may not stand in a header.")


def _check_action(action: Action) -> None:
    if isinstance(action, Redirect | Split):
        if action.status and action.status not in REDIRECTS:
            raise RecordError(f"A rule has the status {action.status}, which is not a redirect.")
        for name in action.utm:
            _check_text(name)
    if isinstance(action, Redirect | App):
        check_url(action.to)
    if isinstance(action, Split):
        for variant in action.variants:
            check_url(variant.to)
    if isinstance(action, Password) and action.to:
        check_url(action.to)
    if isinstance(action, Notice) and action.url:
        check_url(action.url)
    if isinstance(action, App):
        for url in (action.ios_store, action.android_store):
            if url:
                check_url(url)
        for text in (action.ios_link, action.android_link, action.android_package):
            _check_text(text)
