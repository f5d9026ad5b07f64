"""`scanway doctor`: is everything as it should be, and what to do where it is not."""

import asyncio
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.config import check_secret_key, value
from deploy.errors import DeployError
from deploy.home import SMALLEST_FREE, locate
from deploy.ports import holder, parse_bind

PATIENCE = 5.0
"""Seconds that one server may take to answer."""
LARGEST_SKEW = 5.0
"""Seconds. Start and end of a link, and the day of a scan, follow these clocks."""
OLDEST_VALKEY = (7, 0)
OLDEST_POSTGRES = 140000
OLDEST_CLICKHOUSE = (24, 3)


class Wrong(Exception):
    """A check failed: what was found, and what to do about it."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.found = found
        self.advice = advice


@dataclass(frozen=True)
class Result:
    check: str
    ok: bool
    found: str
    advice: str = ""


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def require_clock(theirs: float, ours: float, who: str) -> str:
    skew = theirs - ours
    if abs(skew) > LARGEST_SKEW:
        raise Wrong(
            f"{who}'s clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's.",
            "Let both keep time with NTP, for example: timedatectl set-ntp true",
        )
    return f"clock within {abs(skew):.1f} s"


def _require(environment: Mapping[str, str], name: str) -> str:
    if not (url := value(environment, name)):
        raise Wrong(
            f"{name} is not set.", "Run this in the folder where `scanway up` runs, or set the variable."
        )
    return url


async def valkey(environment: Mapping[str, str]) -> str:
    return await asyncio.to_thread(_valkeys, _require(environment, "SCANWAY_REDIS_URL"))


def _valkeys(url: str) -> str:
    from redis.exceptions import AuthenticationError, RedisError

    from analytics.valkey.client import connect, nodes
    from analytics.valkey.url import ValkeyUrlError

    try:
        client = connect(url, timeout=PATIENCE, connect_timeout=PATIENCE)
    except ValkeyUrlError as error:
        raise Wrong(str(error), "Correct SCANWAY_REDIS_URL.") from error
    try:
        found = [_one_valkey(server, tag) for server, tag in nodes(client)]
    except AuthenticationError as error:
        raise Wrong(f"It refuses the password: {error}.", "Correct SCANWAY_REDIS_URL.") from error
    except (RedisError, OSError) as error:
        raise Wrong(f"It does not answer: {error}.", "Start it, or correct SCANWAY_REDIS_URL.") from error
    finally:
        client.close()
    return found[0] if len(found) == 1 else f"{len(found)} servers; the first: {found[0]}"


def _one_valkey(server: Any, tag: str) -> str:
    """`tag` makes a key one of this server's; '' where it is the only one."""
    from edge.record import EPOCH_KEY, epoch_key

    info = server.info()
    seconds, micros = server.time()
    clock = require_clock(seconds + micros / 1e6, time.time(), "Valkey")
    version = str(info.get("valkey_version") or info["redis_version"])
    if numbers(version) < OLDEST_VALKEY:
        raise Wrong(f"Version {version} is too old.", "Use Valkey 7.2 or newer.")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise Wrong(
            f"It may drop links when memory is short (maxmemory-policy is {policy}).",
            "Set it with: CONFIG SET maxmemory-policy noeviction, and in its configuration file.",
        )
    if not server.exists(epoch_key(tag) if tag else EPOCH_KEY):
        raise Wrong(
            "It does not hold all links yet.",
            "A running worker publishes them within seconds; or run: scanway publish --all",
        )
    return f"version {version}, all links published, {clock}"


async def postgres(environment: Mapping[str, str]) -> str:
    import psycopg

    url = _require(environment, "SCANWAY_DATABASE_URL")
    try:
        connection = await psycopg.AsyncConnection.connect(
            url, connect_timeout=int(PATIENCE), autocommit=True
        )
    except psycopg.Error as error:
        raise Wrong(
            f"It does not let us in: {str(error).strip()}.", "Start it, or correct SCANWAY_DATABASE_URL."
        ) from error
    async with connection:
        row = await (
            await connection.execute(
                "SELECT current_user, rolsuper OR rolbypassrls, extract(epoch FROM "
                "clock_timestamp())::float8, to_regclass('django_migrations') IS NOT NULL,"
                " EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relrowsecurity AND relowner = rolname::regrole)"
                " FROM pg_roles WHERE rolname = current_user"
            )
        ).fetchone()
        assert row is not None  # every session has a role
        role, free_of_wall, now, migrated, owns = row
        version = connection.info.server_version
    clock = require_clock(now, time.time(), "PostgreSQL")
    if version < OLDEST_POSTGRES:
        raise Wrong(f"Version {version // 10000} is too old.", "Use PostgreSQL 14 or newer.")
    if free_of_wall or owns:
        raise Wrong(
            f"The role {role} is superuser, owner of the tables or BYPASSRLS, so the wall between "
            "workspaces does not hold for it.",
            "Give SCANWAY_DATABASE_URL an ordinary role, and the owner's to SCANWAY_DATABASE_OWNER_URL.",
        )
    if not migrated:
        raise Wrong("It has no tables yet.", "Run: scanway migrate")
    return f"version {version // 10000}.{version % 10000}, role {role}, {clock}"


async def clickhouse(environment: Mapping[str, str]) -> str:
    import aiohttp

    url = urlsplit(_require(environment, "SCANWAY_CLICKHOUSE_URL"))
    base = f"{url.scheme}://{url.hostname}:{url.port or (8443 if url.scheme == 'https' else 8123)}/"
    headers = {"X-ClickHouse-User": url.username or "default", "X-ClickHouse-Key": url.password or ""}
    statement = (
        "SELECT version(), toUnixTimestamp64Milli(now64(3)) / 1000,"
        " (SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'events')"
        " FORMAT TabSeparated"
    )
    parameters = {"query": statement, "param_database": url.path.strip("/")}
    try:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.get(base, params=parameters) as response,
        ):
            text = (await response.text()).strip()
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Wrong(
            f"It does not answer: {error or 'too slow'}.", "Start it, or correct SCANWAY_CLICKHOUSE_URL."
        ) from error
    if status in (401, 403) or "AUTHENTICATION_FAILED" in text:
        raise Wrong("It refuses the user or the password.", "Correct SCANWAY_CLICKHOUSE_URL.")
    if status != 200:
        raise Wrong(f"It answers {status}: {text[:200]}", "Correct SCANWAY_CLICKHOUSE_URL.")
    version, now, tables = text.split("\t")
    clock = require_clock(float(now), time.time(), "ClickHouse")
    if numbers(version) < OLDEST_CLICKHOUSE:
        raise Wrong(f"Version {version} is too old.", "Use ClickHouse 24.3 or newer.")
    if tables == "0":
        raise Wrong("It has no table of scans yet.", "Run: scanway migrate")
    return f"version {version}, {clock}"


async def spool(environment: Mapping[str, str]) -> str:
    folder = Path(environment.get("SCANWAY_SPOOL") or locate(environment) / "spool")
    if not folder.is_dir():
        raise Wrong(f"{folder} does not exist.", "Start the edge, which makes it, or correct SCANWAY_SPOOL.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Wrong(f"{folder} cannot be written.", f"Give it to the user of the edge: chown … {folder}")
    if stat.S_IMODE(folder.stat().st_mode) & 0o007:
        raise Wrong(
            f"{folder} is open to every user, and holds IP addresses until scans are delivered.",
            f"Run: chmod 700 {folder}",
        )
    free = shutil.disk_usage(folder).free
    if free < SMALLEST_FREE:
        raise Wrong(f"Only {free // 2**20} MB are free for {folder}.", "Free some space on that disk.")
    return f"{folder}, {free / 2**30:.1f} GB free"


async def ingest(environment: Mapping[str, str]) -> str:
    from analytics.ingest.status import read_status

    folder = Path(environment.get("SCANWAY_SPOOL") or locate(environment) / "spool")
    status = read_status(folder)
    start = "Start it with: scanway ingest (or scanway up)"
    if status is None:
        raise Wrong(f"It never ran on {folder}.", start)
    age = time.time() - status.written_at
    if age > 60:
        raise Wrong(f"It was last seen {age / 60:.0f} min ago; {status.backlog_segments} files wait.", start)
    if status.last_error and status.last_error_at > status.last_delivered_at:
        raise Wrong(
            f"It cannot deliver: {status.last_error}", "See what ClickHouse says; nothing is lost until then."
        )
    if status.segments_damaged:
        raise Wrong(
            f"It set {status.segments_damaged} damaged files aside.", f"Look at them in {folder / 'damaged'}."
        )
    return f"{status.events_delivered} scans delivered since its start, {status.backlog_segments} files wait"


async def secrets(environment: Mapping[str, str]) -> str:
    key = value(environment, "SCANWAY_SECRET_KEY")
    if not key:
        raise Wrong(
            "SCANWAY_SECRET_KEY is not set.", "Run this where `scanway up` runs, or set the variable."
        )
    check_secret_key(key)
    for name in ("secrets", "environment"):
        path = locate(environment) / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Wrong(f"{path} can be read by other users.", f"Run: chmod 600 {path}")
    return "long enough, and private"


async def _answers(url: str, advice: str) -> str:
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            body = (await response.text())[:200].strip()
            if response.status != 200:
                raise Wrong(f"{url} answers {response.status}: {body}", advice)
            return f"{url} answers"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        port = urlsplit(url).port
        by = holder(port) if port else ""
        hint = f" Port {port} is held by {by}." if by else ""
        raise Wrong(f"{url} does not answer: {error or 'too slow'}.{hint}", advice) from error


async def edge(environment: Mapping[str, str]) -> str:
    bind = parse_bind(environment.get("SCANWAY_EDGE_BIND") or "0.0.0.0:8080", "SCANWAY_EDGE_BIND")
    host = "127.0.0.1" if bind.host in ("0.0.0.0", "::") else bind.host  # noqa: S104
    return await _answers(
        f"http://{host}:{bind.port}/-/readyz", "Start it with: scanway edge (or scanway up)"
    )


async def console(environment: Mapping[str, str]) -> str:
    bind = parse_bind(environment.get("SCANWAY_CONSOLE_BIND") or "0.0.0.0:8000", "SCANWAY_CONSOLE_BIND")
    host = "127.0.0.1" if bind.host in ("0.0.0.0", "::") else bind.host  # noqa: S104
    return await _answers(
        f"http://{host}:{bind.port}/-/healthz", "Start it with: scanway console (or scanway up)"
    )


async def short_url(environment: Mapping[str, str]) -> str:
    base = value(environment, "SCANWAY_SHORT_URL")
    if not base:
        raise Wrong("SCANWAY_SHORT_URL is not set.", "Set it to the address that is printed on codes.")
    advice = "Point it at the edge: what is printed on codes must answer. A firewall may be in the way."
    found = await _answers(f"{base.rstrip('/')}/-/healthz", advice)
    if urlsplit(base).hostname in ("127.0.0.1", "localhost", "::1"):
        raise Wrong(
            f"{base} is this machine only; no phone can open it.", "Set SCANWAY_SHORT_URL to its address."
        )
    return found


CHECKS: dict[str, Callable[[Mapping[str, str]], Awaitable[str]]] = {
    "Valkey": valkey,
    "PostgreSQL": postgres,
    "ClickHouse": clickhouse,
    "Secrets": secrets,
    "Spool": spool,
    "Ingest": ingest,
    "Edge": edge,
    "Console": console,
    "Short URL": short_url,
}


async def _check(name: str, environment: Mapping[str, str]) -> Result:
    try:
        return Result(name, True, await asyncio.wait_for(CHECKS[name](environment), PATIENCE * 3))
    except Wrong as wrong:
        return Result(name, False, wrong.found, wrong.advice)
    except DeployError as error:
        return Result(name, False, str(error), "Correct that setting.")
    except TimeoutError:
        return Result(name, False, "It takes too long to answer.", "Look at its load and at its log.")


async def examine(environment: Mapping[str, str]) -> list[Result]:
    """Every check, side by side; in the order of CHECKS."""
    return list(await asyncio.gather(*(_check(name, environment) for name in CHECKS)))


def run(*, as_json: bool) -> int:
    """Prints what was found. Returns 1 where anything is wrong."""
    results = asyncio.run(examine(os.environ))
    wrong = [result for result in results if not result.ok]
    if as_json:
        print(json.dumps({"ok": not wrong, "checks": [asdict(result) for result in results]}, indent=2))
        return 1 if wrong else 0
    for result in results:
        print(f"{'✓' if result.ok else '✗'} {result.check:<11} {result.found}")
        if not result.ok:
            print(f"  → {result.advice}")
    summary = (
        "Everything is as it should be." if not wrong else f"{len(wrong)} of {len(results)} need attention."
    )
    print(summary, file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0
