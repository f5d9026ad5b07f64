"""What is not a scan: a domain's root page, robots.txt, icon and app associations, and /-/ for operators."""

import asyncio
from typing import Any, Final

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.domains import Sites
from edge.metrics import Metrics
from edge.pages import Pages
from edge.record import EPOCH_KEY, Domain
from edge.resolver import Unavailable
from edge.spool import Spool
from edge.valkey import Valkey

PREFIX: Final = "/-/"
"""Ours on every short domain. No code can begin with a hyphen."""
ASSOCIATIONS: Final = (
    "/.well-known/apple-app-site-association",
    "/apple-app-site-association",
    "/.well-known/assetlinks.json",
)
"""What phones fetch to learn which apps may open a domain's links."""
SITE_PATHS: Final = frozenset({"/", "/robots.txt", "/favicon.ico", "/-", *ASSOCIATIONS})

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


def site(pages: Pages, metrics: Metrics, spool: Spool, valkey: Valkey, sites: Sites) -> Starlette:
    """The Starlette application behind the hot path. `request.state.domain` is a Domain, None: default."""

    async def root(request: Request) -> Response:
        domain: Domain | None = request.state.domain
        if domain is not None and domain.root:
            return Response(status_code=302, headers={"location": domain.root, "cache-control": "no-store"})
        status, headers, body = pages.root(request.headers.get("accept-language", ""))
        return Response(body, status, dict(headers))

    async def robots(request: Request) -> Response:
        domain: Domain | None = request.state.domain
        text = domain.robots if domain is not None else ""
        return PlainTextResponse(text or "User-agent: *\nDisallow: /\n", headers=_DAY)

    async def favicon(request: Request) -> Response:
        domain: Domain | None = request.state.domain
        if domain is None or not domain.favicon:
            return Response(status_code=204, headers=_DAY)
        return Response(domain.favicon, media_type="image/png", headers=_DAY)

    async def association(request: Request) -> Response:
        domain: Domain | None = request.state.domain
        if domain is None:
            found: Any = None
        elif request.url.path.endswith("assetlinks.json"):
            found = assetlinks(domain)
        else:
            found = apple_association(domain)
        if not found:
            return PlainTextResponse("No app opens the links of this domain.\n", 404)
        return JSONResponse(found, headers={"cache-control": "public, max-age=3600"})

    async def tls_allowed(request: Request) -> Response:
        """For a proxy that gets certificates on demand: 200 for a short domain of ours, else 404."""
        host = request.query_params.get("domain", "")
        try:
            known = await sites.has_certificate(host)
        except Unavailable:
            return PlainTextResponse("Valkey does not answer.\n", 503, headers={"retry-after": "1"})
        return PlainTextResponse("ok\n" if known else "Not a short domain of ours.\n", 200 if known else 404)

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
            *(Route(path, association) for path in ASSOCIATIONS),
            Route("/-/tls-allowed", tls_allowed),
            Route("/-/healthz", healthz),
            Route("/-/readyz", readyz),
            Route("/-/metrics", exposition),
        ],
        middleware=[Middleware(_NoIndex)],
    )


def apple_association(domain: Domain) -> dict[str, Any] | None:
    """developer.apple.com, "Supporting associated domains": every path but ours opens the apps."""
    if not domain.apple_apps:
        return None
    components = [{"/": "/-/*", "exclude": True}, {"/": "/*"}]
    return {"applinks": {"details": [{"appIDs": list(domain.apple_apps), "components": components}]}}


def assetlinks(domain: Domain) -> list[dict[str, Any]]:
    """developers.google.com/digital-asset-links: one statement per package, with all its fingerprints."""
    packages: dict[str, list[str]] = {}
    for package, fingerprint in domain.android_apps:
        packages.setdefault(package, []).append(fingerprint)
    return [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": package,
                "sha256_cert_fingerprints": fingerprints,
            },
        }
        for package, fingerprints in packages.items()
    ]
