"""The product's API and its ClickHouse, as a program of an operator would use them."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
from stack import Stack

from analytics.events import read_segment

T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T], seconds: float) -> T:
    """Look until it is there. A bound against hanging, not a measurement."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.1)


class Api:
    """The REST API with a key of its own."""

    def __init__(self, stack: Stack) -> None:
        made = stack.cli("key", "create", "--workspace", "my-workspace", "--name", "flows")
        assert made.returncode == 0, made.stderr
        found = re.search(r"sw_[\w-]+", made.stdout)
        assert found, made.stdout
        self.key = found.group()
        self._base = f"{stack.console_url}/api/v1"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and decoded body."""
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def create(self, **link: Any) -> dict[str, Any]:
        status, body = self("POST", "/links", link)
        assert status == 201, body
        return body


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(NoRedirect)


def visit(url: str, **headers: str) -> tuple[int, str, str]:
    """Status, Location and body of one request that follows nothing."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with _opener.open(request, timeout=10) as response:
            return response.status, "", response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", ""), error.read().decode()


def url_of(stack: Stack, variable: str) -> str:
    """An address with its password, as `scanway up` gave it to its processes."""
    lines = (stack.home / "environment").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)[variable]


def clickhouse(stack: Stack) -> Any:
    """A client of the embedded ClickHouse."""
    where = urlsplit(url_of(stack, "SCANWAY_CLICKHOUSE_URL"))
    return clickhouse_connect.get_client(
        host=where.hostname,
        port=where.port,
        username=where.username,
        password=where.password,
        database=where.path.strip("/"),
    )


def spool_is_empty(stack: Stack) -> bool:
    """Whether every recorded scan has been delivered."""
    spool = stack.home / "spool"
    waiting = list((spool / "sealed").glob("*.seg"))
    waiting += [path for path in (spool / "open").glob("*.seg") if read_segment(path.read_bytes()).payloads]
    return not waiting
