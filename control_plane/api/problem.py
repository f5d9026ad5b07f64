"""Problems: every error answer of the API is one, as application/problem+json (RFC 9457)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

CONTENT_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:scanway:problem:"

TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "malformed-request": (400, "The request cannot be read"),
    "unauthorized": (401, "A valid API key is needed"),
    "forbidden": (403, "The key may not do this"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This method is not available here"),
    "conflict": (409, "The request conflicts with what is stored"),
    "precondition-failed": (412, "The link was edited in the meantime"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "This kind of content cannot be read"),
    "invalid": (422, "Some values cannot be used"),
    "too-many-requests": (429, "Too many requests"),
    "internal-error": (500, "Something went wrong on our side"),
    "unavailable": (503, "A part of the service is not answering"),
}
"""Slug of the type → status and title. The last part of `type`, the status and the title always agree."""

_SLUGS: Final = {status: slug for slug, (status, _) in TITLES.items()}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One value that cannot be used. `field` is a path with dots; '' when the request as a whole is meant."""

    field: str
    message: str


class Problem(Exception):
    """An answer that is an error; `slug` is a key of TITLES, `detail` a sentence for a person."""

    def __init__(
        self,
        slug: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return TITLES[self.slug][0]

    def body(self, instance: str) -> dict[str, Any]:
        """The members of RFC 9457, and `errors` where fields are to blame."""
        status, title = TITLES[self.slug]
        body: dict[str, Any] = {
            "type": _TYPE_PREFIX + self.slug,
            "title": title,
            "status": status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            body["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return body

    def response(self, request: HttpRequest) -> HttpResponse:
        # The path as sent, still percent-encoded: `instance` is a URI reference, and path may hold anything.
        content = json.dumps(self.body(_instance(request)), ensure_ascii=False).encode("utf-8", "replace")
        return HttpResponse(content, status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def invalid(*errors: FieldError) -> Problem:
    """422 that names the fields; the detail repeats the first sentence."""
    return Problem("invalid", errors[0].message, errors)


def conflict(field: str, message: str) -> Problem:
    """409 that names the field."""
    return Problem("conflict", message, (FieldError(field, message),))


def for_status(status: int) -> Problem:
    """The problem for an answer that some other part of the stack made with this status."""
    details = {
        400: "The request cannot be read. Check its URL and headers.",
        403: "The request was refused.",
        404: "There is nothing at this address. The API is described at /api/v1/docs.",
        405: "This method is not available here.",
        413: "The request is too large.",
        500: "The request failed on our side, and the error was logged. Try again; nothing was half-done.",
        503: "A part of the service is not answering. Try again in a moment.",
    }
    slug = _SLUGS.get(status) or ("malformed-request" if status < 500 else "internal-error")
    return Problem(slug, details.get(status) or HTTPStatus(TITLES[slug][0]).phrase)


def from_pydantic(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """422 from the errors of pydantic as django-ninja hands them on: {type, loc, msg, ctx?}."""
    return invalid(*(FieldError(_field(error["loc"]), _sentence(error)) for error in errors))


def _instance(request: HttpRequest) -> str:
    return request.get_full_path().partition("?")[0][:300]


def _field(location: Sequence[str | int]) -> str:
    # ("body", "link", "destination"): where it came from and the handler's argument say nothing to a caller.
    parts = list(location)
    if parts and parts[0] in ("body", "form"):
        parts = parts[2:]
    elif parts:
        parts = parts[-1:]
    return ".".join(str(part)[:100] for part in parts)


def _sentence(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx") or {}
    name = str(error["loc"][-1])[:40] if error["loc"] else ""
    match kind:
        case "missing" if _field(error["loc"]) == "":
            return "Send a JSON object as the body."
        case "missing":
            return "This field is required."
        case "extra_forbidden":
            return f"There is no field “{name}”. Remove it, or check its spelling."
        case "model_attributes_type" | "model_type" | "dict_type":
            return "Send a JSON object."
        case "string_type":
            return "Write a text, in quotes."
        case "string_too_long":
            return f"Use at most {context['max_length']:,} characters."
        case "string_too_short":
            return f"Use at least {context['min_length']} characters."
        case "list_type":
            return "Write a list, in square brackets."
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return "Write a whole number."
        case "greater_than_equal":
            return f"Use a number of at least {context['ge']}."
        case "less_than_equal":
            return f"Use a number of at most {context['le']}."
        case "literal_error" | "enum":
            return f"Use one of {context['expected']}."
        case "bool_type" | "bool_parsing":
            return "Write true or false."
        case "timezone_aware":
            return "Add the time zone, such as 2027-03-01T09:00:00Z."
        case _ if kind.startswith(("datetime", "date_")):
            return "Write date and time as RFC 3339, such as 2027-03-01T09:00:00Z."
        case "value_error":
            return str(context.get("error", error["msg"]))
        case _:
            return re.sub(r"^Value error, ", "", str(error["msg"]))
