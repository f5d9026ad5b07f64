"""The data folder of everything embedded: SCANWAY_HOME, by default `.scanway` in the current folder.

secrets        generated passwords and keys, mode 0600
environment    what the last `scanway up` gave its processes, mode 0600: other commands read it
lock           held with flock while `scanway up` runs; holds its process id, mode 0600
run.json       the processes it started, for the next start to clean up after
valkey/ postgres/ clickhouse/ spool/
"""

import errno
import fcntl
import os
import secrets
import shutil
import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from deploy.errors import SetupError

SMALLEST_FREE = 300 * 1024 * 1024
"""Bytes. PostgreSQL's empty data folder takes 40 MB, its log up to 128 MB; the rest is room to notice."""

_ALPHABET = string.ascii_letters + string.digits
SECRETS = ("HOME_ID", "SECRET_KEY", "VALKEY_PASSWORD", "POSTGRES_OWNER_PASSWORD", "POSTGRES_APP_PASSWORD",
           "CLICKHOUSE_PASSWORD")  # fmt: skip


def explain(error: OSError, path: Path, what: str) -> SetupError:
    """One sentence for a failed write below the data folder."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(
            f"The disk that holds {path} is full, so {what} failed. Free some space there, or set "
            "SCANWAY_HOME to a folder on another disk."
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return SetupError(
            f"{path} cannot be written by this user, so {what} failed. Make it writable, or set SCANWAY_HOME "
            "to a folder that is."
        )
    return SetupError(f"{what.capitalize()} failed at {path}: {error.strerror or error}.")


def locate(environment: Mapping[str, str]) -> Path:
    """The folder's absolute path; it need not exist yet."""
    return Path(environment.get("SCANWAY_HOME") or ".scanway").expanduser().absolute()


def write_private(path: Path, lines: Iterable[str]) -> None:
    """Replace a file in one step, readable by its owner alone from the first byte on."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _private(path: str, flags: int) -> int:
    """For `open`: a file that it makes is its owner's alone."""
    return os.open(path, flags, 0o600)


def read_assignments(path: Path) -> dict[str, str]:
    """NAME=value lines; an absent file is an empty one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return dict(pairs)


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def create(self) -> None:
        """Make the folder where it is missing. Raises SetupError: read-only, full, or not a folder."""
        if self.path.exists() and not self.path.is_dir():
            raise SetupError(f"{self.path} is a file, not a folder. Set SCANWAY_HOME to a folder.")
        try:
            if not self.path.exists():
                # Others may pass through and see nothing: PostgreSQL, which refuses to run as root, runs as
                # `nobody` then and has to reach its own folder below.
                self.path.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_bytes(b"\0" * 65536)
            probe.unlink()
        except OSError as error:
            raise explain(error, self.path, "preparing the data folder") from error
        free = shutil.disk_usage(self.path).free
        if free < SMALLEST_FREE:
            raise SetupError(
                f"The disk that holds {self.path} is nearly full: {free // 2**20} MB are free and at least "
                f"{SMALLEST_FREE // 2**20} MB are needed. Free some space there, or set SCANWAY_HOME to a "
                "folder on another disk."
            )

    def lock(self) -> None:
        """Hold the folder until this process ends. Raises SetupError where another `scanway up` holds it."""
        path = self.path / "lock"
        file = open(path, "a+", encoding="utf-8", opener=_private)  # noqa: SIM115  open for as long as we run
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise SetupError(
                f"`scanway up` is already running on {self.path} (process {holder}). Stop it with Ctrl-C in "
                "its terminal, or give this one its own SCANWAY_HOME and ports."
            ) from None
        os.fchmod(file.fileno(), 0o600)  # an earlier version made it readable by all
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def secrets(self) -> dict[str, str]:
        """The generated secrets, made at the first call. Raises SetupError where others can read them."""
        path = self.path / "secrets"
        found = read_assignments(path)
        if found and path.stat().st_mode & 0o077:
            raise SetupError(f"{path} can be read by other users. Run: chmod 600 {path}")
        missing = [name for name in SECRETS if not found.get(name)]
        if missing:
            found |= {name: "".join(secrets.choice(_ALPHABET) for _ in range(40)) for name in missing}
            write_private(path, ["# Generated by scanway up. Keep it with the data, and to yourself."]
                          + [f"{name}={value}" for name, value in sorted(found.items())])  # fmt: skip
        return found

    @property
    def environment_file(self) -> Path:
        return self.path / "environment"

    @property
    def run_file(self) -> Path:
        return self.path / "run.json"
