"""The console process: Django under granian, in one process, so that `kill -9` leaves nothing behind."""

import asyncio
import logging
import os
import sys

CLOSE_SECONDS = 3
"""How long a stop waits for open requests. A live stream never ends by itself; its browser connects again."""
WAIT_SECONDS = 60

log = logging.getLogger("console")


def serve() -> None:
    """Serves until SIGTERM or SIGINT, then exits with 0 within a few seconds, streams or not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "control_plane.settings")
    from control_plane.config import ConfigError

    try:
        from control_plane.asgi import application
    except ConfigError as error:
        print(f"ERROR console: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    from django.conf import settings
    from django.db import Error, connection

    from control_plane.accounts.grants import UnsafeRole, check_application_role

    try:
        check_application_role(connection)
    except (UnsafeRole, Error) as error:
        print(f"ERROR console: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    connection.close()
    import uvloop

    uvloop.run(_run(application, settings.CONFIG.console_host, settings.CONFIG.console_port))


async def _run(application: object, host: str, port: int) -> None:
    code = await _serve(application, host, port)
    sys.stdout.flush()
    sys.stderr.flush()
    # Streams that are still open would keep the loop and the interpreter waiting for their visitors.
    os._exit(code)


async def _serve(application: object, host: str, port: int) -> int:
    import signal

    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        log_enabled=False,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    running = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    ready = asyncio.create_task(_answers(host, port))
    await asyncio.wait({running, stopping, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done() and not running.done():
        if not ready.result():
            log.error("The console did not answer within %d seconds. Its log above says why.", WAIT_SECONDS)
            return 1
        print("ready", flush=True)
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if running.done():
        log.error("The console cannot serve on %s:%d: %s", host, port, running.exception())
        return 1
    server.stop()
    await asyncio.wait({running}, timeout=CLOSE_SECONDS)
    return 0


async def _answers(host: str, port: int) -> bool:
    """True as soon as /-/healthz answers 200; False when that takes too long."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    for _ in range(WAIT_SECONDS * 10):
        try:
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(b"GET /-/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = await asyncio.wait_for(reader.readline(), 5)
            writer.close()
            if b" 200 " in status:
                return True
        except (OSError, TimeoutError):
            pass
        await asyncio.sleep(0.1)
    return False


if __name__ == "__main__":
    serve()
