"""Numbers on the pages: from a real ClickHouse, without it, and as they arrive."""

import asyncio
import dataclasses
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pytest
import redis
from console_pages import BACKEND, Address, member, new_link, signed_in, text_of
from console_stack import REDIS_URL, new_tenant

from analytics.events import Tick, tick_channel
from deploy.ports import free_port


@pytest.fixture
def at(tenant):
    return Address(tenant)


@pytest.fixture
def clickhouse(console, monkeypatch):
    """`clickhouse(url)` points the console's statistics at that server."""
    from django.conf import settings

    from control_plane.campaigns import stats

    def use(url):
        monkeypatch.setattr(settings, "CONFIG", dataclasses.replace(settings.CONFIG, clickhouse_url=url))
        monkeypatch.setattr(stats, "_client", None)

    yield use
    if stats._client is not None:
        stats._client.close()


def insert(url, tenant, link, scans):
    """Scans as (minutes ago, is it a bot's, more columns)."""
    parts = urlsplit(url)
    now = datetime.now(UTC)
    rows = [
        {
            "event_id": uuid.uuid4(),
            "at": now - timedelta(minutes=ago),
            "workspace_id": tenant.workspace_id,
            "link_id": link.pk,
            "code": link.code,
            "reason": "ok",
            "status": 302,
            "is_bot": int(bot),
            "visitor_id": number,
            "country": "DE",
            "city": "Berlin",
            "device": "bot" if bot else "phone",
            "bot_name": "WhatsApp" if bot else "",
            "bot_signals": ["link_preview"] if bot else [],
        }
        | more
        for number, (ago, bot, more) in enumerate(scans)
    ]
    names = sorted(set().union(*rows))
    with clickhouse_connect.get_client(
        host=parts.hostname,
        port=parts.port,
        username=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
    ) as client:
        client.insert("events", [[row.get(name, "") for name in names] for row in rows], column_names=names)


def series_of(body):
    return json.loads(re.search(r'<script id="series" type="application/json">(.*?)</script>', body)[1])


def test_a_links_page_shows_people_and_bots_apart(clickhouse, clickhouse_database, tenant, at):
    clickhouse(clickhouse_database)
    link = new_link(tenant, title="Menu")
    insert(
        clickhouse_database,
        tenant,
        link,
        [(0, False, {}), (0, False, {"city": "Hamburg"}), (0, True, {}), (2000, False, {"country": "ES"})],
    )
    client = signed_in(tenant.user)
    for period, humans in [("1h", 2), ("24h", 2), ("7d", 3), ("30d", 3), ("90d", 3)]:
        body = client.get(at(f"links/{link.pk}/?period={period}")).content.decode()
        series = series_of(body)
        assert (sum(series["humans"]), sum(series["bots"])) == (humans, 1), period
        assert re.search(rf'data-value="humans">{humans}<', body)
        assert 'data-value="bots">1<' in body
    shown = text_of(body)
    for words in [
        "Germany",
        "Spain",
        "Berlin, DE",
        "Hamburg",
        "WhatsApp",
        "Link preview",
        "IP Geolocation by DB-IP",
    ]:
        assert words in shown, words
    assert '<a href="https://db-ip.com"' in body
    assert ">3<" in client.get(at("links/")).content.decode()
    overview = client.get(at("?period=30d")).content.decode()
    assert sum(series_of(overview)["humans"]) == 3
    assert "Menu" in overview.split("Top links")[1]


def test_numbers_stay_in_their_workspace(clickhouse, clickhouse_database, tenant, at):
    clickhouse(clickhouse_database)
    stranger = new_tenant()
    link = new_link(stranger)
    insert(clickhouse_database, stranger, link, [(0, False, {})] * 5)
    mine = new_link(tenant)
    body = signed_in(tenant.user).get(at(f"links/{mine.pk}/?period=1h")).content.decode()
    assert sum(series_of(body)["humans"]) == 0
    assert "No scans yet" in text_of(body)
    assert sum(series_of(signed_in(tenant.user).get(at()).content.decode())["humans"]) == 0


def test_what_a_visitor_sends_is_shown_as_text(clickhouse, clickhouse_database, tenant, at):
    clickhouse(clickhouse_database)
    link = new_link(tenant)
    evil = "</script><img src=x>"
    columns = ["city", "browser", "os", "referrer_host", "utm_source", "in_app", "device_model", "country"]
    insert(clickhouse_database, tenant, link, [(0, False, dict.fromkeys(columns, evil))])
    body = signed_in(tenant.user).get(at(f"links/{link.pk}/")).content.decode()
    assert "&lt;/script&gt;&lt;img src=x&gt;" in body
    assert "<img src=x" not in body


def test_pages_render_with_a_sentence_while_clickhouse_is_down(clickhouse, tenant, at):
    clickhouse(f"http://127.0.0.1:{free_port()}/scanway")
    link = new_link(tenant)
    client = signed_in(tenant.user)
    for path in ["", "links/", f"links/{link.pk}/"]:
        page = client.get(at(path))
        assert page.status_code == 200
        assert "links keep working" in text_of(page.content.decode()), path
    assert "/qr.svg" in page.content.decode()


async def events(response, count):
    """The names of the first `count` events of a stream."""
    found = []
    async for chunk in response.streaming_content:
        found += re.findall(rb"event: (\w+)", chunk)
        if len(found) >= count:
            return found
    return found


async def opened(user, path):
    from asgiref.sync import sync_to_async
    from django.test import AsyncClient

    client = AsyncClient()
    await sync_to_async(client.force_login)(user, backend=BACKEND)
    return await client.get(path)


async def publish_until(task, workspace_id, link_id):
    """A tick every 50 ms: the first may come before the stream listens."""
    tick = Tick({str(link_id): (1, 0)}, 0).encode()
    with redis.Redis.from_url(REDIS_URL) as client:
        while not task.done():
            client.publish(tick_channel(workspace_id), tick)
            await asyncio.sleep(0.05)
    return await task


async def test_the_stream_says_that_there_are_new_scans(tenant, at):
    from asgiref.sync import sync_to_async

    link = await sync_to_async(new_link)(tenant)
    for path in [f"links/{link.pk}/live/", "live/"]:
        response = await opened(tenant.user, at(path))
        assert response["Content-Type"] == "text/event-stream"
        task = asyncio.create_task(events(response, 2))
        found = await asyncio.wait_for(publish_until(task, tenant.workspace_id, link.pk), 10)
        assert found == [b"ready", b"tick"]


async def test_a_tick_of_another_link_or_workspace_is_not_passed_on(tenant, at, monkeypatch):
    from asgiref.sync import sync_to_async

    from control_plane.console.views import live

    monkeypatch.setattr(live, "LIFETIME", 0.4)
    link = await sync_to_async(new_link)(tenant)
    stranger = await sync_to_async(new_tenant)()
    response = await opened(tenant.user, at(f"links/{link.pk}/live/"))
    task = asyncio.create_task(events(response, 9))
    others = asyncio.create_task(publish_until(task, stranger.workspace_id, link.pk))
    assert await publish_until(task, tenant.workspace_id, link.pk + 1) == [b"ready", b"bye"]
    await others


async def test_a_link_that_is_not_here_has_no_stream(tenant, at):
    from asgiref.sync import sync_to_async

    stranger = await sync_to_async(new_tenant)()
    theirs = await sync_to_async(new_link)(stranger)
    for link_id in (theirs.pk, 10**15):
        assert (await opened(tenant.user, at(f"links/{link_id}/live/"))).status_code == 404


async def test_a_stream_ends_when_the_membership_does(tenant, at, monkeypatch):
    from asgiref.sync import sync_to_async

    from control_plane.accounts.services import list_members, remove_member
    from control_plane.console.views import live

    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    user = await sync_to_async(member)(tenant, "viewer")
    response = await opened(user, at("live/"))
    stream = response.streaming_content
    assert b"ready" in await anext(stream)
    assert await anext(stream) == b": still here\n\n"
    found = await sync_to_async(list_members)(workspace_id=tenant.workspace_id)
    theirs = next(one.pk for one in found if one.user_id == user.pk)
    await sync_to_async(remove_member)(workspace_id=tenant.workspace_id, membership_id=theirs)
    rest = [chunk async for chunk in stream]
    assert rest[-1].startswith(b"event: bye")


async def test_a_stream_is_behind_the_same_gate(tenant, at):
    from asgiref.sync import sync_to_async
    from django.test import AsyncClient

    assert (await AsyncClient().get(at("live/"))).status_code == 302
    stranger = await sync_to_async(new_tenant)()
    assert (await opened(stranger.user, at("live/"))).status_code == 404
    gate = await sync_to_async(member)(tenant, "gate_staff")
    assert (await opened(gate, at("live/"))).status_code == 403
