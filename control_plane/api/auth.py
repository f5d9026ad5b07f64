"""Who is asking: an API key in the Authorization header, its scope, and its rate."""

from django.http import HttpRequest
from ninja.security.http import HttpAuthBase

from control_plane.accounts.errors import KeyRefused
from control_plane.accounts.keys import KeyHolder, authenticate_key
from control_plane.accounts.permissions import KeyScope
from control_plane.api import body, rate
from control_plane.api.problem import Problem

_REALM = 'Bearer realm="scanway"'


class ApiKey(HttpAuthBase):
    """`Authorization: Bearer sw_…`, for operations that need `scope`; None is any valid key.

    The class's name is the security scheme's name in the OpenAPI document.
    """

    openapi_scheme = "bearer"
    openapi_bearerFormat = "sw_<prefix>_<secret>"
    openapi_description = "An API key of one workspace. Create it in the console, under Settings → API keys."

    def __init__(self, scope: KeyScope | None = None) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> KeyHolder:
        """Before the body is read. Raises Problem 401, 403 or 429 (RFC 6750, section 3)."""
        method, _, text = request.headers.get("Authorization", "").partition(" ")
        if method.lower() != "bearer" or not text.strip():
            raise Problem(
                "unauthorized",
                "Send an API key in the header: Authorization: Bearer sw_…",
                headers={"WWW-Authenticate": _REALM},
            )
        try:
            holder = authenticate_key(text=text.strip())
        except KeyRefused as refusal:
            raise Problem(
                "unauthorized",
                refusal.message,
                headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
            ) from None
        request.rate_limit_headers = rate.take(holder.key_id)  # type: ignore[attr-defined]
        if self.scope is not None and not holder.may(self.scope):
            raise Problem(
                "forbidden",
                f"This key may not do that: it lacks the scope “{self.scope}”. Create a key that has it.",
                headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{self.scope}"'},
            )
        # Not before somebody is allowed to; and django-ninja looks at the body before our parser does.
        body.take(request)
        return holder
