"""The edge on a cluster of three Valkeys: every slot, edits, a node that dies and comes back empty."""

import signal
import time

import pytest
import redis
from edge_process import EdgeProcess, until
from valkey_cluster import Cluster, Node, stopped

from analytics.valkey.client import connect, nodes
from edge.record import INVALIDATE_CHANNEL, PUBLISH_SCRIPT, Record, count_key, encode, epoch_key, key

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
CODES = [f"code{number}" for number in range(300)]


class Links:
    """What the control plane does, in short."""

    def __init__(self, url: str) -> None:
        self.client = connect(url, timeout=5, connect_timeout=5)

    def publish(self, code: str, version: int = 1, **more) -> None:
        made = {"workspace_id": 1, "link_id": 1, "destination": where(code), "version": version} | more
        self.client.eval(PUBLISH_SCRIPT, 1, key(code), encode(Record(**made)), code, INVALIDATE_CHANNEL)

    def complete(self) -> None:
        for node, tag in nodes(self.client):
            node.set(epoch_key(tag), "test")


def where(code: str) -> str:
    return f"https://example.com/{code}"


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path / "cluster", password="secret")
    with stopped(made):
        yield made


@pytest.fixture
def links(cluster):
    made = Links(cluster.url)
    yield made
    made.client.close()


@pytest.fixture
def edge(cluster, tmp_path):
    process = EdgeProcess(tmp_path / "spool", cluster.url, SCANWAY_UNKNOWN_LIMIT="0")
    yield process
    process.stop()


def at(cluster: Cluster, node: Node, codes: list[str]) -> list[str]:
    """The codes that this node holds."""
    return [code for code in codes if cluster.holder(key(code)) is node]


def statuses(edge: EdgeProcess, codes: list[str]) -> set[int]:
    return {edge.get(f"/{code}")[0] for code in codes}


def answers(edge: EdgeProcess, codes: list[str]) -> set[tuple[int, str | None]]:
    """Status and location. A 503 is asked again: a busy machine may let a question time out."""
    found = set()
    for code in codes:
        for _ in range(100):
            status, headers, _ = edge.get(f"/{code}")
            if status != 503:
                break
            time.sleep(0.1)
        found.add((status, headers.get("location")))
    return found


def right(codes: list[str]) -> set[tuple[int, str | None]]:
    return {(302, where(code)) for code in codes}


def test_links_in_all_slots_are_answered_and_edits_are_heard(cluster, links, edge):
    # Not complete yet: a code that is not there may still come.
    assert edge.get("/code0")[0] == 503
    for code in CODES:
        links.publish(code)
    links.complete()
    until(lambda: edge.get("/-/readyz")[0] == 200, "the edge is ready")
    assert all(at(cluster, node, CODES) for node in cluster.nodes)
    assert answers(edge, CODES) == right(CODES)
    assert answers(edge, ["nothing", "nowhere", "never", "neither"]) == {(404, None)}
    for code in CODES[:30]:
        links.publish(code, version=2, destination="https://example.org/new")
    # Well before anything in memory grows stale by itself.
    until(lambda: {edge.location(code) for code in CODES[:30]} == {"https://example.org/new"}, "edits", 4)


def test_counting_works_where_the_counter_is(links, edge):
    links.complete()
    for number in range(1, 7):
        links.client.set(count_key(number), 0)
        links.publish(f"few{number}", link_id=number, max_scans=2)
    for number in range(1, 7):
        answers = [edge.get(f"/few{number}", user_agent=PHONE)[0] for _ in range(4)]
        assert answers == [302, 302, 410, 410]


def test_a_node_that_dies_takes_only_its_own_uncached_links_away(cluster, links, edge):
    for code in CODES:
        links.publish(code)
    links.complete()
    dead = cluster.nodes[1]
    others = [code for code in CODES if cluster.holder(key(code)) is not dead]
    its = at(cluster, dead, CODES)
    cached = its[:10] + others[:10]
    assert answers(edge, cached) == right(cached)
    dead.kill()

    assert statuses(edge, cached) == {302}
    assert answers(edge, others[10:]) == right(others[10:])
    assert statuses(edge, its[10:]) == {503}
    unknown = [f"nothing{number}" for number in range(40)]
    assert statuses(edge, at(cluster, dead, unknown)) == {503}
    until(lambda: edge.get("/-/readyz")[0] == 503, "the edge says that something is missing")
    # Edits of links elsewhere arrive, even if the dead node was the one that was listened to.
    links.publish(others[0], version=2, destination="https://example.org/new")
    until(lambda: edge.location(others[0]) == "https://example.org/new", "an edit is heard", 20)
    assert statuses(edge, cached) == {302}


def test_a_node_that_comes_back_empty_is_not_taken_for_one_without_links(cluster, links, edge):
    for code in CODES:
        links.publish(code)
    links.complete()
    lost = cluster.nodes[2]
    its = at(cluster, lost, CODES)
    assert answers(edge, its[:10]) == right(its[:10])
    lost.kill()
    lost.start()
    assert lost.client.dbsize() == 0
    # Old answers go on, and nothing is called unknown.
    asked = its[10:20]
    until(lambda: "emptied" in edge.get("/-/readyz")[2].decode(), "the edge sees that it is empty")
    assert statuses(edge, asked) == {503}
    assert statuses(edge, its[:10]) == {302}

    until(
        lambda: lost.client.execute_command("CLUSTER", "INFO").startswith(b"cluster_state:ok"),
        "it takes part",
    )
    for code in its:
        links.publish(code)
    links.complete()
    until(lambda: statuses(edge, asked) == {302}, "links answer again")
    assert answers(edge, ["nothing"]) == {(404, None)}
    assert edge.get("/-/readyz")[0] == 200


def test_a_replica_takes_over_from_its_node(cluster, links, edge, tmp_path):
    replica = cluster.add_replica(0, tmp_path / "replica")
    with stopped(replica):
        for code in CODES:
            links.publish(code)
        links.complete()
        its = at(cluster, cluster.nodes[0], CODES)
        assert answers(edge, its[:10]) == right(its[:10])
        assert cluster.nodes[0].client.wait(1, 10_000) == 1
        cluster.nodes[0].kill()
        assert statuses(edge, its[:10]) == {302}
        until(lambda: replica.client.info("replication")["role"] == "master", "the replica is promoted", 60)
        until(lambda: statuses(edge, its[10:20]) == {302}, "the edge found the new node", 20)
        until(lambda: edge.get("/-/readyz")[0] == 200, "the edge is ready", 20)
        # The first command after a node was replaced fails, and finds the new one: the sweep sends it again.
        with pytest.raises(redis.ConnectionError):
            links.publish(its[0])
        links.publish(its[0], version=2, destination="https://example.org/new")
        until(lambda: edge.location(its[0]) == "https://example.org/new", "an edit is heard", 20)


def test_links_are_answered_while_their_slot_moves_to_another_node(cluster, links, edge):
    slot = cluster.nodes[0].client.execute_command("CLUSTER", "KEYSLOT", key("mover"))
    source = cluster.holder(key("mover"))
    target = cluster.nodes[0] if source is cluster.nodes[2] else cluster.nodes[2]
    links.publish("mover")
    links.publish("few", link_id=1, max_scans=1)
    links.complete()
    # All are asked once, so that the edge knows the way as it was.
    assert answers(edge, ["other"]) == {(404, None)}
    assert edge.get("/few", user_agent=PHONE)[0] == 503

    ids = {node: node.client.execute_command("CLUSTER", "MYID") for node in (source, target)}
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    source.client.migrate(*target.address, key("mover"), 0, 5000, auth="secret")
    assert answers(edge, ["mover"]) == right(["mover"])  # ASK
    for node in (target, source, cluster.nodes[1]):
        node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
    links.publish("mover", version=2, destination="https://example.org/new")  # MOVED, for the control plane
    until(lambda: edge.location("mover") == "https://example.org/new", "the edge follows", 20)  # MOVED


def test_a_node_that_hangs_does_not_hold_up_the_others(cluster, links, edge):
    for code in CODES:
        links.publish(code)
    links.complete()
    hung = cluster.nodes[1]
    others = [code for code in CODES if cluster.holder(key(code)) is not hung]
    its = at(cluster, hung, CODES)
    assert answers(edge, its[:1]) == right(its[:1])
    hung.process.send_signal(signal.SIGSTOP)
    try:
        assert edge.get(f"/{its[1]}")[0] == 503
        before = edge.metric("scanway_edge_valkey_errors_total")
        assert answers(edge, others) == right(others)
        # Asked once, then left alone: no question waited for it again.
        assert edge.metric("scanway_edge_valkey_errors_total") == before
        assert edge.get(f"/{its[0]}")[0] == 302
        assert statuses(edge, its[1:20]) == {503}
    finally:
        hung.process.send_signal(signal.SIGCONT)
    until(lambda: statuses(edge, its[1:20]) == {302}, "it takes part again", 30)
