"""The tenant wall by API, walked: a key of workspace A asks for all that is B's, and gets nothing."""

import json

import pytest
from django.test import Client
from tenant_worlds import (
    MARK_A,
    MARK_B,
    World,
    api_operations,
    everything,
    filled,
    request,
    snapshot,
    two_worlds,
)


@pytest.fixture(scope="module")
def worlds(console: None) -> tuple[World, World]:
    return two_worlds()


def test_a_key_of_a_gets_nothing_of_b_from_any_operation(worlds: tuple[World, World]) -> None:
    a, b = worlds
    before = snapshot(b)
    client = Client(raise_request_exception=False)
    leaks, asked = [], 0
    for method, path, operation in api_operations():
        url = filled(path, b)
        bodies = [
            {},
            {"name": "x"},
            {"title": "x"},
            {"destination": "https://example.com/taken-over"},
            {"schemes": ["taken.over"]},
        ]
        for body in bodies if "requestBody" in operation else [None]:
            answer = request(client, method, url, operation, a.tenant.key, body)
            told = everything(answer)
            asked += 1
            if MARK_B in told:
                leaks.append(f"{method} {path}: shows {MARK_B}")
            # 422: refused for its form, before anything was looked up.
            refusals = (401,) if operation["x-scope"] == "device" else (403, 404, 422)
            if "{" in path and answer.status_code not in refusals:
                leaks.append(f"{method} {path}: {answer.status_code}")
    assert asked > 20
    assert leaks == []
    assert snapshot(b) == before


def test_no_list_and_no_search_of_a_key_of_a_shows_b(worlds: tuple[World, World]) -> None:
    a, b = worlds
    client = Client(raise_request_exception=False)
    shown = 0
    for method, path, operation in api_operations():
        if method != "get" or "{" in path:
            continue
        names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        queries = [{}, *({name: value} for name in names for value in (MARK_B, b.ids.get(name, 1)))]
        for query in queries:
            answer = client.get(path, query, headers=a.tenant.headers)
            told = everything(answer)
            assert answer.status_code < 500
            assert MARK_B not in told, (path, query)
            shown += MARK_A in told
    assert shown >= 3


def test_b_cannot_be_named_in_a_body(worlds: tuple[World, World]) -> None:
    """Every body field that is somebody's number, in every operation that takes a body."""
    a, b = worlds
    before = snapshot(b)
    document = json.loads(Client().get("/api/v1/openapi.json").content)
    schemas = document["components"]["schemas"]
    client = Client(raise_request_exception=False)
    tried = 0
    for method, path, operation in api_operations():
        if "requestBody" not in operation or operation["x-scope"] in ("device", "none"):
            continue
        if "application/json" not in operation["requestBody"]["content"]:
            continue
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[
            1
        ]
        for name in schemas[reference]["properties"]:
            if not name.endswith(("_id", "_ids")):
                continue
            wanted = b.ids[name.removesuffix("s")]
            beside = {
                "LinkIn": {"destination": "https://example.com/"},
                "ZoneIn": {"name": "x"},
                "GateIn": {"name": "x"},
                "DeviceIn": {"name": "x"},
                "JobIn": {"count": 1},
                "PassesIn": {"program_id": a.ids["program_id"], "count": 1},
            }.get(reference, {})
            body = beside | {name: [wanted] if name.endswith("s") else wanted}
            answer = request(client, method, filled(path, a), operation, a.tenant.key, body)
            tried += 1
            assert answer.status_code == 422, (method, path, answer.content)
            assert [error["field"] for error in answer.json()["errors"]] == [name]
    assert tried >= 9
    assert snapshot(b) == before


def test_a_code_of_b_is_taken_and_says_no_more(worlds: tuple[World, World]) -> None:
    a, b = worlds
    code = f"{MARK_B}-{b.tenant.slug.removeprefix(MARK_B).split('-')[0]}"
    client = Client(raise_request_exception=False)
    answers = [
        request(client, "post", "/api/v1/links", {"requestBody": 1}, a.tenant.key,
                 {"destination": "https://example.com/", "code": code})
    ]  # fmt: skip
    body = answers[0].json()
    assert answers[0].status_code == 409
    assert f"com/{MARK_B}" not in json.dumps(body)
    assert b.tenant.name not in json.dumps(body)
