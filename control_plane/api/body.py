"""Bodies and query strings of requests, refused early when they cannot be stored or understood."""

import json
import re
from typing import Any, Final

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from control_plane.api.problem import FieldError, Problem, invalid

MAX_BYTES: Final = 64 * 1024

# PostgreSQL stores neither NUL nor half a surrogate pair. JSON can spell both.
_unstorable = re.compile("[\x00\ud800-\udfff]")

_MAX_DEPTH: Final = 20


def too_large() -> Problem:
    return Problem("too-large", f"The body is larger than {MAX_BYTES // 1024} kB. Send less.")


class StrictParser(Parser):
    """JSON objects in UTF-8 only; every text in them can be stored. Raises Problem."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        media_type = (request.content_type or "").lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise Problem(
                "unsupported-media-type", "Send the body as JSON, with Content-Type: application/json."
            )
        if len(request.body) > MAX_BYTES:
            raise too_large()
        try:
            body = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
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
