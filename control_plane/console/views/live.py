"""The live streams (Server-Sent Events): say that there are new scans; the page then asks for its numbers.

A stream holds no transaction and no place in the database pool. It looks every 15 s whether its reader is
still a member, and ends after five minutes: the browser comes back by itself, through the gate again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable

import msgspec
import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from analytics.events import Tick, tick_channel
from analytics.valkey.listener import listener
from control_plane.accounts.access import WorkspaceRequest, workspace_view
from control_plane.accounts.errors import NotFound
from control_plane.accounts.models import User
from control_plane.accounts.permissions import Permission, allows
from control_plane.accounts.services import resolve_membership
from control_plane.accounts.tenancy import release_connections
from control_plane.campaigns import selectors
from control_plane.campaigns.errors import NotFound as NoSuchLink

HEARTBEAT = 15.0  # seconds: proxies cut what is silent for longer, and a revoked member is out by then
LIFETIME = 300.0  # seconds

logger = logging.getLogger("console.live")


@require_GET
@workspace_view(Permission.STATS_READ)
async def workspace(request: WorkspaceRequest) -> HttpResponseBase:
    return _stream(request, lambda tick: True)


@require_GET
@workspace_view(Permission.STATS_READ)
async def link(request: WorkspaceRequest, link_id: int) -> HttpResponseBase:
    if not await sync_to_async(_is_here)(request.workspace.pk, link_id):
        raise Http404("There is no such link in this workspace.")
    wanted = str(link_id)
    return _stream(request, lambda tick: wanted in tick.links)


def _stream(request: WorkspaceRequest, concerns: Callable[[Tick], bool]) -> HttpResponseBase:
    response = StreamingHttpResponse(
        _events(request.user, request.workspace.slug, request.workspace.pk, concerns),
        content_type="text/event-stream",
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(
    user: User, slug: str, workspace_id: int, concerns: Callable[[Tick], bool]
) -> AsyncIterator[bytes]:
    """`ready`, then `tick` per insert that concerns the page, a comment per heartbeat, `bye` at the end."""
    client = None
    try:
        client = await listener(settings.CONFIG.redis_url, connect_timeout=5)
        async with client.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(tick_channel(workspace_id))
            yield b"retry: 2000\nevent: ready\ndata: {}\n\n"
            end, beat = time.monotonic() + LIFETIME, time.monotonic() + HEARTBEAT
            while (now := time.monotonic()) < end:
                message = await channel.get_message(timeout=max(0.05, min(beat, end) - now))
                if message and _concerns(message["data"], concerns):
                    yield b"event: tick\ndata: {}\n\n"
                if time.monotonic() >= beat:
                    if not await sync_to_async(_still_allowed)(user, slug):
                        break
                    yield b": still here\n\n"
                    beat = time.monotonic() + HEARTBEAT
            yield b"event: bye\ndata: {}\n\n"
    except redis.RedisError as error:
        # The page polls meanwhile, and the browser comes back by itself.
        logger.warning("A live stream ended: Valkey does not answer (%s).", error)
    finally:
        if client is not None:
            await asyncio.shield(client.aclose())


def _concerns(message: bytes, concerns: Callable[[Tick], bool]) -> bool:
    try:
        return concerns(Tick.decode(message))
    except msgspec.DecodeError:
        return False


def _is_here(workspace_id: int, link_id: int) -> bool:
    """Asked in a thread of the pool; its connection goes back at once."""
    try:
        selectors.get_link(workspace_id=workspace_id, link_id=link_id)
    except NoSuchLink:
        return False
    finally:
        release_connections()
    return True


def _still_allowed(user: User, slug: str) -> bool:
    """Asked in a thread of the pool; its connection goes back at once."""
    try:
        return allows(resolve_membership(user=user, slug=slug).role, Permission.STATS_READ)
    except NotFound:
        return False
    finally:
        release_connections()
