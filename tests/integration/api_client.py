"""A key of the API at work in tests, and the form of its errors."""

import json
from typing import Any

from django.test import Client

PROBLEM = "application/problem+json"
GOOD = {"destination": "https://example.com/spring"}


class Api:
    """One key at work."""

    def __init__(self, key: str) -> None:
        self.headers = {"Authorization": f"Bearer {key}"}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = (
            {"data": body if isinstance(body, str | bytes) else json.dumps(body)} if body is not None else {}
        )
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        client = Client(raise_request_exception=False)
        content_type = given.pop("content-type", "application/json")
        return client.generic(
            method, f"/api/v1{path}", content_type=content_type, headers={**self.headers, **given}, **data
        )


def problem(response: Any, status: int, field: str | None = None) -> str:
    """Checks the form of an error, and returns its sentence about `field`."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == PROBLEM
    body = response.json()
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail", "instance"}
    assert body["status"] == status
    assert body["type"].startswith("urn:scanway:problem:")
    if field is None:
        return str(body["detail"])
    messages = {error["field"]: error["message"] for error in body["errors"]}
    assert field in messages, messages
    return str(messages[field])
