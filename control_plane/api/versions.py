"""Edits by version: the ETag that goes out, and what comes back with a change, as If-Match or `version`."""

import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from control_plane.api.problem import FieldError, Problem, invalid
from control_plane.campaigns.errors import EditConflict

IF_MATCH: Final = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag you read. When somebody saved a newer version, the answer is 412.",
    "schema": {"type": "string"},
    "example": '"3"',
}
VERSION: Final = "The version you read. When somebody saved a newer one, the answer is 409."

_etag = re.compile(r'(?:W/)?"([1-9][0-9]{0,17})"')


def tag(response: HttpResponse, version: int) -> None:
    response["ETag"] = f'"{version}"'


def change(request: HttpRequest, changes: dict[str, Any], save: Callable[..., Any]) -> Any:
    """What `save` returns for the changes; `version` among them, or else If-Match, is its expected_version.

    Raises Problem, and what `save` raises.
    """
    matched = _if_match(request)
    version = changes.pop("version", None)
    try:
        return save(expected_version=matched if version is None else version, **changes)
    except EditConflict as conflict:
        if version is None:
            raise Problem(
                "precondition-failed", conflict.message, (FieldError("If-Match", conflict.message),)
            ) from None
        raise


def _if_match(request: HttpRequest) -> int | None:
    """The version named, None for no header or `*`. Raises Problem."""
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    found = _etag.fullmatch(text)
    if found is None:
        raise invalid(FieldError("If-Match", 'Send the ETag of one version, such as "3", quotes included.'))
    return int(found[1])
