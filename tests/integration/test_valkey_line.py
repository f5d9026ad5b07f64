"""The connection for records, against a real Valkey."""

import asyncio
import os
import signal

import pytest
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from edge.valkey_line import Line, can_reach


def line(url, read_timeout=5.0):
    return Line(url, 5.0, read_timeout)


async def test_values_come_in_the_order_of_their_keys_however_many_ask_at_once(valkey):
    valkey.client.mset({f"k{number}": f"v{number}" for number in range(500)})
    asked = line(valkey.url)
    questions = [[f"k{number}", "nothing", f"k{number + 1}"] for number in range(400)]
    answers = await asyncio.gather(*(asked.mget(keys) for keys in questions))
    for number, answer in enumerate(answers):
        assert answer == [b"v%d" % number, None, b"v%d" % (number + 1)]
    assert valkey.client.info("clients")["connected_clients"] == 2  # this one, and the test's
    valkey.client.set("large", b"\r\n$5\r\n" * 300_000)
    assert await asked.mget(["large", "k1"]) == [b"\r\n$5\r\n" * 300_000, b"v1"]
    await asked.aclose()
    with pytest.raises(RedisError):
        await asyncio.gather(*(asked._connection.ask(("PING",), 1) for _ in range(2)))


async def test_it_signs_in_and_chooses_the_database(valkey):
    valkey.client.config_set("requirepass", "open sesame")
    valkey.client.execute_command("AUTH", "open sesame")
    valkey.client.execute_command("SELECT", 3)
    valkey.client.set("k", "three")
    address = f"127.0.0.1:{valkey.port}"
    signed = line(f"redis://:open%20sesame@{address}/3")
    assert await signed.mget(["k"]) == [b"three"]
    named = line(f"redis://default:open%20sesame@{address}/0")
    assert await named.mget(["k"]) == [None]
    with pytest.raises(ResponseError):
        await line(f"redis://:wrong@{address}/0").mget(["k"])
    nobody = line(f"redis://{address}/0")
    with pytest.raises(ResponseError):
        await nobody.mget(["k"])
    for one in (signed, named, nobody):
        await one.aclose()


async def test_a_server_that_hangs_is_given_up_and_asked_again_when_it_answers(valkey):
    valkey.client.set("k", "v")
    asked = line(valkey.url, read_timeout=0.2)
    assert await asked.mget(["k"]) == [b"v"]
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        found = await asyncio.gather(*(asked.mget(["k"]) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(one, TimeoutError) for one in found)
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    # The late answers belong to a connection that is no more.
    asked._read_timeout = 5.0
    assert await asked.mget(["other", "k"]) == [None, b"v"]
    await asked.aclose()


async def test_a_server_that_dies_is_an_error_and_its_successor_is_found(valkey):
    asked = line(valkey.url)
    assert await asked.mget(["k"]) == [None]
    waiting = asyncio.gather(*(asked.mget(["k"]) for _ in range(5)), return_exceptions=True)
    valkey.kill()
    assert all(one == [None] or isinstance(one, ConnectionError | OSError) for one in await waiting)
    for _ in range(2):
        with pytest.raises((RedisError, OSError)):
            await asked.mget(["k"])
    valkey.start()
    valkey.client.set("k", "v")
    assert await asked.mget(["k"]) == [b"v"]
    await asked.aclose()


async def test_who_goes_away_does_not_take_another_ones_answer(valkey):
    valkey.client.mset({"a": "1", "b": "2"})
    asked = line(valkey.url)
    await asked.mget(["a"])
    gone = asyncio.ensure_future(asked.mget(["a"]))
    stays = asyncio.ensure_future(asked.mget(["b"]))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == [b"2"]
    await asked.aclose()


async def test_a_unix_socket_will_do(valkey, tmp_path):
    where = tmp_path / "valkey.sock"
    server = await asyncio.create_subprocess_exec(
        *valkey.process.args[:1], "--port", "0", "--unixsocket", str(where), "--save", "", stdout=-3
    )
    try:
        for _ in range(200):
            if where.exists():
                break
            await asyncio.sleep(0.05)
        asked = line(f"unix://{where}")
        assert await asked.mget(["k"]) == [None]
        await asked.aclose()
    finally:
        server.terminate()
        await server.wait()


def test_what_it_cannot_do_is_left_to_the_library():
    assert can_reach("redis://user:password@valkey.internal:6379/3")
    assert can_reach("unix:///run/valkey.sock?db=1")
    assert not can_reach("rediss://valkey.internal")
    assert not can_reach("redis://valkey.internal?socket_timeout=3")
