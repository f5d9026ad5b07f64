"""What is not a scan: the root page, robots.txt, and /-/ for operators."""

import asyncio
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.metrics import Metrics
from edge.pages import Pages
from edge.record import EPOCH_KEY
from edge.spool import Spool

PREFIX: Final = "/-/"
"""Ours on every short domain. No code can begin with a hyphen."""
SITE_PATHS: Final = frozenset({"/", "/robots.txt", "/favicon.ico", "/-"})

_DAY: Final = {"cache-control": "public, max-age=86400"}


class _NoIndex:
    """Every answer says that robots may not index it, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name != b"x-robots-tag"]
                message = {**message, "headers": [*headers, (b"x-robots-tag", b"noindex")]}
            await send(message)

        await self._app(scope, receive, send_marked)


def site(pages: Pages, metrics: Metrics, spool: Spool, valkey: Redis) -> Starlette:
    """The Starlette application behind the hot path."""

    async def root(request: Request) -> Response:
        status, headers, body = pages.root(request.headers.get("accept-language", ""))
        return Response(body, status, dict(headers))

    async def robots(_: Request) -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n", headers=_DAY)

    async def favicon(_: Request) -> Response:
        return Response(status_code=204, headers=_DAY)

    async def healthz(_: Request) -> Response:
        """This worker answers; nothing more."""
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    async def readyz(_: Request) -> Response:
        """Whether codes that are not in memory can be answered, and scans recorded."""
        checks = {"spool": spool.trouble or "ok"}
        try:
            complete = await valkey.exists(EPOCH_KEY)
        except (RedisError, OSError) as error:
            checks["valkey"] = f"Valkey does not answer: {error}."
            checks["links"] = "Not known while Valkey does not answer."
        else:
            checks["valkey"] = "ok"
            checks["links"] = (
                "ok" if complete else "Valkey was emptied; the worker publishes all links again."
            )
        ready = all(state == "ok" for state in checks.values())
        return JSONResponse(
            {"ready": ready, "checks": checks},
            status_code=200 if ready else 503,
            headers={"cache-control": "no-store"} | ({} if ready else {"retry-after": "1"}),
        )

    async def exposition(_: Request) -> Response:
        text = await asyncio.to_thread(metrics.exposition)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            Route("/", root),
            Route("/robots.txt", robots),
            Route("/favicon.ico", favicon),
            Route("/-/healthz", healthz),
            Route("/-/readyz", readyz),
            Route("/-/metrics", exposition),
        ],
        middleware=[Middleware(_NoIndex)],
    )
