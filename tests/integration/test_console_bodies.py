"""Bodies that are too large, through everything that stands before a page and the API."""

import asyncio
import json
from typing import Any

import pytest
from console_stack import Tenant

pytestmark = pytest.mark.usefixtures("console")
PIECE = b"x" * 65_536


def ask(path: str, pieces: int, *headers: tuple[bytes, bytes]) -> tuple[int, bytes, int]:
    """POST so many pieces. Returns status, body, and how many pieces nobody read."""
    from control_plane.asgi import application

    waiting = [{"type": "http.request", "body": PIECE, "more_body": True} for _ in range(pieces)]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []
    over = asyncio.Event()

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            over.set()

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8000),
        "root_path": "", "headers": [(b"host", b"localhost"), *headers],
    }  # fmt: skip
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]), len(waiting)


@pytest.mark.parametrize(
    ("path", "pieces"), [("/login/", 33), ("/nowhere/", 400), ("/w/a/passes/1/jobs/upload/", 353)]
)
def test_a_page_says_so(path: str, pieces: int) -> None:
    status, body, left = ask(path, pieces, (b"content-type", b"multipart/form-data; boundary=x"))
    assert (status, left) == (413, 0)
    assert b"This file is too large" in body
    assert b"Nothing was saved." in body


def test_the_api_says_so(tenant: Tenant) -> None:
    key = (b"authorization", f"Bearer {tenant.key}".encode())
    kind = (b"content-type", b"application/json")
    announced = (b"content-length", str(40 * len(PIECE)).encode())
    for headers in ((key, kind), (key, kind, announced)):
        status, body, left = ask("/api/v1/links", 40, *headers)
        assert (status, left) == (413, 0)
        problem = json.loads(body)
        assert problem["type"] == "urn:scanway:problem:too-large"
        assert "64 kB" in problem["detail"]


def test_what_is_not_too_large_is_not_said_to_be() -> None:
    status, body, _ = ask("/nowhere/", 32, (b"content-type", b"text/plain"))
    assert status == 404
    assert b"too large" not in body
