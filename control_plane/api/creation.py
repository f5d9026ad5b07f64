"""POST that is done once for each Idempotency-Key; one that creates says where the new thing is, with 201."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.responses import NinjaJSONEncoder

from control_plane.accounts.keys import KeyHolder
from control_plane.api.problem import FieldError, invalid
from control_plane.campaigns import idempotency

HEADER: Final = "Idempotency-Key"

PARAMETER: Final[Mapping[str, Any]] = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "A text of your own, new for each thing to create. A retry with the same key and body "
    "gets the stored answer, for a day; with another body, 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_KEY, "pattern": "^[!-~]+$"},
    "example": "order-4711",
}


def openapi_extra(status: int = 201) -> dict[str, Any]:
    """What django-ninja cannot derive: the header that goes in, and those that come out."""
    location = {"Location": {"description": "Address of what was created.", "schema": {"type": "string"}}}
    headers = (location if status == 201 else {}) | {
        "Idempotency-Replayed": {
            "description": "`true` where an earlier request with this key did the work.",
            "schema": {"type": "string"},
        },
    }
    return {"parameters": [dict(PARAMETER)], "responses": {status: {"headers": headers}}}


def created(request: HttpRequest, create: Callable[[], Schema], status: int = 201) -> HttpResponse:
    """201, or `status`, with what `create` returns, as JSON.

    Raises what `create` raises, and IdempotencyConflict.
    """
    holder: KeyHolder = request.auth  # type: ignore[attr-defined]

    def work() -> idempotency.Answer:
        # As django-ninja writes its other answers, so that a time looks the same wherever it appears.
        body = json.loads(json.dumps(create().model_dump(), cls=NinjaJSONEncoder))
        return idempotency.Answer(status, body)

    key = request.headers.get(HEADER)
    if key is None:
        answer = work()
    elif not 0 < len(key) <= idempotency.MAX_KEY or any(not "!" <= char <= "~" for char in key):
        raise invalid(
            FieldError(
                HEADER, f"Use 1 to {idempotency.MAX_KEY} letters, digits and punctuation marks, no spaces."
            )
        )
    else:
        answer = idempotency.remember(
            workspace_id=holder.workspace_id,
            key=key,
            request=b"\n".join((request.method.encode(), request.get_full_path().encode(), request.body)),
            work=work,
        )
    response = HttpResponse(
        json.dumps(answer.body, ensure_ascii=False), status=answer.status, content_type="application/json"
    )
    if "id" in answer.body:
        response["Location"] = f"{request.path.rstrip('/')}/{answer.body['id']}"
    if "version" in answer.body:
        response["ETag"] = f'"{answer.body["version"]}"'
    if answer.replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def nothing() -> HttpResponse:
    """204, without the content type that Django gives to an empty body."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response
