"""The control plane on a cluster: PostgreSQL is the truth, and each node may be emptied by itself."""

import pytest
import redis
from edge_process import EdgeProcess, until
from valkey_cluster import Cluster, Node, Sentinel, replica_of, stopped

from analytics.valkey.client import connect
from edge import record

GOOD = "https://example.com/spring"


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path / "cluster")
    with stopped(made):
        yield made


@pytest.fixture
def valkey(tenant, cluster, monkeypatch):
    """The control plane's client, complete as after a sweep."""
    from control_plane.campaigns import publish, valkey

    client = connect(cluster.url, timeout=5, connect_timeout=1)
    monkeypatch.setattr(valkey, "client", lambda: client)
    assert publish.sweep().restored
    yield client
    client.close()


@pytest.fixture
def links(tenant, valkey):
    """Enough for each node to hold some."""
    from control_plane.campaigns.services import create_link

    return [create_link(workspace_id=tenant.workspace_id, destination=GOOD) for _ in range(24)]


def versions(valkey, links):
    values = [valkey.get(record.key(link.code)) for link in links]
    return [None if value is None else record.decode(value).version for value in values]


def on(cluster: Cluster, number: int, links):
    return [link for link in links if cluster.holder(record.key(link.code)) is cluster.nodes[number]]


def edit(link):
    from control_plane.campaigns.services import update_link

    update_link(workspace_id=link.workspace_id, link_id=link.pk, destination="https://example.org/new")


def test_edits_reach_every_node_and_idle_sweeps_find_nothing(cluster, valkey, links):
    from control_plane.campaigns.publish import Swept, sweep

    assert all(on(cluster, number, links) for number in range(3))
    assert set(versions(valkey, links)) == {1}
    for link in links:
        edit(link)
    assert set(versions(valkey, links)) == {2}
    assert sweep() == Swept(restored=False, published=0)


def test_one_emptied_node_is_noticed_and_filled_again(cluster, valkey, links):
    from control_plane.campaigns.publish import sweep

    for node in cluster.nodes:
        node.client.flushall()
        assert None in versions(valkey, links)
        assert sweep().restored
        assert set(versions(valkey, links)) == {1}
        assert not sweep().restored


def test_a_node_emptied_while_everything_is_published_is_not_called_complete(
    cluster, valkey, links, monkeypatch
):
    from control_plane.campaigns import epoch, publish

    send = publish._send

    def send_and_lose(batch, *, force=False):
        send(batch, force=force)
        cluster.nodes[2].client.flushall()

    with monkeypatch.context() as patch:
        patch.setattr(publish, "_send", send_and_lose)
        publish.publish_all()
    assert not epoch.is_complete()
    assert publish.sweep().restored
    assert epoch.is_complete()
    assert set(versions(valkey, links)) == {1}


def test_edits_during_the_loss_of_a_node_are_published_when_it_is_back(cluster, valkey, links):
    from control_plane.campaigns.publish import sweep

    lost, *others = on(cluster, 1, links)[:1] + on(cluster, 0, links)[:2] + on(cluster, 2, links)[:2]
    cluster.nodes[1].kill()
    for link in (lost, *others):
        edit(link)
    assert versions(valkey, others) == [2] * len(others)
    with pytest.raises(redis.RedisError):
        sweep()

    cluster.nodes[1].start()
    until(lambda: swept(), "the node takes part again", 30)
    assert versions(valkey, [lost]) == [2]
    assert None not in versions(valkey, links)


def swept() -> bool:
    from control_plane.campaigns.publish import sweep

    try:
        return sweep().restored
    except redis.RedisError:
        return False


def test_an_edge_never_calls_a_link_unknown_while_its_node_is_filled_again(cluster, valkey, links, tmp_path):
    from control_plane.campaigns.publish import sweep

    edge = EdgeProcess(tmp_path / "spool", cluster.url, SCANWAY_UNKNOWN_LIMIT="0")
    try:
        cached, uncached = links[:12], links[12:]
        assert all(edge.location(link.code) == GOOD for link in cached)
        for node in cluster.nodes:
            node.client.flushall()
        assert all(edge.location(link.code) == GOOD for link in cached)
        assert {edge.get(f"/{link.code}")[0] for link in uncached} == {503}
        assert sweep().restored
        until(lambda: all(edge.location(link.code) == GOOD for link in links), "links answer again")
        assert edge.get("/nothing")[0] == 404
    finally:
        edge.stop()


def test_after_a_failover_everything_is_published_again(tenant, monkeypatch, tmp_path):
    """Replication may have lost the last edits: the new primary has another run id."""
    from control_plane.campaigns import publish, valkey
    from control_plane.campaigns.services import create_link

    primary = Node(tmp_path / "primary", "--repl-diskless-sync-delay", "0")
    replica = replica_of(primary, tmp_path / "replica")
    sentinel = Sentinel(tmp_path / "sentinel", primary)
    with stopped(primary, replica, sentinel), connect(sentinel.url, timeout=5, connect_timeout=1) as client:
        monkeypatch.setattr(valkey, "client", lambda: client)
        until(lambda: sentinel.client.sentinel_slaves("scanway"), "the sentinel knows the replica", 30)
        until(lambda: swept(), "the sentinel leads to the primary", 30)
        links = [create_link(workspace_id=tenant.workspace_id, destination=GOOD) for _ in range(3)]
        assert client.wait(1, 10_000) == 1
        primary.kill()
        replica.client.config_set("replica-read-only", "no")
        replica.client.delete(record.key(links[0].code))
        until(lambda: swept(), "the sentinel leads to the new primary, which is filled", 60)
        assert replica.client.info("replication")["role"] == "master"
        assert versions(replica.client, links) == [1, 1, 1]
        edit(links[1])
        assert versions(replica.client, links) == [1, 2, 1]
        assert not publish.sweep().restored
