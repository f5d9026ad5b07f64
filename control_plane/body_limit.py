"""No body is longer than what any form or request may send: the rest is dropped, and it is refused."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware

MOST: Final = 22 * 1024**2
"""Bytes: a table of 20 MB with its form. Other forms refuse what is smaller than that."""
_CUT: Final = "scanway.cut"

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class BodyLimit:
    """ASGI, in front of Django, which stores a whole body before it asks who sends it and where to.

    A body is read to its end, because a browser shows no answer while it sends.
    """

    def __init__(self, app: App, most: int = MOST) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        left = self._most

        async def limited() -> dict[str, Any]:
            nonlocal left
            message: dict[str, Any] = await receive()
            body = message.get("body", b"")
            if len(body) <= left:
                left -= len(body)
                return message
            scope[_CUT] = True
            kept, left = body[:left], 0
            while message.get("more_body"):
                message = await receive()
            return message | {"body": kept} if message["type"] == "http.request" else message

        return await self._app(scope, limited, send)


@sync_and_async_middleware
def cut_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """A page with 413 for a body that was cut off. The API says it itself: the rest exceeds its limits."""

    def refusal(request: HttpRequest) -> HttpResponseBase | None:
        if not getattr(request, "scope", {}).get(_CUT) or request.path_info.startswith("/api/"):
            return None
        return render(request, "413.html", status=413)

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            return refusal(request) or await get_response(request)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return refusal(request) or get_response(request)

    return synchronous
