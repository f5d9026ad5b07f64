"""The worker process: durable jobs on PostgreSQL, by procrastinate."""

import asyncio
import logging
import os
import signal
import sys

SHUTDOWN_SECONDS = 5
CONCURRENCY = 4


def run() -> None:
    """Works until SIGTERM or SIGINT, then finishes what it is at, for at most 5 seconds, and returns."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "control_plane.settings")
    from control_plane.config import ConfigError

    try:
        import django

        django.setup()
    except ConfigError as error:
        print(f"ERROR worker: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    from django.db import Error, connection

    from control_plane.accounts.grants import UnsafeRole, check_application_role

    try:
        check_application_role(connection)
    except (UnsafeRole, Error) as error:
        print(f"ERROR worker: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    connection.close()
    asyncio.run(_work())


async def _work() -> None:
    from procrastinate.contrib.django import app
    from procrastinate.jobs import DeleteJobCondition

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    durable = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    async with durable.open_async():
        worker = asyncio.create_task(
            durable.run_worker_async(
                name="scanway",
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=2,
                shutdown_graceful_timeout=SHUTDOWN_SECONDS,
                # A sweep each second would leave 86,400 rows a day that nobody reads.
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
            )
        )
        print("ready", flush=True)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            logging.getLogger("worker").error("The worker ended by itself.")
            stopping.cancel()
            await worker
            raise SystemExit(1)
        worker.cancel()
        await asyncio.wait({worker}, timeout=SHUTDOWN_SECONDS + 1)
