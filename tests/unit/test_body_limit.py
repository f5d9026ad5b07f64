"""What is beyond the limit of a body is read and dropped, however it comes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.body_limit import BodyLimit

END = {"type": "http.disconnect"}


def through(
    messages: list[dict[str, Any]], most: int, path: str = "/login/"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What an application behind the limit receives, and what nobody asked for."""
    waiting, got = list(messages), []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        while True:
            got.append(await receive())
            if not got[-1].get("more_body"):
                return

    asyncio.run(BodyLimit(app, most, 100)({"type": "http", "path": path}, receive, None))
    return got, waiting


def requests(parts: list[bytes]) -> list[dict[str, Any]]:
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": place < last} for place, part in enumerate(parts)
    ]


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=8), st.integers(0, 40))
def test_a_body_arrives_up_to_the_limit_and_is_read_to_its_end(parts: list[bytes], most: int) -> None:
    got, left = through([*requests(parts), END], most)
    assert b"".join(message["body"] for message in got) == b"".join(parts)[:most]
    assert [bool(message.get("more_body")) for message in got] == [True] * (len(got) - 1) + [False]
    assert left == [END]


def test_a_body_within_the_limit_is_passed_on_as_it_came() -> None:
    messages = requests([b"abc", b"", b"de"])
    assert through([*messages, END], 5)[0] == messages


@pytest.mark.parametrize("parts", [[b"abc", b"d"], [b"abcdef"]])
def test_a_client_that_goes_away_is_noticed(parts: list[bytes]) -> None:
    messages = requests([*parts, b"more"])[:-1]
    got, _ = through([*messages, END], 4)
    assert got[-1] == END


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/w/my-workspace/passes/7/jobs/upload/", 100),
        ("/api/v1/programs/7/jobs", 100),
        ("/api/v1/programs/7/jobs/csv", 100),
        ("/api/v1/programs/7/jobs/csv/more", 5),
        ("/w/my-workspace/passes/7/jobs/upload/../../print/", 5),
        ("/login/", 5),
    ],
)
def test_only_tables_are_large(path: str, kept: int) -> None:
    got, _ = through([*requests([b"x" * 200]), END], 5, path)
    assert len(got[0]["body"]) == kept


def test_what_is_no_request_passes() -> None:
    seen = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(receive)

    async def receive() -> None:
        raise AssertionError

    asyncio.run(BodyLimit(app)({"type": "lifespan"}, receive, None))
    assert seen == [receive]
