"""Processes die at random under load: each comes back by itself, and every answered scan is counted once."""

import asyncio
import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import redis
from load import scan
from product import Api, clickhouse, spool_is_empty, url_of, visit, wait_for
from stack import Stack

VICTIMS = ["edge worker", "ingest", "clickhouse", "valkey", "console"]
PER_SECOND = 500
SECONDS = 40


def victim(stack: Stack, name: str) -> psutil.Process:
    if name == "edge worker":
        parent = stack.process_of("edge")
        workers = [each for each in parent.children() if "resource_tracker" not in " ".join(each.cmdline())]
        return max(workers, key=lambda each: each.create_time())
    return stack.process_of(name)


def test_every_answered_scan_is_counted_once_whatever_dies(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack().start()
    api = Api(stack)
    codes = [api.create(destination=f"https://example.com/{n}")["code"] for n in range(20)]
    for code in codes:
        wait_for("the link", lambda code=code: visit(f"{stack.short_url}/{code}")[0] == 302, 10)

    chance = random.Random(2)
    killed: list[str] = []
    over = threading.Event()

    def killer() -> None:
        # Each dies at least once, in an order and at moments that differ in every pause.
        order = chance.sample(VICTIMS, len(VICTIMS)) + chance.choices(VICTIMS, k=20)
        for name in order:
            if over.wait(chance.uniform(1.0, 5.0)):
                return
            try:
                os.kill(victim(stack, name).pid, signal.SIGKILL)
                killed.append(name)
            except (LookupError, ValueError, ProcessLookupError, psutil.Error):
                continue  # still on its way back from the last time

    thread = threading.Thread(target=killer)
    thread.start()
    load = scan(stack.short_url, codes, per_second=PER_SECOND, seconds=SECONDS, run="kill")
    with ThreadPoolExecutor(1) as pool:  # the browser's event loop lives in this thread
        books = pool.submit(asyncio.run, load).result()
    over.set()
    thread.join()

    assert set(killed) == set(VICTIMS)
    # Enough to mean something; how many depends on how fast a loaded machine brings a worker back.
    assert len(books.answered) > 2_000, books.statuses
    # Everything is back, without anyone's help.
    wait_for("the edge", lambda: visit(f"{stack.short_url}/-/readyz")[0] == 200, 30)
    wait_for("the console", lambda: visit(f"{stack.console_url}/login/")[0] == 200, 30)
    wait_for("an empty spool", lambda: spool_is_empty(stack), 60)

    client = clickhouse(stack)
    counted = client.query(
        "SELECT utm_content, count() FROM events WHERE startsWith(utm_content, 'kill-') GROUP BY 1"
    ).result_rows
    counts = dict(counted)
    lost = books.answered - counts.keys()
    doubled = {marker: n for marker, n in counts.items() if n != 1}
    invented = counts.keys() - books.sent
    assert (len(lost), doubled, len(invented)) == (0, {}, 0), (sorted(lost)[:5], killed)

    rows, unique = client.query("SELECT count(), uniqExact(event_id) FROM events").result_rows[0]
    hourly = client.query("SELECT sum(scans) FROM scans_hourly").result_rows[0][0]
    daily = client.query("SELECT DISTINCT sum(scans) FROM scans_daily GROUP BY dimension").result_rows
    client.close()
    assert rows == unique == hourly
    assert daily == [(rows,)]


def test_an_emptied_valkey_is_filled_again_without_anyones_help(stack: Stack) -> None:
    api = Api(stack)
    links = [api.create(destination=f"https://example.com/flush/{n}") for n in range(30)]
    warm, cold = links[0]["code"], [link["code"] for link in links[1:]]
    wait_for("the link", lambda: visit(f"{stack.short_url}/{warm}")[0] == 302, 10)
    with redis.Redis.from_url(url_of(stack, "SCANWAY_REDIS_URL")) as valkey:
        valkey.flushall()
    # What is in memory goes on at once; nothing ever answers "no such link".
    assert visit(f"{stack.short_url}/{warm}")[0] == 302
    for code in cold:
        seen = []

        def answers(code: str = code, seen: list[int] = seen) -> bool:
            seen.append(visit(f"{stack.short_url}/{code}")[0])
            return seen[-1] == 302

        wait_for(f"the code {code}", answers, 10)
        assert set(seen) <= {302, 503}, seen
