"""Whatever goes wrong under /api/, and wherever: the answer is a problem, never a page."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from control_plane.api import body, problem
from control_plane.api.problem import Problem

# Headers that a client needs to understand the refusal.
_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


@sync_and_async_middleware
def problem_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """First in the list: refusals of the middleware below (host, size, method) pass through here too.

    Exceptions need no handling: Django turns them into responses before they get here, and logs them.
    """
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            if not request.path_info.startswith("/api/"):
                return await _awaited(get_response(request))
            return _refuse_large(request) or _as_problem(request, await _awaited(get_response(request)))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            response: HttpResponseBase = get_response(request)
            return response
        return _refuse_large(request) or _as_problem(request, get_response(request))

    return synchronous


async def _awaited(response: Awaitable[HttpResponseBase]) -> HttpResponseBase:
    return await response


def _refuse_large(request: HttpRequest) -> HttpResponseBase | None:
    """413 by the length announced; a body sent in chunks is measured where it is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isascii() and length.isdigit() and int(length[:20]) <= body.most(request):
        return None
    return body.too_large(request).response(request)


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    for name, value in getattr(request, "rate_limit_headers", {}).items():
        response[name] = value
    if response.status_code < 400 or response.get("Content-Type", "").startswith(problem.CONTENT_TYPE):
        return response
    kept = {name: response[name] for name in _KEPT if name in response}
    replaced: Problem = problem.for_status(response.status_code)
    replaced.headers.update(kept)
    return replaced.response(request)
