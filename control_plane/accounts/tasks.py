"""The job system's own upkeep: jobs that a dead worker left, and the history of finished ones."""

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

HISTORY_HOURS = 24 * 7


@app.periodic(cron="* * * * *")
@app.task(name="accounts.rescue_jobs", queueing_lock="accounts.rescue_jobs", pass_context=True)
async def rescue_jobs(context: JobContext, timestamp: int) -> None:
    """Each minute: a worker that was killed left its jobs in “doing”; they go back to the queue."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=60):
        if job.queueing_lock:
            # A periodic job: the next one is on its way, and two of them would collide in the lock.
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        else:
            await manager.retry_job(job)


@app.periodic(cron="43 * * * *")
@app.task(name="accounts.forget_jobs", queueing_lock="accounts.forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Each hour: finished jobs older than a week, failed ones too."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=HISTORY_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
