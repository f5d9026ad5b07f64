"""A link in this process's memory: its record, checked, with the answer prepared."""

from edge.decide import REDIRECTS, STATES, Decision, timeless
from edge.record import Record, RecordError, decode

Headers = list[tuple[str, str]]
"""Response headers as granian takes them."""


class Entry:
    """One L1 entry. Built once per fetch, read by every hit."""

    __slots__ = ("always", "due", "record", "redirect")

    def __init__(self, record: Record, due: float) -> None:
        self.record = record
        self.redirect = redirect(record)
        """The headers of the redirect."""
        self.always: Decision | None = timeless(record)
        self.due = due
        """time.monotonic() from which the next hit has the record fetched again."""


def read(value: bytes) -> Record:
    """A record that is safe to answer with. Raises RecordError.

    Whoever wrote it checked the destination already. It is checked again because what goes into a header
    is this process's business: a control character in `Location` would be response splitting.
    """
    record = decode(value)
    if record.state not in STATES:
        raise RecordError(f"This record has the state “{record.state}”, which this edge does not know.")
    if record.status not in REDIRECTS:
        raise RecordError(f"This record has the status {record.status}, which is not a redirect.")
    if record.workspace_id < 0 or record.link_id < 0:
        raise RecordError("This record has a negative id.")
    url = record.destination
    if not (url.isascii() and url.isprintable() and " " not in url):
        raise RecordError("This record's destination holds characters that may not stand in a header.")
    if not url[:8].lower().startswith(("https://", "http://")):
        raise RecordError("This record's destination is neither http nor https.")
    return record


def redirect(record: Record) -> Headers:
    """Never cached, 301 included: otherwise an edit would not reach a phone, nor a second scan be counted."""
    return [
        ("location", record.destination),
        ("cache-control", "private, no-store"),
        ("x-robots-tag", "noindex"),
    ]
