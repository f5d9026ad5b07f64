"""Bodies and query strings of requests, refused early when they cannot be stored or understood."""

import json
import re
from typing import Any, Final

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from control_plane.api.problem import FieldError, Problem, invalid

MAX_BYTES: Final = 64 * 1024
LARGER: Final = (
    (re.compile(r"/api/v1/programs/[0-9]+/jobs(?:/csv)?"), 20 * 1024**2),  # many passes at once
    (re.compile(r"/api/v1/programs/[0-9]+/issuers/[0-9]+/logo"), 1_400 * 1024),  # 1 MB as base64
    (re.compile(r"/api/v1/gate/journal"), 512 * 1024),  # what a day offline left
)
"""Where a body may be larger."""

# PostgreSQL stores neither NUL nor half a surrogate pair. JSON can spell both.
_unstorable = re.compile("[\x00\ud800-\udfff]")

_MAX_DEPTH: Final = 20


def most(request: HttpRequest) -> int:
    """Bytes that the body of this request may have."""
    return next((most for path, most in LARGER if path.fullmatch(request.path_info)), MAX_BYTES)


def too_large(request: HttpRequest) -> Problem:
    allowed = most(request)
    size = f"{allowed // 1024:,} kB" if allowed < 2 * 1024**2 else f"{allowed // 1024**2} MB"
    return Problem("too-large", f"The body is larger than {size}. Send less.")


def take(request: HttpRequest) -> None:
    """Reads a body that is larger than what Django's `request.body` takes, which is enough for forms."""
    allowed = most(request)
    if allowed > MAX_BYTES and not hasattr(request, "_body"):
        request._body = request.read(allowed + 1)


def whole(request: HttpRequest) -> bytes:
    """The body. Raises Problem."""
    take(request)
    if len(request.body) > most(request):
        raise too_large(request)
    return request.body


class StrictParser(Parser):
    """JSON objects in UTF-8 only; every text in them can be stored. Raises Problem."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        media_type = (request.content_type or "").lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise Problem(
                "unsupported-media-type", "Send the body as JSON, with Content-Type: application/json."
            )
        try:
            body = json.loads(whole(request).decode("utf-8"), parse_constant=_refuse_constant)
        except UnicodeDecodeError:
            raise Problem("malformed-request", "The body is not UTF-8 text.") from None
        except json.JSONDecodeError as error:
            raise Problem(
                "malformed-request",
                f"The body is not valid JSON: line {error.lineno}, column {error.colno}.",
            ) from None
        except (ValueError, RecursionError):
            raise Problem(
                "malformed-request", "The body holds a number or a nesting that is too large."
            ) from None
        if not isinstance(body, dict):
            raise Problem("malformed-request", 'The body must be a JSON object, such as {"title": "Spring"}.')
        _check_storable(body)
        return body

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        for name, values in data.lists():
            if any(_unstorable.search(value) for value in (name, *values)):
                raise invalid(FieldError(name[:100], "Remove the characters that cannot be stored."))
        return super().parse_querydict(data, list_fields, request)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_storable(value: Any, path: str = "", depth: int = 0) -> None:
    if depth > _MAX_DEPTH:
        raise Problem("malformed-request", f"The body is nested more than {_MAX_DEPTH} levels deep.")
    if isinstance(value, str):
        if _unstorable.search(value):
            raise invalid(FieldError(path, "Remove the characters that cannot be stored."))
    elif isinstance(value, dict):
        for name, item in value.items():
            if _unstorable.search(name):
                raise Problem(
                    "malformed-request", "The name of a field has characters that cannot be stored."
                )
            _check_storable(item, f"{path}.{name}"[:100].lstrip("."), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_storable(item, f"{path}.{index}", depth + 1)
