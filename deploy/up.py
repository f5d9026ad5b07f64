"""`scanway up`: the whole product in one terminal.

lock the folder → end leftovers → look at the ports → engines, side by side → tables and first account
→ edge, ingest, console, worker, side by side → wait for Ctrl-C → stop them in reverse
"""

import asyncio
import json
import os
import re
import secrets
import signal
import sys
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from deploy import leftovers
from deploy.config import APP, OWNER, Setup
from deploy.engines import clickhouse, platform, valkey
from deploy.engines.postgres import Postgres
from deploy.errors import DeployError
from deploy.home import Home, explain, locate, write_private
from deploy.ports import require_free
from deploy.program import Program
from deploy.provision import LINE
from deploy.screen import Screen
from deploy.stamp import Stamp
from deploy.supervisor import Supervisor

ENGINES, PROCESSES = 1, 2
TITLES = {"edge": "Edge", "ingest": "Ingest", "console": "Console", "worker": "Worker"}


def command(*arguments: str) -> tuple[str, ...]:
    """A process of ours: this interpreter, without the current folder on its path."""
    return (sys.executable, "-P", "-m", *arguments)


class Up:
    def __init__(self, setup: Setup, screen: Screen, run_id: str) -> None:
        self.setup = setup
        self.screen = screen
        self.postgres = Postgres(setup.home.path, setup.secrets["HOME_ID"])
        self.stamp = Stamp(setup.home.path)
        self.supervisor = Supervisor(screen, leftovers.RunFile(setup.home.run_file, run_id))

    def check_ports(self) -> None:
        setup = self.setup
        wanted = [
            ("edge", setup.edge, "short links (the edge)", "SCANWAY_EDGE_BIND", f"{setup.edge.host}:8081"),
            ("console", setup.console, "the console", "SCANWAY_CONSOLE_BIND", f"{setup.console.host}:8001"),
            ("valkey", setup.valkey, "embedded Valkey", "SCANWAY_VALKEY_PORT", "16380"),
            ("postgres", setup.postgres, "embedded PostgreSQL", "SCANWAY_POSTGRES_PORT", "15433"),
            ("clickhouse", setup.clickhouse, "embedded ClickHouse", "SCANWAY_CLICKHOUSE_PORT", "18124"),
        ]
        for name, bind, purpose, variable, example in wanted:
            if name in TITLES or name in setup.embedded:
                require_free(bind, purpose, variable, example)

    async def engine(self, name: str) -> None:
        setup = self.setup
        began = self.screen.elapsed()
        if name == "valkey":
            folder = setup.home.path / "valkey"
            program = await valkey.program(folder, setup.valkey, setup.secrets["VALKEY_PASSWORD"])
        elif name == "postgres":
            await self.postgres.prepare({OWNER: setup.secrets["POSTGRES_OWNER_PASSWORD"],
                                    APP: setup.secrets["POSTGRES_APP_PASSWORD"]})  # fmt: skip
            program = self.postgres.program(setup.postgres)
        else:
            program = clickhouse.program(
                setup.home.path / "clickhouse",
                setup.clickhouse,
                setup.secrets["CLICKHOUSE_PASSWORD"],
                setup.environment("clickhouse"),
                command("deploy.cli", "clickhouse"),
            )
        await self.supervisor.start(program, stage=ENGINES)
        self.screen.step(f"Starting {program.title}", self.screen.elapsed() - began)

    async def provision(self) -> dict[str, str] | None:
        began = self.screen.elapsed()
        program = Program(
            name="setup",
            title="Setting up the databases",
            argv=command("deploy.provision"),
            environment=self.setup.environment("setup"),
            shown=re.compile(f"^(?!{LINE})"),
        )
        lines = await self.supervisor.run_once(program)
        self.screen.step("Setting up the databases", self.screen.elapsed() - began)
        account = next((line for line in reversed(lines) if line.startswith(LINE)), LINE + "null")
        found: dict[str, str] | None = json.loads(account.removeprefix(LINE))
        return found

    async def process(self, name: str) -> None:
        began = self.screen.elapsed()
        program = Program(
            name=name,
            title=TITLES[name],
            argv=command("deploy.cli", name),
            environment=self.setup.environment(name),
            cwd=Path.cwd(),
        )
        await self.supervisor.start(program, stage=PROCESSES)
        self.screen.step(f"Starting the {name}", self.screen.elapsed() - began)

    async def start(self) -> None:
        """Raises DeployError."""
        if "postgres" in self.setup.embedded:
            self.postgres.locate()
        if self.setup.embedded:
            self.screen.line(f"Data is in {self.setup.home.path}")
        set_up = self.is_set_up()
        await _all(self.engine(name) for name in self.setup.embedded)
        account = None
        if not set_up:
            self.stamp.remove()
            account = await self.provision()
            self.stamp.write()
        try:
            await _all(self.process(name) for name in TITLES)
        except BaseException:
            if account:  # it is shown once: not to be lost with a failed start
                self.screen.line(f"Made the account {account['email']}, password {account['password']}")
            raise
        self.announce(account)

    def is_set_up(self) -> bool:
        """Whether tables and schema are known to be those of this version."""
        folder = self.setup.home.path / "clickhouse"
        return (
            {"postgres", "clickhouse"} <= set(self.setup.embedded)
            and not self.postgres.is_new()
            and folder.is_dir()
            and any(folder.iterdir())
            and self.stamp.is_current()
        )

    def announce(self, account: dict[str, str] | None) -> None:
        settings = self.setup.settings
        console = settings["SCANWAY_CONSOLE_URL"]
        rows = [f"Console      {console}", f"Short links  {settings['SCANWAY_SHORT_URL']}"]
        if account:
            rows += [f"Sign in      {account['email']}", f"Password     {account['password']}",
                     "             (shown this once; change it after signing in)"]  # fmt: skip
        else:
            rows += ["Sign in      with your account; a lost password is replaced by",
                     "             scanway user password EMAIL"]  # fmt: skip
        rows += ["Stop         Ctrl-C"]
        self.screen.line()
        self.screen.box(rows)
        self.screen.line(f"ready in {self.screen.elapsed():.1f} s")


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them side by side; the first error ends the others and is raised."""
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run() -> int:
    """Runs until it is told to stop. Returns the exit code; raises DeployError where it cannot start."""
    screen = Screen()
    home = Home(locate(os.environ))
    home.create()
    home.lock()
    try:
        run_id = secrets.token_hex(8)
        if count := leftovers.end(home.run_file):
            screen.line(f"Ended {count} process{'es' if count > 1 else ''} that an earlier start had left.")
        os.environ[leftovers.RUN_VARIABLE] = run_id
        setup = Setup.from_env(os.environ, home)
        platform.require(setup.embedded)
        up = Up(setup, screen, run_id)
        up.check_ports()
        _prepare_folders(setup)
        write_private(home.environment_file, [f"{name}={text}" for name, text in setup.settings.items()])
        return asyncio.run(_run(up))
    finally:
        home.unlock()


def _prepare_folders(setup: Setup) -> None:
    spool = Path(setup.settings["SCANWAY_SPOOL"])
    try:
        # Scans wait here with their IP address until they are delivered: for the owner's eyes only.
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, spool, "preparing the spool") from error


async def _run(up: Up) -> int:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if told.is_set() and number == signal.SIGINT:
            up.screen.line("Ending everything now.")
            up.supervisor.kill()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal, number)
    starting = asyncio.create_task(up.start())
    waiting = asyncio.create_task(told.wait())
    failure: DeployError | None = None
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await waiting
    except DeployError as error:
        failure = error
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        waiting.cancel()
        if failure is None:
            up.screen.line()
            up.screen.line("Stopping …")
        began = loop.time()
        overstayed = await up.supervisor.stop()
        for title in overstayed:
            up.screen.line(f"{title} did not stop in time and was ended.")
        up.supervisor.close()
        up.screen.line(f"Stopped in {loop.time() - began:.1f} s.")
    if failure:
        raise failure
    return 0
