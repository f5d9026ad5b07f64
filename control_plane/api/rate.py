"""A limit on how often one key may ask, and what the API says of it: see `accounts.limits`."""

from typing import Final

from control_plane.accounts import limits
from control_plane.api.problem import Problem

LIMIT: Final = 600
"""Requests a minute."""


def take(
    name: int | str, *, limit: int | None = None, count: bool = True, who: str = "This key may send"
) -> dict[str, str]:
    """Counts one request, and returns the RateLimit-* headers; {} without Valkey. Raises Problem 429."""
    window = limits.spend(str(name), LIMIT if limit is None else limit, count=count)
    if window is None:
        return {}
    headers = {
        "RateLimit-Limit": str(window.limit),
        "RateLimit-Remaining": str(max(0, window.limit - window.used)),
        "RateLimit-Reset": str(window.seconds_left),
    }
    if window.is_over:
        raise Problem(
            "too-many-requests",
            f"{who} {window.limit} requests a minute. Wait {window.seconds_left} s.",
            headers={**headers, "Retry-After": str(window.seconds_left)},
        )
    return headers
