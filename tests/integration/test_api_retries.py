"""An Idempotency-Key: the same request again, at once, and by others."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_client import GOOD, Api, problem
from console_stack import Tenant, new_tenant


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


def test_a_retry_with_the_same_key_gets_the_stored_answer(api: Api) -> None:
    key = uuid.uuid4().hex
    first = api("POST", "/links", GOOD, Idempotency_Key=key)
    again = api("POST", "/links", GOOD, Idempotency_Key=key)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert len(api("GET", "/links").json()["data"]) == 1
    other = api("POST", "/links", {"destination": "https://example.com/other"}, Idempotency_Key=key)
    assert "different request" in problem(other, 409, "Idempotency-Key")
    assert "different request" in problem(
        api("POST", "/campaigns", {"name": "x"}, Idempotency_Key=key), 409, "Idempotency-Key"
    )


def test_a_refused_request_keeps_nothing_under_its_key(api: Api) -> None:
    key = uuid.uuid4().hex
    problem(api("POST", "/links", {"destination": "x"}, Idempotency_Key=key), 422)
    assert api("POST", "/links", GOOD, Idempotency_Key=key).status_code == 201


def test_keys_of_two_workspaces_are_apart(api: Api) -> None:
    other = Api(new_tenant().key)
    key = uuid.uuid4().hex
    first, second = (one("POST", "/links", GOOD, Idempotency_Key=key) for one in (api, other))
    assert first.json()["id"] != second.json()["id"]
    assert "Idempotency-Replayed" not in second


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
def test_odd_idempotency_keys_are_refused(api: Api, key: str) -> None:
    assert problem(api("POST", "/links", GOOD, Idempotency_Key=key), 422, "Idempotency-Key")


def _at_once(api: Api, count: int, key: str | None) -> list[Any]:
    barrier = threading.Barrier(count)
    headers = {} if key is None else {"Idempotency_Key": key}

    def one(_: int) -> Any:
        from django.db import connection

        try:
            barrier.wait(timeout=30)
            return api("POST", "/links", GOOD, **headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_the_same_request_at_once_is_done_once(api: Api) -> None:
    answers = _at_once(api, 8, uuid.uuid4().hex)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert len(api("GET", "/links").json()["data"]) == 1


def test_negative_control_without_the_key_it_is_done_each_time(api: Api) -> None:
    answers = _at_once(api, 8, None)
    assert len({answer.json()["id"] for answer in answers}) == 8


def test_negative_control_without_the_note_in_the_transaction_the_race_is_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look first, then work, then write it down: without the unique index it is done many times."""
    from control_plane.campaigns import idempotency

    seen: dict[str, Any] = {}
    all_looked = threading.Barrier(4)

    def careless(*, workspace_id: int, key: str, request: bytes, work: Any) -> Any:
        found = seen.get(key)
        all_looked.wait(timeout=30)
        if found is None:
            found = seen[key] = work()
        return found

    monkeypatch.setattr(idempotency, "remember", careless)
    answers = _at_once(api, 4, uuid.uuid4().hex)
    assert len({answer.json()["id"] for answer in answers}) == 4
