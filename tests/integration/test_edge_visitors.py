"""Who is new today: counted by a real Valkey, in memory that has a bound."""

import time

import pytest
from edge_process import Valkey

from edge.counter import MAX_VISITORS, Counter
from edge.metrics import SLOT
from edge.record import seen_key
from edge.valkey import connect


@pytest.fixture
async def count(tmp_path):
    server = Valkey(tmp_path)
    client = connect(server.url)
    counter = Counter(client.run_script, memoryview(bytearray(8 * len(SLOT))).cast("Q"))

    async def count(agent, look=False):
        at_ms = time.time_ns() // 1_000_000
        found = await counter.count(6, 7, at_ms, "192.0.2.1", agent, number=False, visitor=True, look=look)
        return found[1]

    count.valkey, count.key = server.client, seen_key(6, time.strftime("%Y-%m-%d", time.gmtime()))
    yield count
    await client.aclose()
    server.stop()


async def test_a_visitor_is_new_once(count):
    assert [await count("a"), await count("a"), await count("b")] == [True, False, True]
    assert 0 < count.valkey.ttl(count.key) <= 172_800


async def test_a_look_changes_nothing(count):
    assert [await count("a", look=True), await count("a"), await count("a", look=True)] == [True, True, False]


async def test_no_more_visitors_are_remembered_than_there_is_room_for(count):
    count.valkey.sadd(count.key, *range(MAX_VISITORS - 1))
    assert [await count("a"), await count("b"), await count("a")] == [True, None, False]
    assert count.valkey.scard(count.key) == MAX_VISITORS
