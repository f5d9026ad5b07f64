"""Jobs of passes. Each opens the scopes it needs; none is open when it starts."""

import logging
import threading

from django.db import InterfaceError, OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from control_plane.campaigns.errors import StatsUnavailable
from control_plane.passes import alerts, delivery, export, job_work, jobs, occupancy, plates

log = logging.getLogger("passes")
_exporting = threading.Lock()
_clickhouse_is_away = False

_working = threading.Lock()
"""Of this worker: jobs take one of its threads, however many of them there are."""
_WORK_SECONDS = 2.0
"""Then the next task goes on: a worker that is told to stop has to wait for no longer."""


@app.periodic(cron="* * * * * */10")
@app.task(name="passes.let_out_by_time", queueing_lock="passes.let_out_by_time")
def let_out_by_time(timestamp: int) -> None:
    """Every ten seconds: who is inside for longer than their program lets them be."""
    for workspace_id in occupancy.workspaces_with_auto_exit():
        if left := occupancy.let_out_by_time(workspace_id):
            log.info("Workspace %d: %d passes left by time.", workspace_id, left)


@app.periodic(cron="* * * * * */5")
@app.task(name=jobs.WORK, queueing_lock=jobs.WORK)
def work_jobs(timestamp: int) -> None:
    """Makes passes of jobs. By itself each 5 seconds: for those whose worker was killed."""
    if not _working.acquire(blocking=False):
        return
    try:
        more = job_work.work(_WORK_SECONDS)
    except (OperationalError, InterfaceError) as error:
        log.warning("Jobs of passes rest until the database answers: %s", error)
        return
    finally:
        _working.release()
    if more:
        jobs.wake()


@app.periodic(cron="23 * * * *")
@app.task(name="passes.forget_drafts", queueing_lock="passes.forget_drafts")
def forget_drafts(timestamp: int) -> None:
    """Each hour: tables that were uploaded and not confirmed within a day."""
    job_work.forget_drafts()


@app.periodic(cron="41 3 * * *")
@app.task(name="passes.forget_job_rows", queueing_lock="passes.forget_job_rows")
def forget_job_rows(timestamp: int) -> None:
    """Each night: rows of jobs that were cancelled or failed more than 30 days ago."""
    job_work.forget_rows()


@app.periodic(cron="* * * * * */10")
@app.task(name="passes.watch_zones", queueing_lock="passes.watch_zones")
def watch_zones(timestamp: int) -> None:
    """Every ten seconds: zones that reached 90 or 100 %, and alerts that wait to be sent."""
    for workspace_id in alerts.workspaces_with_alerts():
        if raised := alerts.watch(workspace_id):
            log.info("Workspace %d: %d alerts.", workspace_id, raised)
        if alerts.is_due(workspace_id):
            # A task of its own for each workspace: a service that does not answer keeps nobody else waiting.
            lock = f"passes.send_alerts {workspace_id}"
            try:
                send_alerts.configure(lock=lock, queueing_lock=lock).defer(workspace_id=workspace_id)
            except AlreadyEnqueued:
                continue


@app.task(name="passes.send_alerts")
def send_alerts(workspace_id: int) -> None:
    """Once for each workspace at a time."""
    alerts.tell(workspace_id)


@app.periodic(cron="* * * * * */3")
@app.task(name="passes.export_attempts", queueing_lock="passes.export_attempts")
def export_attempts(timestamp: int) -> None:
    """Every three seconds: scans at gates that ClickHouse has not got yet. Its absence is said once."""
    global _clickhouse_is_away
    if not _exporting.acquire(blocking=False):
        return
    try:
        export.export_all()
    except StatsUnavailable as error:
        if not _clickhouse_is_away:
            why = str(error.__cause__).partition("\n")[0]
            log.warning("ClickHouse did not take scans at gates (%s). They wait for it.", why)
        _clickhouse_is_away = True
        return
    finally:
        _exporting.release()
    if _clickhouse_is_away:
        log.info("ClickHouse takes scans at gates again.")
    _clickhouse_is_away = False


@app.periodic(cron="*/10 * * * *")
@app.task(name="passes.forget_plates", queueing_lock="passes.forget_plates")
def forget_plates(timestamp: int) -> None:
    """Every ten minutes: plates of a day that is over, where the program does not keep them."""
    for workspace_id in plates.workspaces_with_plates():
        if gone := plates.forget_old(workspace_id):
            log.info("Workspace %d: %d plates of days that are over were deleted.", workspace_id, gone)


@app.periodic(cron="* * * * * */5")
@app.task(name="passes.send_mail", queueing_lock="passes.send_mail")
def send_mail(timestamp: int) -> None:
    """Every five seconds: passes that wait to be sent, some of each workspace in turn until none is due."""
    while due := delivery.workspaces_to_send():
        # Others may have been quicker: then there is nothing left to do here.
        if not sum(delivery.send_some(workspace_id) for workspace_id in due):
            return
