"""Many passes at once: an order that the worker carries out, some hundreds at a time (`job_work`).

    create_job ─► waiting ─► running ─► done
    drafts ───────► │           │ └───► cancelled ─► resume_job ─► waiting
                    └───────────┴─────► failed ────┘

A job can be resumed from `done`, since passes and `done` are written by one transaction.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import delivery, issuing, job_rows, values
from control_plane.passes import holder as holders
from control_plane.passes.errors import Invalid, NotFound
from control_plane.passes.job_rows import Row
from control_plane.passes.models import Job, JobState, Program

MOST: Final = 50_000
"""Passes of one job."""
WORK: Final = "passes.work_jobs"
OPEN: Final = (JobState.WAITING, JobState.RUNNING)
_SHARED: Final = ("valid_from", "valid_until", "max_uses", "held")


def create_job(
    *,
    workspace_id: int,
    program_id: int,
    count: int | None = None,
    rows: Iterable[Mapping[str, Any]] | None = None,
    issuer_id: int | None = None,
    name: str = "",
    by: User | None = None,
    **shared: Any,
) -> Job:
    """So many passes for nobody in particular, or one for each of `rows`: a holder, with valid_from,
    valid_until and max_uses where they are its own. `shared`: the same three and held, for all, and email:
    each pass is sent to its holder's address.

    Raises Invalid (`rows.7.email` for a row), QuotaUsedUp.
    """
    given = None if rows is None else list(rows)
    total = count if given is None else len(given)
    if total is None or not 1 <= total <= MOST:
        raise Invalid("count", f"Issue 1 to {MOST:,} passes with one job.")
    with workspace_scope(workspace_id):
        job, program = new_job(workspace_id, program_id, total, issuer_id, name, by, shared)
        if given is not None:
            store(job, [check_row(index, row, program, shared) for index, row in enumerate(given)])
        job.save(force_insert=True)
        wake()
    return job


def new_job(
    workspace_id: int,
    program_id: int,
    total: int,
    issuer_id: int | None,
    name: str,
    by: User | None,
    shared: Mapping[str, Any],
) -> tuple[Job, Program]:
    """Checked as a whole, and not saved yet. Raises Invalid, QuotaUsedUp."""
    if unknown := shared.keys() - {*_SHARED, "email"}:
        raise Invalid(min(unknown), "This cannot be set.")
    email = values.flag("email", shared.get("email", False))
    if email:
        delivery.check_on()
    held = values.flag("held", shared.get("held", False))
    window = {field: shared.get(field) for field in _SHARED if field != "held"}
    program = issuing.check_order(
        workspace_id=workspace_id, program_id=program_id, count=total, issuer_id=issuer_id, **window
    )
    kept = {field: written(value) for field, value in window.items() if value is not None}
    return Job(
        workspace_id=workspace_id,
        program=program,
        issuer_id=issuer_id,
        name=values.text("name", name)[:120],
        settings=kept | ({"held": True} if held else {}),
        total=total,
        email=email,
        by=by,
    ), program


def check_again(job: Job, count: int) -> None:
    """Whether so many of it may be issued now. Raises Invalid, QuotaUsedUp."""
    issuing.check_order(
        workspace_id=job.workspace_id, program_id=job.program_id, count=count, issuer_id=job.issuer_id
    )


def check_row(index: int, row: Mapping[str, Any], program: Program, shared: Mapping[str, Any]) -> Row:
    """As it is stored. Raises Invalid, with the row's number in its field."""
    own = {
        field: row[field] for field in ("valid_from", "valid_until", "max_uses") if row.get(field) is not None
    }
    person = {field: value for field, value in row.items() if field in holders.KNOWN or field == "fields"}
    try:
        holder = holders.check_holder(person)
        issuing.settings_of(program, {**shared, **own})
    except Invalid as error:
        raise Invalid(f"rows.{index}.{error.field.removeprefix('holder.')}", error.message) from None
    return {"holder": holder} | {field: written(value) for field, value in own.items()}


def written(value: Any) -> Any:
    """A moment as text, anything else as it is; `read` is the other way round."""
    return value.isoformat() if isinstance(value, datetime) else value


def read(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What `issue` takes, of what was stored."""
    found = {field: kept[field] for field in _SHARED if field in kept}
    moments = ("valid_from", "valid_until")
    return found | {field: datetime.fromisoformat(found[field]) for field in moments if field in found}


def store(job: Job, rows: list[Row]) -> None:
    job.rows, job.settings["chunks"] = job_rows.pack(rows, job.workspace_id)
    job.total = len(rows)


def cancel_job(*, workspace_id: int, job_id: int) -> Job:
    """It stops after the chunk that is being made, for which this waits. What was made stays. Raises
    NotFound, Invalid."""
    with workspace_scope(workspace_id):
        job = locked(job_id)
        if is_draft(job):
            raise Invalid("state", "This was not started yet. Discard it instead.")
        if job.state not in OPEN:
            raise Invalid("state", f"This job is {job.state} already.")
        job.state, job.ended_at = JobState.CANCELLED, timezone.now()
        job.save(update_fields=["state", "ended_at"])
    return job


def resume_job(*, workspace_id: int, job_id: int) -> Job:
    """On from where it was cancelled or failed. Raises NotFound, Invalid, QuotaUsedUp."""
    with workspace_scope(workspace_id):
        job = locked(job_id)
        if job.state not in (JobState.CANCELLED, JobState.FAILED):
            raise Invalid("state", f"This job is {job.state}: only what was cancelled or failed is resumed.")
        if "forgotten" in job.settings:
            raise Invalid("state", "The rows of this job were deleted after 30 days. Start a new one.")
        check_again(job, job.total - job.done)
        job.state, job.problem, job.ended_at, job.touched_at = JobState.WAITING, "", None, timezone.now()
        job.save(update_fields=["state", "problem", "ended_at", "touched_at"])
        wake()
    return job


def get_job(*, workspace_id: int, job_id: int, program_id: int | None = None, drafts: bool = True) -> Job:
    """Without its rows. Raises NotFound."""
    with workspace_scope(workspace_id):
        jobs = list_jobs(workspace_id=workspace_id, program_id=program_id, drafts=drafts)
        job = jobs.filter(id=job_id).first()
        if job is None:
            raise NotFound("There is no such job in this workspace.")
    return job  # type: ignore[no-any-return]


def list_jobs(*, workspace_id: int, program_id: int | None = None, drafts: bool = True) -> Any:
    """A query of jobs without their rows, newest first, to be read in the workspace's scope."""
    jobs = Job.objects.defer("rows").select_related("issuer", "by").order_by("-id")
    if not drafts:
        jobs = jobs.exclude(settings__has_key="draft")
    return jobs if program_id is None else jobs.filter(program_id=program_id)


def is_draft(job: Job) -> bool:
    """A table that somebody looks at, and has not confirmed."""
    return "draft" in job.settings


def locked(job_id: int) -> Job:
    """For the rest of the transaction, without its rows. Raises NotFound."""
    jobs = Job.objects.select_for_update(no_key=True).defer("rows")
    job = jobs.filter(id=job_id).first()
    if job is None:
        raise NotFound("There is no such job in this workspace.")
    return job  # type: ignore[no-any-return]


def wake() -> None:
    """After the commit the worker looks for jobs at once. Where that gets lost, it looks every 5 seconds."""
    transaction.on_commit(_defer, robust=True)


def _defer() -> None:
    with suppress(AlreadyEnqueued):
        app.configure_task(WORK, queueing_lock=WORK).defer(timestamp=0)
