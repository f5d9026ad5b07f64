"""No body is longer than what any form or request may send: the rest is dropped, and it is refused."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware

MOST: Final = 2 * 1024**2
"""Bytes: a logo with its form."""
MOST_OF_A_TABLE: Final = 22 * 1024**2
"""One of 20 MB with its form."""
_TABLES: Final = re.compile(r"/w/[^/]+/passes/\d+/jobs/upload/|/api/v1/programs/\d+/jobs(?:/csv)?")
_CUT: Final = "scanway.cut"

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class BodyLimit:
    """ASGI, in front of Django, which stores a whole body before it asks who sends it and where to.

    A body is read to its end, because a browser shows no answer while it sends.
    """

    def __init__(self, app: App, most: int = MOST, most_of_a_table: int = MOST_OF_A_TABLE) -> None:
        self._app = app
        self._most, self._most_of_a_table = most, most_of_a_table

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        left = self._most_of_a_table if _TABLES.fullmatch(scope["path"]) else self._most

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
    """A page with 413 for a body that was cut off. The API refuses what is left, where it reads one."""

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
