"""A primary with replicas: a primary that dies, sentinels that replace it, and two regions 80 ms apart."""

import contextlib

import pytest
import redis
from edge_process import EdgeProcess, until
from slow_line import SlowLine
from test_scale_cluster import PHONE, Links, answers, right, where
from valkey_cluster import Node, Sentinel, replica_of, stopped

from edge.record import EPOCH_KEY, count_key

CODES = [f"code{number}" for number in range(60)]
MANY = [f"far{number}" for number in range(1000)]
ONE_WAY = 0.08


@pytest.fixture
def primary(tmp_path):
    made = Node(tmp_path / "primary", "--repl-diskless-sync-delay", "0")
    with stopped(made):
        yield made


@pytest.fixture
def replica(primary, tmp_path):
    made = replica_of(primary, tmp_path / "replica")
    with stopped(made):
        yield made


@pytest.fixture
def start(tmp_path):
    """Starts edges, and stops them."""
    started = []

    def one(url: str, **environment: str) -> EdgeProcess:
        spool = tmp_path / f"spool{len(started)}"
        started.append(EdgeProcess(spool, url, SCANWAY_UNKNOWN_LIMIT="0", **environment))
        return started[-1]

    yield one
    for process in started:
        process.stop()


def filled(url: str, codes: list[str]) -> Links:
    links = Links(url)
    for code in codes:
        links.publish(code)
    links.client.set(EPOCH_KEY, "test")
    return links


def is_primary(node: Node) -> bool:
    """A sentinel that promotes it cuts its clients' connections, this one's too."""
    with contextlib.suppress(redis.ConnectionError):
        return bool(node.client.info("replication")["role"] == "master")
    return False


def test_reading_a_replica_while_the_primary_is_written_and_dies(primary, replica, start):
    links = filled(primary.url, CODES)
    links.client.set(count_key(7), 0)
    links.publish("few", link_id=7, max_scans=3)
    assert links.client.wait(1, 10_000) == 1
    edge = start(replica.url, SCANWAY_REDIS_PRIMARY_URL=primary.url)
    assert answers(edge, CODES[:20]) == right(CODES[:20])
    links.publish(CODES[0], version=2, destination="https://example.org/new")
    until(lambda: edge.location(CODES[0]) == "https://example.org/new", "an edit is heard at the replica", 4)
    # Counted at the primary, and replicated like everything else.
    assert [edge.get("/few", user_agent=PHONE)[0] for _ in range(2)] == [302, 302]
    assert links.client.get(count_key(7)) == b"2"

    primary.kill()
    assert answers(edge, CODES[1:]) == right(CODES[1:])
    assert answers(edge, ["nothing"]) == {(404, None)}
    # What cannot be counted is not handed out.
    assert edge.get("/few", user_agent=PHONE)[0] == 503
    primary.start()
    links.client.close()


def test_a_failover_by_sentinels(primary, replica, start, tmp_path):
    links = filled(primary.url, CODES)
    links.client.close()
    sentinel = Sentinel(tmp_path / "sentinel", primary)
    with stopped(sentinel):
        until(lambda: sentinel.client.sentinel_slaves("scanway"), "the sentinel knows the replica", 30)
        edge = start(sentinel.url)
        assert answers(edge, CODES[:20]) == right(CODES[:20])
        # Read from the replica: the primary was not asked for any link.
        assert "cmdstat_mget" not in primary.client.info("commandstats")
        assert "cmdstat_mget" in replica.client.info("commandstats")

        primary.kill()
        assert answers(edge, CODES[20:40]) == right(CODES[20:40])
        until(lambda: is_primary(replica), "the replica is promoted", 60)
        assert answers(edge, CODES[40:]) == right(CODES[40:])
        links = Links(sentinel.url)
        until(lambda: counted_at_the_new_primary(links), "the sentinel leads to the new primary", 30)
        links.publish("few", link_id=7, max_scans=1)
        links.publish(CODES[0], version=2, destination="https://example.org/new")
        until(lambda: edge.location(CODES[0]) == "https://example.org/new", "an edit at the new primary", 10)
        assert [edge.get("/few", user_agent=PHONE)[0] for _ in range(2)] == [302, 410]
        links.client.close()


def test_sentinels_lead_past_a_replica_that_dies(primary, replica, start, tmp_path):
    links = filled(primary.url, CODES)
    assert links.client.wait(1, 10_000) == 1
    sentinel = Sentinel(tmp_path / "sentinel", primary)
    with stopped(sentinel):
        until(lambda: sentinel.client.sentinel_slaves("scanway"), "the sentinel knows the replica", 30)
        edge = start(sentinel.url)
        assert answers(edge, CODES[:20]) == right(CODES[:20])
        replica.kill()
        assert answers(edge, CODES) == right(CODES)
        assert "cmdstat_mget" in primary.client.info("commandstats")
        # Heard at the primary now; what was missed in between is fetched again.
        links.publish(CODES[0], version=2, destination="https://example.org/new")
        until(lambda: edge.location(CODES[0]) == "https://example.org/new", "an edit is heard", 10)
    links.client.close()


def test_a_redirect_in_a_far_region_never_crosses(primary, start, tmp_path):
    line = SlowLine(primary.port, ONE_WAY)
    # Pings and acknowledgements of the replication cross once a second; apart from them, only edits do.
    far = replica_of(primary, tmp_path / "far", line.port)
    with stopped(far):
        try:
            links = filled(primary.url, CODES + MANY)
            assert links.client.wait(1, 10_000) == 1
            near_edge = start(primary.url)
            far_edge = start(far.url, SCANWAY_REDIS_PRIMARY_URL=f"redis://127.0.0.1:{line.port}/0")
            for _ in ("cold", "warm"):
                before = bytes(line.there), bytes(line.back), line.connections
                assert answers(far_edge, MANY) == right(MANY)
                there, back = bytes(line.there[len(before[0]) :]), bytes(line.back[len(before[1]) :])
                assert line.connections == before[2] == 1
                # There: acknowledgements of the replica. Back: pings of the primary. Nothing else.
                assert only_replication(there, b"REPLCONF")
                assert only_replication(back, b"PING", b"SELECT")
            assert far_edge.metric("scanway_edge_l1_misses_total") >= len(MANY)

            crossed = line.crossed()
            links.publish("code1", version=2, destination="https://example.org/new")
            for edge in (near_edge, far_edge):
                until(lambda edge=edge: edge.location("code1") == "https://example.org/new", "the edit", 15)
            assert line.crossed()[1] > crossed[1]
            assert b"https://example.org/new" in line.back

            # Only what is counted has to ask the primary, so that both regions together give out five.
            links.client.set(count_key(7), 0)
            links.publish("few", link_id=7, max_scans=5)
            assert links.client.wait(1, 10_000) == 1
            given = [edge.get("/few", user_agent=PHONE)[0] for edge in (near_edge, far_edge) * 4]
            assert given == [302] * 5 + [410] * 3
            assert b"EVALSHA" in line.there

            # An edge that reads the primary from there would have been noticed.
            assert b"MGET" not in line.there
            assert start(f"redis://127.0.0.1:{line.port}/0").location("code2") == where("code2")
            assert b"MGET" in line.there

            # The line breaks: the far region goes on, cold and warm.
            line.cut()
            assert answers(far_edge, CODES[2:]) == right(CODES[2:])
            assert answers(far_edge, MANY[:50]) == right(MANY[:50])
            links.client.close()
        finally:
            line.stop()


def counted_at_the_new_primary(links: Links) -> bool:
    with contextlib.suppress(redis.ConnectionError):
        return bool(links.client.set(count_key(7), 0))
    return False


def only_replication(stream: bytes, *commands: bytes) -> bool:
    """Whether a piece of a RESP stream holds no link and no command but these."""
    words = [word for word in stream.split(b"\r\n") if word and word[:1] not in b"*$+:"]
    allowed = {*commands, b"ACK", b"GETACK", b"FACK", b"*", b"0"}
    return all(word.upper() in allowed or word.isdigit() for word in words)
