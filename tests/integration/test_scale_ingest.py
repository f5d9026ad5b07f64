"""Salts, ticks, live streams and the doctor on a cluster, and on what sentinels watch."""

import logging

import pytest
from edge_process import until
from valkey_cluster import Cluster, Node, Sentinel, stopped

from analytics.events import Tick, tick_channel
from analytics.ingest import ticks
from analytics.ingest.salts import Salts
from analytics.ingest.ticks import TickPublisher
from analytics.valkey.client import connect, nodes
from analytics.valkey.listener import listener
from deploy import doctor
from edge.record import EPOCH_KEY, epoch_key

DAY = 86_400_000_000
NOW = 20_000 * DAY


@pytest.fixture(params=["cluster", "sentinel"])
def url(request, tmp_path):
    """Of a cluster, then of sentinels."""
    if request.param == "cluster":
        cluster = Cluster(tmp_path / "cluster", password="secret")
        with stopped(cluster):
            yield cluster.url
        return
    primary = Node(tmp_path / "primary")
    with stopped(primary):
        sentinel = Sentinel(tmp_path / "sentinel", primary)
        with stopped(sentinel):
            until(lambda: sentinel.client.sentinel_masters()["scanway"]["is_master"], "the sentinel watches")
            yield sentinel.url


@pytest.fixture
def valkey(url):
    with connect(url, timeout=2, connect_timeout=2) as client:
        yield client


def test_hosts_agree_on_the_salts_of_all_days(valkey, tmp_path):
    hosts = [Salts(valkey, tmp_path / name) for name in "ab"]
    found = [[host.salt(NOW + day * DAY) for day in range(12)] for host in hosts]
    assert found[0] == found[1]
    assert len(set(found[0])) == 12


async def test_ticks_are_heard_wherever_they_are_sent(url, valkey, monkeypatch):
    workspaces = range(1, 9)
    monkeypatch.setattr(
        ticks, "ticks_of", lambda rows: {each: Tick(links={"1": (each, 0)}, at=NOW) for each in workspaces}
    )
    publisher = TickPublisher(valkey)
    client = await listener(url, connect_timeout=2)
    try:
        async with client.pubsub() as heard:
            await heard.subscribe(*(tick_channel(each) for each in workspaces))
            messages = [await heard.get_message(timeout=10) for _ in workspaces]
            assert {message["type"] for message in messages} == {"subscribe"}
            publisher.publish([])
            messages = [await heard.get_message(timeout=10) for _ in workspaces]
        assert {Tick.decode(message["data"]).links["1"][0] for message in messages} == set(workspaces)
    finally:
        await client.aclose()
    assert publisher.dropped == 0


async def test_the_doctor_looks_at_every_server(url, valkey):
    environment = {"SCANWAY_REDIS_URL": url}
    servers = nodes(valkey)
    for server, tag in servers[1:]:
        server.set(epoch_key(tag), "test")
    with pytest.raises(doctor.Wrong, match="does not hold all links"):
        await doctor.valkey(environment)
    server, tag = servers[0]
    server.set(epoch_key(tag) if tag else EPOCH_KEY, "test")
    assert "all links published" in await doctor.valkey(environment)


async def test_the_doctor_quotes_no_password(caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(doctor.Wrong) as wrong:
        await doctor.valkey({"SCANWAY_REDIS_URL": "redis+cluster://:s3cret@host:0"})
    assert "wrong at host 1" in wrong.value.found
    assert "s3cret" not in wrong.value.found + wrong.value.advice + caplog.text
