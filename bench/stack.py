"""A whole `scanway up` for a benchmark: a folder of its own, free ports of 127.0.0.1, gone afterwards."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from bench.result import Recorded
from deploy.ports import free_port

START_SECONDS: Final = 180
STOP_SECONDS: Final = 40
_SCANWAY: Final = (sys.executable, "-P", "-m", "deploy.cli")

LINKS: Final = 100
RULES: Final = 10
"""Links of each sort. The API takes 600 requests a minute."""

# Five conditions, of which the last rule's is true for most: nothing is found at the first look.
_RULES: Final[list[dict[str, Any]]] = [
    {
        "name": "French iPhones",
        "when": {
            "type": "all",
            "of": [{"type": "os", "values": ["ios"]}, {"type": "language", "values": ["fr"]}],
        },
        "then": {"type": "redirect", "to": "https://example.com/fr"},
    },
    {
        "name": "Germany",
        "when": {"type": "country", "values": ["DE"]},
        "then": {"type": "redirect", "to": "https://example.com/de", "utm": {"source": "poster"}},
    },
    {
        "name": "Phones, half and half",
        "when": {
            "type": "all",
            "of": [{"type": "device", "values": ["phone"]}, {"type": "not", "of": {"type": "bot"}}],
        },
        "then": {
            "type": "split",
            "variants": [
                {"to": "https://example.com/a", "name": "a"},
                {"to": "https://example.com/b", "name": "b"},
            ],
        },
    },
]


class StackError(Exception):
    """The product did not start, or refused something; says what it said."""


class Stack:
    """A running one. Made by `running`."""

    def __init__(self, home: Path, workers: int) -> None:
        self.home = home
        self._log = home.parent / "scanway.log"
        edge, console = free_port(), free_port()
        self.url = f"http://127.0.0.1:{edge}"
        self.console = f"http://127.0.0.1:{console}"
        self.account = ""
        """Who may sign in there: address and password."""
        foreign = re.compile("^(SCANWAY_|DJANGO_)")
        self._environment = {name: text for name, text in os.environ.items() if not foreign.match(name)} | {
            "SCANWAY_HOME": str(home),
            "SCANWAY_EDGE_BIND": f"127.0.0.1:{edge}",
            "SCANWAY_CONSOLE_BIND": f"127.0.0.1:{console}",
            "SCANWAY_VALKEY_PORT": str(free_port()),
            "SCANWAY_POSTGRES_PORT": str(free_port()),
            "SCANWAY_CLICKHOUSE_PORT": str(free_port()),
            "SCANWAY_EDGE_WORKERS": str(workers),
            # So that scans may come from many countries.
            "SCANWAY_TRUSTED_PROXIES": "127.0.0.1",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.key = ""

    def start(self) -> None:
        """Raises StackError with what it printed."""
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C ends the load first, then the stack, in order.
            self._process = subprocess.Popen(
                [*_SCANWAY, "up"],
                env=self._environment,
                cwd=self.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not re.search(r"(?m)^ready in ", text := self._log.read_text("utf-8", "replace")):
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = "\n".join(text.splitlines()[-12:])
                raise StackError(f"scanway up did not start. Its last lines:\n{last}")
            time.sleep(0.1)
        if account := re.search(r"Sign in +(\S+@\S+) .*\n.*Password +(\S+)", text):
            self.account = f"{account[1]}, password {account[2]}"
        made = subprocess.run(
            [*_SCANWAY, "key", "create", "--workspace", "my-workspace", "--name", "bench"],
            env=self._environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if not (key := re.search(r"sw_[\w-]+", made.stdout)):
            raise StackError(f"There is no API key: {made.stderr.strip() or made.stdout.strip()}")
        self.key = key.group()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def setting(self, name: str) -> str:
        """As the running processes have it."""
        lines = (self.home / "environment").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)[name]

    def create_links(self) -> dict[str, list[str]]:
        """Codes by kind, all of them answered by the edge. Raises StackError."""
        with ThreadPoolExecutor(4) as pool:
            plain = list(pool.map(self._create, range(LINKS)))
            ruled = list(
                pool.map(lambda number: self._create(number, rules=_RULES), range(LINKS, LINKS + RULES))
            )
        for code in (plain[0], ruled[-1]):
            url = f"{self.url}/{code}"
            wait(partial(_redirects, url), 15, f"The edge does not redirect {url}, a link made a moment ago.")
        return {"link": plain, "rules": ruled}

    def _create(self, number: int, **more: Any) -> str:
        body = {"destination": f"https://example.com/{number}", "title": f"Load {number}", **more}
        request = urllib.request.Request(
            f"{self.console}/api/v1/links",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return str(json.loads(answer.read())["code"])
        except urllib.error.HTTPError as error:
            with error:
                raise StackError(f"The API refused a link: {error.read().decode()}") from error
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"The API does not answer: {error}.") from error

    def recorded(self, least: int, seconds: float) -> Recorded:
        """Scans of links in ClickHouse, as soon as there are that many or after that many seconds.

        Raises StackError.
        """
        url = urlsplit(self.setting("SCANWAY_CLICKHOUSE_URL"))
        try:
            with contextlib.closing(
                clickhouse_connect.get_client(
                    host=url.hostname,
                    port=url.port,
                    username=url.username,
                    password=url.password or "",
                    database=url.path.strip("/"),
                )
            ) as client:
                return _counted(client, least, seconds)
        except (ClickHouseError, OSError) as error:
            raise StackError(f"ClickHouse does not say what was recorded: {error}") from error


def _counted(client: Any, least: int, seconds: float) -> Recorded:
    deadline = time.monotonic() + seconds
    while True:
        rows = client.query(
            "SELECT countIf(NOT is_bot), countIf(is_bot) FROM events WHERE link_id > 0 AND method = 'GET'"
        ).result_rows
        found = Recorded(*rows[0])
        if sum(found) >= least or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


@contextlib.contextmanager
def running(workers: int) -> Iterator[Stack]:
    """Started and, whatever happens, stopped. Raises StackError."""
    with tempfile.TemporaryDirectory(prefix="scanway-load-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL runs as nobody under root, and has to get through.
        Path(folder).chmod(0o711)
        stack = Stack(Path(folder) / "home", workers)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


def wait(look: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Raises StackError where it is not so in time."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise StackError(otherwise)
        time.sleep(0.1)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener: Final = urllib.request.build_opener(_Stay)


def _redirects(url: str) -> bool:
    try:
        with _opener.open(urllib.request.Request(url, method="HEAD"), timeout=5):
            return False
    except urllib.error.HTTPError as error:
        with error:
            return 300 <= error.code < 400
    except (OSError, http.client.HTTPException):
        return False  # it may answer the next time
