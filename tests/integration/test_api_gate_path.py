"""The short way of a redemption: the same answers as the long way's, and nothing irregular."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from console_stack import Tenant
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


class LongWay:
    """Stands for Django: remembers what came, and answers 299."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def ask(
    app: Any, body: bytes, headers: dict[str, str], *, path: str = "", pieces: int = 1, **scope: Any
) -> tuple[int, Any, dict[str, str]]:
    from control_plane.api.gate_path import PATH

    step = max(1, -(-len(body) // pieces))
    parts = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"type": "http", "method": "POST", "path": path or PATH, "scheme": "http"} | scope
    given["headers"] = [
        (b"content-type", b"application/json"),
        *((name.lower().encode(), value.encode()) for name, value in headers.items()),
    ]
    asyncio.run(app(given, receive, send))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], json.loads(sent[1]["body"] or b"null"), answered


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant, capacity=10, reentry="after_exit", show_holder=True)


@pytest.fixture
def path() -> Any:
    from control_plane.api.gate_path import GatePath

    return GatePath(LongWay())


def body(world: GateWorld, text: str, **more: Any) -> bytes:
    return json.dumps({"gate_id": world.gate.pk, "text": text, "nonce": str(uuid.uuid4())} | more).encode()


def test_both_ways_answer_the_same(world: GateWorld, path: Any) -> None:
    from django.test import Client

    ((_, text),) = world.issue_rows(holder={"name": "Ada"})
    for more in ({"way": "in"}, {"way": "in"}, {"way": "out"}, {"way": "out"}, {"text": "nonsense"}):
        given = body(world, **{"text": text} | more)
        status, short, headers = ask(path, given, world.headers())
        assert status == 200
        assert float(headers["server-timing"].removeprefix("redeem;dur=")) > 0
        long = Client().post(
            "/api/v1/gate/redemptions", data=given, content_type="application/json", headers=world.headers()
        )
        # The second question has the same nonce: the same verdict, said again.
        assert long.json() == short | {"replayed": True}
        assert list(long.json()) == list(short)
    assert path._app.bodies == []


def test_what_is_irregular_takes_the_long_way_whole(world: GateWorld, path: Any) -> None:
    (text,) = world.issue()
    good = body(world, text)
    cases: list[tuple[bytes, dict[str, str], dict[str, Any]]] = [
        (b"{", world.headers(), {}),
        (b"", world.headers(), {}),
        (body(world, text, more=1), world.headers(), {}),
        (body(world, text, nonce="x"), world.headers(), {}),
        (body(world, text, gate_id="1"), world.headers(), {}),
        (body(world, text, gate_id=999_999), world.headers(), {}),
        (body(world, text, override="A friend"), world.headers(), {}),
        (body(world, "x" * 20_000), world.headers(), {"pieces": 7}),
        (good, {}, {}),
        (good, {"Authorization": "Bearer swg_x"}, {}),
        (good, {"Authorization": "Basic eDp5"}, {}),
        (good, world.headers() | {"Content-Type": "text/plain"}, {}),
        (good, world.headers(), {"method": "GET"}),
        (good, world.headers(), {"path": "/api/v1/gate/counts"}),
    ]
    for given, headers, more in cases:
        assert ask(path, given, headers, **more)[0] == 299, given[:60]
    assert path._app.bodies == [given for given, _, _ in cases]
    assert world.inside() == 0
    assert ask(path, good, world.headers(), pieces=5)[1]["admitted"] is True


@pytest.fixture
def settings() -> Any:
    from django.test import override_settings

    with override_settings(SECURE_SSL_REDIRECT=True):
        yield


def test_on_https_a_plain_request_takes_the_long_way(world: GateWorld, path: Any, settings: Any) -> None:
    (text,) = world.issue()
    assert ask(path, body(world, text), world.headers())[0] == 299
    assert ask(path, body(world, text), world.headers(), scheme="https")[0] == 200


def test_more_scans_than_the_limit_take_the_long_way(
    world: GateWorld, path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.api import gate_path

    monkeypatch.setattr(gate_path, "LIMIT", 3)
    said = [ask(path, body(world, "x"), world.headers())[0] for _ in range(4)]
    assert said == [200, 200, 200, 299]


def test_a_lost_connection_to_postgres_costs_one_long_way(world: GateWorld, path: Any) -> None:
    import psycopg
    from console_stack import POSTGRES_PORT
    from django.db import connection

    texts = world.issue(30)
    assert ask(path, body(world, texts.pop()), world.headers(), pieces=1)[0] == 200
    with psycopg.connect(
        f"postgresql://postgres@127.0.0.1:{POSTGRES_PORT}/postgres", autocommit=True
    ) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scanway_app'")
    connection.close()  # this thread's: the next test gets another
    said = [ask(path, body(world, text, way="in"), world.headers())[0] for text in texts]
    # One at most for each thread, and each of the pool's.
    assert said[-1] == 200
    assert said.count(200) >= 10
