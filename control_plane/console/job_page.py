"""A job as its page and the list show it: its state, how far it is, and what a table holds."""

import csv
import io
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from control_plane.passes import drafts, jobs
from control_plane.passes.job_rows import Row
from control_plane.passes.models import Job, JobState
from control_plane.passes.table import SEPARATORS, Column, Fault

SHOWN_FAULTS: Final = 10

_STATES: Final = {
    JobState.WAITING: ("warn", "Waiting"),
    JobState.RUNNING: ("active", "Being made"),
    JobState.DONE: ("plain", "Done"),
    JobState.CANCELLED: ("warn", "Cancelled"),
    JobState.FAILED: ("danger", "Failed"),
}
_KINDS: Final = {
    "name": "Name",
    "first": "First name",
    "last": "Last name",
    "email": "E-mail address",
    "phone": "Phone",
    "plate": "Plate",
    "valid_from": "Valid from",
    "valid_until": "Valid until",
    "max_uses": "Entries",
    "ignored": "left out",
}
_WIDE: Final = ("name", "email", "phone", "plate")
EXAMPLE: Final = """\
name,e-mail,phone,plate,valid from,valid until,entries,Seat
Ana Example,ana@example.com,+49 30 1234567,B AB 1234,,,,Row 12
Ben Example,ben@example.com,,,2030-06-01 18:00,2030-06-02,2,Row 12
"""


@dataclass(frozen=True, slots=True)
class ShownJob:
    """One of a list. percent: rounded down, so that 100 is only what is done."""

    job: Job
    title: str
    badge: str
    label: str
    percent: int
    is_draft: bool

    @property
    def is_open(self) -> bool:
        return not self.is_draft and self.job.state in jobs.OPEN


def shown(job: Job) -> ShownJob:
    is_draft = jobs.is_draft(job)
    badge, label = ("warn", "Not confirmed") if is_draft else _STATES[JobState(job.state)]
    many = f"{job.total:,} pass{'es' if job.total > 1 else ''}"
    return ShownJob(job, job.name or many, badge, label, job.done * 100 // job.total, is_draft)


@dataclass(frozen=True, slots=True)
class Preview:
    """What was found in a table, ready to be shown."""

    found: dict[str, Any]
    separator: str
    columns: list[tuple[Column, str]]
    headings: list[str]
    rows: list[tuple[int, list[str]]]
    faults: list[Fault]
    repeats: list[Fault]

    @property
    def more_faults(self) -> int:
        return int(self.found["faults"]) - len(self.faults)

    @property
    def more_repeats(self) -> int:
        return int(self.found["repeats"]) - len(self.repeats)

    @property
    def only_first(self) -> int:
        """Good rows that are there once."""
        return int(self.found["good"]) - int(self.found["repeats"])


def preview(job: Job) -> Preview:
    report = drafts.report_of(job)
    rows = drafts.first_rows(job)
    headings, cells = _cells(report.columns, rows)
    return Preview(
        job.settings["draft"],
        SEPARATORS[job.settings["draft"]["separator"]],
        [(column, _KINDS.get(column.kind, "")) for column in report.columns],
        headings,
        list(zip(report.lines, cells, strict=True)),
        report.faults[:SHOWN_FAULTS],
        list(report.repeats.values())[:SHOWN_FAULTS],
    )


def errors_csv(job: Job) -> str:
    """Everything that is wrong or there twice, by line."""
    report, out = drafts.report_of(job), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["line", "column", "value", "problem"])
    for fault in sorted([*report.faults, *report.repeats.values()], key=lambda one: one.line):
        writer.writerow([fault.line, _harmless(fault.column), _harmless(fault.value), fault.sentence])
    return out.getvalue()


def _harmless(text: str) -> str:
    """A spreadsheet computes what begins like a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _cells(columns: list[Column], rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    """Headings and texts, without columns that nobody has anything in."""
    wanted = [(_KINDS[kind], lambda row, kind=kind: row["holder"].get(kind, "")) for kind in _WIDE]
    wanted += [
        (_KINDS["valid_from"], lambda row: _moment(row.get("valid_from"))),
        (_KINDS["valid_until"], lambda row: _moment(row.get("valid_until"))),
        (_KINDS["max_uses"], lambda row: str(row.get("max_uses", ""))),
    ]
    wanted += [
        (column.name, lambda row, name=column.name: row["holder"].get("fields", {}).get(name, ""))
        for column in columns
        if column.kind == "field"
    ]
    used = [(heading, text) for heading, text in wanted if any(text(row) for row in rows)]
    return [heading for heading, _ in used], [[text(row) for _, text in used] for row in rows]


def _moment(kept: str | None) -> str:
    if kept is None:
        return ""
    at = jobs.read({"valid_from": kept})["valid_from"]
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
