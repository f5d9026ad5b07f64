"""A table between its upload and its confirmation: a job that waits, with what was found in the table.

Nothing of it goes through the browser in between. It is encrypted like the rows of any job, and deleted after
a day.
"""

from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import job_rows, jobs
from control_plane.passes.errors import Invalid, NotFound
from control_plane.passes.job_rows import Row
from control_plane.passes.models import Job, Program
from control_plane.passes.table import Column, Fault, InvalidTable, Table, read

SHOWN: Final = 20
"""Rows of the preview."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in the table, beside its good rows. repeats: index of a good row → why it may be there
    twice."""

    columns: list[Column]
    faults: list[Fault]
    repeats: dict[int, Fault]
    lines: list[int]
    """Of the rows that are shown."""


def read_table(data: bytes, *, workspace_id: int, program_id: int, **shared: Any) -> Table:
    """`shared`: valid_from, valid_until, max_uses. Raises InvalidTable, NotFound."""
    with workspace_scope(workspace_id):
        program = Program.objects.filter(id=program_id).first()
        if program is None:
            raise NotFound("There is no such program in this workspace.")
    return read(data, program, **shared)


def draft_job(
    *,
    workspace_id: int,
    program_id: int,
    data: bytes,
    issuer_id: int | None = None,
    name: str = "",
    by: User | None = None,
    **shared: Any,
) -> Job:
    """To be looked at, then confirmed or discarded. Raises InvalidTable, Invalid, QuotaUsedUp, NotFound."""
    window = {field: value for field, value in shared.items() if field not in ("held", "email")}
    table = read_table(data, workspace_id=workspace_id, program_id=program_id, **window)
    with workspace_scope(workspace_id):
        job, _ = jobs.new_job(
            workspace_id, program_id, max(1, len(table.rows)), issuer_id, name, by, dict(shared)
        )
        jobs.store(job, table.rows)
        report = job_rows.lock(_kept(table), workspace_id)
        job.settings["report"] = [len(job.rows), len(job.rows) + len(report)]
        job.settings["draft"] = {
            "good": len(table.rows),
            "bad": table.bad,
            "faults": table.fault_count,
            "repeats": len(table.repeats),
            "encoding": table.encoding,
            "is_guess": table.is_guess,
            "separator": table.separator,
        }
        job.rows += report
        job.total = table.count
        job.save(force_insert=True)
    return job


def confirm(*, workspace_id: int, job_id: int, repeats: bool, by: User | None = None) -> Job:
    """Issue its good rows; `repeats`: also those that may be there twice. Raises NotFound, Invalid,
    QuotaUsedUp."""
    with workspace_scope(workspace_id):
        job = _draft(job_id)
        total, left_out = job.total, [] if repeats else report_of(job).repeats
        rows: list[Row] = [row for index, row in enumerate(job_rows.every(job)) if index not in left_out]
        if not rows:
            raise Invalid(
                "file", "There is no row that can be issued. Correct the table and upload it again."
            )
        jobs.check_again(job, len(rows))
        jobs.store(job, rows)
        del job.settings["draft"], job.settings["report"]
        if total > len(rows):
            job.settings["left_out"] = total - len(rows)
        job.by = by or job.by
        job.touched_at = timezone.now()
        job.save()
        jobs.wake()
    return job


def discard(*, workspace_id: int, job_id: int) -> None:
    """Raises NotFound, Invalid."""
    with workspace_scope(workspace_id):
        _draft(job_id).delete()


def issue_unseen(
    *, workspace_id: int, program_id: int, data: bytes, skip: bool, repeats: bool, **order: Any
) -> Job:
    """Draft and confirmation in one, for who does not look. `skip`: leaves out what is wrong or there twice;
    `repeats`: issues what is there twice. Raises BadRows unless told so, and what the two raise."""
    with workspace_scope(workspace_id):
        job = draft_job(workspace_id=workspace_id, program_id=program_id, data=data, **order)
        if not skip:
            report = report_of(job)
            in_the_way = report.faults + ([] if repeats else list(report.repeats.values()))
            if in_the_way:
                raise BadRows(in_the_way)
        return confirm(workspace_id=workspace_id, job_id=job.pk, repeats=repeats)


class BadRows(InvalidTable):
    """Rows of a table cannot be issued as they are; `faults` says which and why."""

    def __init__(self, faults: list[Fault]) -> None:
        lines = len({fault.line for fault in faults})
        rows = f"{lines:,} rows are" if lines > 1 else "A row is"
        super().__init__(f"{rows} wrong or there twice. Correct the table, or have such rows left out.")
        self.faults = faults


def report_of(job: Job) -> Report:
    """In the workspace's scope. Raises vault.CannotOpen."""
    kept = job_rows.part(job, *job.settings["report"])
    return Report(
        [Column(**column) for column in kept["columns"]],
        [Fault(*fault) for fault in kept["faults"]],
        {index: Fault(*fault) for index, fault in kept["repeats"]},
        kept["lines"],
    )


def first_rows(job: Job) -> list[Row]:
    """Those that the preview shows. In the workspace's scope."""
    return list(islice(job_rows.every(job), SHOWN))


def _kept(table: Table) -> dict[str, Any]:
    def cells(fault: Fault) -> list[Any]:
        return [fault.line, fault.column, fault.value, fault.sentence]

    return {
        "columns": [asdict(column) for column in table.columns],
        "faults": [cells(fault) for fault in table.faults],
        "repeats": [[index, cells(fault)] for index, fault in table.repeats.items()],
        "lines": table.lines[:SHOWN],
    }


def _draft(job_id: int) -> Job:
    job = jobs.locked(job_id)
    if not jobs.is_draft(job):
        raise Invalid("state", "This table was confirmed already.")
    return job
