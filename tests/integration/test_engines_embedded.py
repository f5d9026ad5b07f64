"""Embedded Valkey and PostgreSQL: real binaries, started, stopped and started again."""

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.config import APP, OWNER
from deploy.engines import valkey
from deploy.engines.identity import can_reach, nobody
from deploy.engines.postgres import Postgres
from deploy.errors import SetupError
from deploy.leftovers import RunFile
from deploy.ports import Bind, free_port
from deploy.screen import Screen
from deploy.supervisor import Supervisor

PASSWORDS = {OWNER: "owner-password", APP: "app-password"}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that `nobody` can pass through, as under root PostgreSQL runs as that user."""
    folder = Path(tempfile.mkdtemp(prefix="scanway-engines-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def supervisor(home: Path) -> Supervisor:
    return Supervisor(Screen(io.StringIO()), RunFile(home / "run.json", "test"))


def made(home: Path) -> Postgres:
    postgres = Postgres(home, "home-id-of-a-test")
    postgres.locate()
    return postgres


class Server:
    """A started PostgreSQL."""

    def __init__(self, home: Path, passwords: dict[str, str] = PASSWORDS) -> None:
        self.bind = Bind("127.0.0.1", free_port())
        self.postgres = made(home)
        self.passwords = passwords
        self.supervisor = supervisor(home)

    async def __aenter__(self) -> "Server":
        await self.postgres.prepare(self.passwords)
        await self.supervisor.start(self.postgres.program(self.bind), stage=1)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert await self.supervisor.stop() == []

    def connect(self, role: str, database: str = "scanway") -> "psycopg.Connection[tuple[object, ...]]":
        url = f"postgresql://{role}:{self.passwords.get(role, '')}@{self.bind}/{database}"
        return psycopg.connect(url, autocommit=True, connect_timeout=5)


async def test_postgres_keeps_its_data_and_its_roles_apart(home: Path) -> None:
    async with Server(home) as server:
        with server.connect(OWNER) as connection:
            connection.execute("CREATE TABLE kept (number int)")
            connection.execute("INSERT INTO kept VALUES (42)")
        with server.connect(APP) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = "
                "current_user"
            ).fetchone()
            assert row == (False, False, False, False)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (number int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM kept")
        with pytest.raises(psycopg.OperationalError):
            server.connect("postgres", "postgres")
    async with Server(home) as server:
        with server.connect(OWNER) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
            assert connection.execute("SHOW password_encryption").fetchone() == ("scram-sha-256",)


async def test_postgres_survives_kill_9_and_takes_new_passwords(home: Path) -> None:
    async with Server(home) as server:
        with server.connect(OWNER) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
        server.supervisor.kill()
    changed = {OWNER: "new-owner-password", APP: "new-app-password"}
    async with Server(home, changed) as server:
        with server.connect(OWNER) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
        server.passwords = PASSWORDS
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            server.connect(APP)


async def test_a_half_made_data_folder_is_made_again(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    (home / "postgres").mkdir()
    async with Server(home) as server:
        server.connect(APP).close()
    assert not (home / "postgres.new").exists()


async def test_a_folder_with_files_of_worth_is_left_alone(home: Path) -> None:
    (home / "postgres" / "base").mkdir(parents=True)
    with pytest.raises(SetupError, match="is no PostgreSQL data folder") as caught:
        await made(home).prepare(PASSWORDS)
    assert "Restore it from a backup" in str(caught.value)
    assert (home / "postgres" / "base").exists()
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(SetupError, match="was made by PostgreSQL 9, and PostgreSQL 18 is installed"):
        await made(home).prepare(PASSWORDS)


async def test_a_failing_initdb_is_a_sentence(home: Path) -> None:
    postgres = made(home)
    with pytest.raises(SetupError, match="PostgreSQL's initdb failed on") as caught:
        await postgres._run(["initdb", "-D", str(home / "new"), "--encoding=NONSENSE"])
    assert "NONSENSE" in str(caught.value)
    assert "SCANWAY_DATABASE_URL" in str(caught.value)


async def test_valkey_keeps_its_data_behind_a_password(home: Path) -> None:
    bind = Bind("127.0.0.1", free_port())
    for turn in range(3):
        running = supervisor(home)
        await running.start(await valkey.program(home / "valkey", bind, "secret-word"), stage=1)
        with redis.Redis(host=bind.host, port=bind.port, password="secret-word") as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
            assert client.get("kept") == (None if turn == 0 else b"1")
            client.set("kept", "1")
        with (
            redis.Redis(host=bind.host, port=bind.port) as stranger,
            pytest.raises(redis.exceptions.AuthenticationError),
        ):
            stranger.get("kept")
        if turn == 1:
            await asyncio.sleep(1.2)  # the append-only file is fsynced each second; this is a process crash
            running.kill()
        await running.stop()
    assert (home / "valkey" / "valkey.conf").stat().st_mode & 0o077 == 0


def test_reach_is_asked_of_the_kernel(home: Path) -> None:
    identity = nobody() if os.geteuid() == 0 else None
    inner = home / "inner"
    inner.mkdir()
    assert can_reach(identity, [inner])
    inner.chmod(0o600)
    assert not can_reach(identity, [inner])


AS_USER = """
import asyncio, encodings.idna, os, sys
from pathlib import Path
import test_engines_embedded as tests
home = Path(sys.argv[1])
if os.geteuid() == 0:
    identity = tests.nobody()
    os.chown(home, *identity)
    os.setgroups([]); os.setgid(identity[1]); os.setuid(identity[0])
assert os.geteuid() != 0
asyncio.run(tests.test_postgres_keeps_its_data_and_its_roles_apart(home))
asyncio.run(tests.test_valkey_keeps_its_data_behind_a_password(home))
"""


def test_an_ordinary_user_can_run_them(home: Path) -> None:
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    result = subprocess.run(
        [sys.executable, "-c", AS_USER, str(home)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert (home / "postgres").stat().st_uid != 0


async def test_root_puts_data_elsewhere_where_the_home_is_closed_to_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only root needs it: PostgreSQL refuses to be root, and /root is closed to everybody else."""
    monkeypatch.setattr("deploy.engines.postgres.ELSEWHERE", home / "elsewhere")
    closed = home / "closed"
    inner = closed / "home"
    inner.mkdir(parents=True)
    closed.chmod(0o700)
    async with Server(inner) as server:
        server.connect(APP).close()
    assert closed.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        data = home / "elsewhere" / "home-id-of-a" / "postgres"
        assert (data / "PG_VERSION").exists()
        assert (inner / "postgres.location").read_text().strip() == str(data)
        assert data.stat().st_mode & 0o077 == 0
    else:
        assert (inner / "postgres" / "PG_VERSION").exists()
    again = made(inner)
    assert not again.is_new()
