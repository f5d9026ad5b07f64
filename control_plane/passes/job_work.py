"""The worker's side of jobs: chunk after chunk, until nothing is left to do.

A chunk is one transaction: the job's row is locked, its passes are written, and `done` with them. Who is
killed at any moment has made all of a chunk or nothing of it, and another worker takes the job up as soon as
PostgreSQL has noticed that the connection is gone. Nobody waits for a job that somebody else is at.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from control_plane.accounts.services import all_workspace_ids
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import delivery, issuing, job_rows, jobs, vault
from control_plane.passes.errors import PassesError
from control_plane.passes.models import Job, JobState

log = logging.getLogger("passes")

KEEP_DRAFTS: Final = timedelta(days=1)
KEEP_ROWS: Final = timedelta(days=30)
"""Of jobs that were cancelled or failed: as long they can be resumed."""


def work(seconds: float) -> bool:
    """Chunks of all jobs in turn, for about so long. Returns whether there may be more to do."""
    ends = time.monotonic() + seconds
    while waiting := sorted(_waiting()):
        moved = False
        for _, workspace_id, job_id in waiting:
            moved |= work_chunk(workspace_id=workspace_id, job_id=job_id)
            if time.monotonic() >= ends:
                return True
        if not moved:
            break
    return False


def work_chunk(*, workspace_id: int, job_id: int) -> bool:
    """The next passes of a job. False where there is nothing to do, or another worker is at it."""
    with workspace_scope(workspace_id):
        job = _claimed(job_id)
        if job is None or jobs.is_draft(job):
            return False
        try:
            with transaction.atomic():
                _make(job)
        except (OperationalError, InterfaceError):
            # The database's trouble, not the job's: it is taken up again.
            raise
        except (PassesError, vault.CannotOpen) as error:
            _fail(job, str(error))
        except Exception:
            log.exception("Job %d of workspace %d failed.", job_id, workspace_id)
            _fail(job, "Something went wrong on our side; it is in the log. Resume the job to try again.")
    return True


def forget_drafts() -> None:
    """Tables that nobody confirmed within a day."""
    for workspace_id in _workspaces():
        with workspace_scope(workspace_id):
            old = Job.objects.filter(created_at__lt=timezone.now() - KEEP_DRAFTS, settings__has_key="draft")
            old.delete()


def forget_rows() -> None:
    """Who should have got a pass of a job that nobody resumed."""
    for workspace_id in all_workspace_ids():
        with workspace_scope(workspace_id):
            ended = Job.objects.filter(
                state__in=[JobState.CANCELLED, JobState.FAILED], ended_at__lt=timezone.now() - KEEP_ROWS
            )
            for job in ended.filter(settings__has_key="chunks").defer("rows"):
                _empty(job)
                job.settings["forgotten"] = True
                job.save(update_fields=["rows", "settings"])


def _claimed(job_id: int) -> Job | None:
    found = Job.objects.select_for_update(no_key=True, skip_locked=True).defer("rows")
    return found.filter(id=job_id, state__in=jobs.OPEN).first()  # type: ignore[no-any-return]


def _make(job: Job) -> None:
    if "chunks" in job.settings:
        # Chunks are made whole, so this is where one begins.
        rows = job_rows.chunk(job, job.done // job_rows.CHUNK)
    else:
        rows = [{"holder": {}}] * min(job_rows.CHUNK, job.total - job.done)
    made = issuing.issue(
        workspace_id=job.workspace_id,
        program_id=job.program_id,
        issuer_id=job.issuer_id,
        holders_of=[row["holder"] for row in rows],
        own=[jobs.read(row) for row in rows],
        job=job,
        created_by=job.by,
        **jobs.read(job.settings),
    )
    if job.email and delivery.is_on():
        delivery.queue(workspace_id=job.workspace_id, pass_ids=[row.pk for row in made], by=job.by)
    job.done += len(made)
    job.touched_at = timezone.now()
    job.state = JobState.RUNNING
    changed = ["done", "touched_at", "state"]
    if job.done == job.total:
        job.state, job.ended_at = JobState.DONE, job.touched_at
        _empty(job)
        changed += ["ended_at", "rows", "settings"]
    job.save(update_fields=changed)


def _fail(job: Job, problem: str) -> None:
    now = timezone.now()
    Job.objects.filter(id=job.pk).update(
        state=JobState.FAILED, problem=problem[:300], ended_at=now, touched_at=now
    )


def _empty(job: Job) -> None:
    job.rows = b""
    for kept in ("chunks", "report"):
        job.settings.pop(kept, None)


def _waiting() -> list[tuple[datetime, int, int]]:
    """When it last went on, workspace and number of each job that is open."""
    found = []
    for workspace_id in _workspaces():
        with workspace_scope(workspace_id):
            rows = Job.objects.filter(state__in=jobs.OPEN).exclude(settings__has_key="draft")
            found += [(at, workspace_id, pk) for at, pk in rows.values_list("touched_at", "id")]
    return found


def _workspaces() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scanway_workspaces_with_jobs()")
        return [row[0] for row in cursor.fetchall()]
