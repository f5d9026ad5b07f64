"""A limit for pages that anybody may open, by where they are asked from."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from control_plane.accounts import limits

View = Callable[..., HttpResponse]


def limited(name: str, limit: int) -> Callable[[View], View]:
    """At most `limit` a minute from one address; 429 with a page for people beyond it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def visit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            window = limits.spend(f"{name}:{limits.visitor(request)}", limit)
            if window is not None and window.is_over:
                response = render(request, "429.html", {"seconds": window.seconds_left}, status=429)
                response["Retry-After"] = str(window.seconds_left)
                response["Cache-Control"] = "no-store"
                return response
            return view(request, *args, **kwargs)

        return visit

    return decorate
