"""The OpenAPI document: what django-ninja derives from the code, and what it cannot know."""

from collections.abc import Mapping
from typing import Any, Final

from control_plane.api.problem import CONTENT_TYPE, TITLES
from control_plane.api.schemas import ProblemOut

DESCRIPTION: Final = """\
Smart links, their statistics and their QR codes, for one workspace: that of the API key.

**Keys.** Send `Authorization: Bearer sw_…`. Keys are made in the console under Settings → API keys, carry \
scopes (`links:read`, `links:write`, `domains:write`, `stats:read`, `passes:read`, `passes:write`, \
`gates:manage`), may expire, and can be revoked.

**Errors** are `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `instance`, and \
`errors` with a `field` and a `message` for each value at fault.

**Pages.** Lists come newest first. Send `next` as `cursor` to go on; rows that come or go meanwhile neither \
repeat nor hide others.

**Retries.** Send an `Idempotency-Key` with a POST: the same key with the same body gets the stored answer, \
marked `Idempotency-Replayed: true`, for a day. The same key with another body is a 409.

**Rate.** 600 requests a minute and key; `RateLimit-*` headers say what is left.
"""

_RATE_HEADERS: Final = {
    "RateLimit-Limit": "Requests a minute that this key may send.",
    "RateLimit-Remaining": "Requests left in this minute.",
    "RateLimit-Reset": "Seconds until the next minute begins.",
}

_NEEDED: Final = {
    None: "Needs any valid key.",
    "device": "Needs the key of a gate's device.",
    "none": "Needs no key.",
}

_ANYWHERE: Final = ("malformed-request", "unauthorized", "forbidden", "invalid", "too-many-requests")


def completed(document: Any, scopes: Mapping[str, str | None]) -> Any:
    """The document with scopes, problems, rate limit headers and the error schema. Idempotent."""
    components = document["components"]
    components["schemas"]["Problem"] = ProblemOut.model_json_schema(
        ref_template="#/components/schemas/{model}"
    )
    for name, schema in components["schemas"]["Problem"].pop("$defs", {}).items():
        components["schemas"][name] = schema
    components["headers"] = {
        name: {"description": description, "schema": {"type": "integer"}}
        for name, description in _RATE_HEADERS.items()
    }
    components["responses"] = {
        slug: {
            "description": title,
            "content": {
                CONTENT_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {
                        "type": f"urn:scanway:problem:{slug}",
                        "title": title,
                        "status": status,
                        "detail": title + ".",
                        "instance": "/api/v1/links",
                    },
                }
            },
        }
        for slug, (status, title) in TITLES.items()
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete(path, method, operation)
            scope = operation["x-scope"] = scopes[operation["operationId"]]
            needed = _NEEDED.get(scope, f"Needs the scope `{scope}`.")
            operation["description"] = f"{operation.get('description', '').strip()}\n\n{needed}"
    return document


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    slugs = list(_ANYWHERE)
    if "{" in path:
        slugs.append("not-found")
    if "requestBody" in operation:
        slugs += ["too-large", "unsupported-media-type"]
    if method in ("post", "patch", "delete") and not path.endswith(("/simulate", "/shadow")):
        slugs += ["conflict", "not-found"]
    if method == "patch":
        slugs.append("precondition-failed")
    if path.endswith(("/stats", "/shadow")):
        slugs.append("unavailable")
    responses = operation["responses"]
    for status, response in responses.items():
        if int(status) < 400:
            response["headers"] = {
                **{name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_HEADERS},
                **response.get("headers", {}),
            }
    for slug in slugs:
        responses.setdefault(str(TITLES[slug][0]), {"$ref": f"#/components/responses/{slug}"})
