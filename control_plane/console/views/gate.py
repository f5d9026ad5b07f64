"""The gate's app: one page without a person in it, its service worker, and live counts for paired devices.

The page is the same for everybody and is kept on the phone; what it shows comes from /api/v1/gate, with the
device's key. Counts come from PostgreSQL, which is looked at twice a second for each program that somebody
watches: Valkey would be faster and may be wrong.
"""

import asyncio
import contextvars
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from csp.decorators import csp_update
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_GET

from control_plane.accounts.tenancy import release_connections, workspace_scope
from control_plane.passes import devices, occupancy
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import DeviceRefused
from control_plane.passes.models import Zone

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at a program's zones, shared by all its devices on this process."""
HEARTBEAT: Final = 15.0
"""Seconds: a device that was removed is out by then."""
LIFETIME: Final = 300.0
"""Seconds; the app comes back by itself."""

_static: Final = Path(__file__).resolve().parent.parent / "static"
_app: Final = _static / "console" / "gate"
_also: Final = (
    "console/tokens.css",
    "console/base.css",
    "console/components.css",
    "console/logo.svg",
    "console/rules/dom.js",
    "console/holder/rotating.js",
    "vendor/inter/inter-latin-wght-normal.woff2",
    "vendor/barcode-detector/ponyfill.js",
    "vendor/barcode-detector/zxing_reader.wasm",
    "vendor/noble-ed25519/index.js",
)
# Served by views of their own: the address sets what a worker may do.
_workers: Final = ("sw.js", "decoder.js")

logger = logging.getLogger("console.gate")

# WebAssembly reads codes where the browser cannot; nothing else of the policy is loosened, and only here.
_policy = csp_update({"script-src": ["'wasm-unsafe-eval'"], "worker-src": ["'self'"]})


@require_GET
@_policy
def shell(request: HttpRequest) -> HttpResponse:
    """The app's only page. It holds nothing of anybody, so the phone may keep it."""
    return _file(_page(), "text/html; charset=utf-8")


@require_GET
@_policy
def service_worker(request: HttpRequest) -> HttpResponse:
    """With the files to keep, and a version that is a hash of their contents."""
    head = f"const VERSION = {json.dumps(version())};\nconst SHELL = {json.dumps(shell_files())};\n"
    return _file(head + _text("sw.js"), "text/javascript; charset=utf-8")


@require_GET
@_policy
def decoder(request: HttpRequest) -> HttpResponse:
    """A worker lives by the policy that came with its own file, so this one is not a static file."""
    return _file(_text("decoder.js"), "text/javascript; charset=utf-8")


@require_GET
async def live(request: HttpRequest) -> HttpResponseBase:
    """The counts of the device's program: all at first, then each that changed (Server-Sent Events)."""
    method, _, key = request.headers.get("Authorization", "").partition(" ")
    try:
        if method.lower() != "bearer":
            raise DeviceRefused
        holder = await asyncio.to_thread(_holder, key.strip())
    except DeviceRefused as refusal:
        return JsonResponse({"detail": refusal.message}, status=401, headers={"WWW-Authenticate": "Bearer"})
    response = StreamingHttpResponse(_events(holder, key.strip()), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


@cache
def shell_files() -> list[str]:
    """Addresses of all that the app needs to start without a network."""
    own = [f"console/gate/{path.relative_to(_app)}" for path in _files()]
    return [
        reverse("gate:shell"),
        reverse("gate:decoder"),
        *(static(name) for name in sorted({*own, *_also})),
    ]


@cache
def version() -> str:
    """Changes with every byte of the app."""
    seen = hashlib.sha256(_page().encode())
    for path in sorted([*_files(), *(_app / name for name in _workers), *(_static / name for name in _also)]):
        seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()[:16]


def _files() -> list[Path]:
    return [path for path in _app.rglob("*") if path.is_file() and path.name not in _workers]


@cache
def _page() -> str:
    return render_to_string("console/gate/shell.html")


@cache
def _text(name: str) -> str:
    return (_app / name).read_text("utf-8")


def _file(text: str, content_type: str) -> HttpResponse:
    # Asked for again each time: what is kept on the phone is the service worker's business.
    return HttpResponse(text, content_type=content_type, headers={"Cache-Control": "no-cache"})


@dataclass
class _Watch:
    """What one task saw of a program's zones, for all streams of this process."""

    counts: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: bool = False
    readers: set[asyncio.Event] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


_watches: dict[tuple[int, int], _Watch] = {}


async def _events(holder: DeviceHolder, key: str) -> AsyncIterator[bytes]:
    """`zones` with those that changed, a comment per heartbeat, `removed` or `bye` at the end."""
    program = (holder.workspace_id, holder.program_id)
    watch = _watches.get(program)
    if watch is None:
        watch = _watches[program] = _Watch()
        # A context of its own: the first stream's request ends before the others do.
        watch.task = asyncio.create_task(_look(program, watch), context=contextvars.Context())
    news = asyncio.Event()
    watch.readers.add(news)
    sent: dict[int, dict[str, Any]] = {}
    try:
        if watch.counts:
            news.set()
        yield b"retry: 1000\n\n"
        end, beat = time.monotonic() + LIFETIME, time.monotonic() + HEARTBEAT
        while not watch.failed and (now := time.monotonic()) < end:
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), max(0.01, min(beat, end) - now))
            news.clear()
            if changed := [zone for zone in watch.counts.values() if sent.get(zone["id"]) != zone]:
                sent = dict(watch.counts)
                yield b"event: zones\ndata: " + json.dumps(changed).encode() + b"\n\n"
            if time.monotonic() >= beat:
                try:
                    await asyncio.to_thread(_holder, key)
                except DeviceRefused:
                    yield b"event: removed\ndata: {}\n\n"
                    return
                yield b": still here\n\n"
                beat = time.monotonic() + HEARTBEAT
        yield b"event: bye\ndata: {}\n\n"
    except DatabaseError as error:
        logger.warning("A gate's stream ended: PostgreSQL does not answer (%s).", error)
    finally:
        watch.readers.discard(news)
        if not watch.readers:
            if watch.task is not None:
                watch.task.cancel()
            if _watches.get(program) is watch:
                del _watches[program]


async def _look(program: tuple[int, int], watch: _Watch) -> None:
    """Until nobody listens. Holds neither a transaction nor a connection between two looks."""
    try:
        while True:
            counts = await asyncio.to_thread(_counts, *program)
            if counts != watch.counts:
                watch.counts = counts
                for news in watch.readers:
                    news.set()
            await asyncio.sleep(LOOK_EVERY)
    except DatabaseError as error:
        # The devices ask for their counts meanwhile, and come back.
        logger.warning("Counts of program %s cannot be followed: %s", program[1], error)
        watch.failed = True
        _watches.pop(program, None)
        for news in watch.readers:
            news.set()


def _counts(workspace_id: int, program_id: int) -> dict[int, dict[str, Any]]:
    """Asked in a thread of the pool; its connection goes back at once."""
    try:
        with workspace_scope(workspace_id):
            zones = list(Zone.objects.filter(program_id=program_id))
    finally:
        release_connections()
    return {
        zone.pk: {
            "id": zone.pk,
            "name": zone.name,
            "inside": zone.inside,
            "leased": zone.leased,
            "capacity": zone.capacity,
            "level": occupancy.level(zone.inside, zone.capacity, zone.leased),
            "path": zone.path,
        }
        for zone in zones
    }


def _holder(key: str) -> DeviceHolder:
    """Asked in a thread of the pool; its connection goes back at once."""
    try:
        return devices.authenticate(text=key)
    finally:
        release_connections()
