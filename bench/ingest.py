"""How many events one ingest process turns into ClickHouse rows per second: `python -m bench.ingest`.

Against the embedded ClickHouse, started for the occasion, or the one at SCANWAY_CLICKHOUSE_URL (a database of
its own is made there and dropped). Prints what it ran on and how, and ends with key=value lines.
"""

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

from analytics.events import Scan, decode_scan, encode_scan
from analytics.ingest.rows import Enricher
from analytics.ingest.warehouse import Warehouse
from analytics.schema.migrate import migrate
from analytics.schema.server import Server, connect, quote_name
from analytics.visitors.geo import Geo
from analytics.visitors.networks import known_networks
from bench.machine import heading
from bench.process import process
from deploy.ports import free_port

SEGMENTS, EVENTS = 5, 10_000
ADDRESSES, AGENTS = 20_000, 400
SALT = b"0123456789abcdef"


def scan(number: int) -> Scan:
    """A phone's scan: 400 agent strings, 20,000 addresses and 1,000 links take turns."""
    address = number * 7919 % ADDRESSES
    safari = number % AGENTS
    return Scan(
        event_id=uuid.uuid4().bytes,
        at=int(time.time() * 1_000_000),
        workspace_id=1 + number % 10,
        link_id=1 + number % 1000,
        link_version=1,
        reason="ok",
        status=302,
        method="GET",
        host="go.example.com",
        code=f"code{number % 1000}",
        query=f"utm_source=poster{number % 20}&utm_medium=print",
        ip=f"91.{64 + address // 10_000}.{address // 250 % 250}.{1 + address % 250}",
        user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        f"Gecko) Version/17.{safari} Mobile/15E148 Safari/604.1",
        accept_language="de-DE,de;q=0.9",
        referer="https://www.instagram.com/" if number % 3 else "",
        accept="text/html",
        sec_fetch_mode="navigate",
    )


@contextmanager
def clickhouse() -> Iterator[str]:
    """The URL of a ClickHouse, stopped at the end where it was started here."""
    if given := os.environ.get("SCANWAY_CLICKHOUSE_URL"):
        yield given
        return
    port, password = free_port(), uuid.uuid4().hex
    with (
        tempfile.TemporaryDirectory() as folder,
        process(
            [sys.executable, "-m", "deploy.clickhouse.server"],
            SCANWAY_CLICKHOUSE_PATH=f"{folder}/data",
            SCANWAY_CLICKHOUSE_BIND=f"127.0.0.1:{port}",
            SCANWAY_CLICKHOUSE_USER="bench",
            SCANWAY_CLICKHOUSE_PASSWORD=password,
        ),
    ):
        yield f"http://bench:{password}@127.0.0.1:{port}/scanway"


def main() -> None:
    with clickhouse() as url:
        measure(url)


def measure(base: str) -> None:
    """Prints the table and the key=value lines."""
    url = f"{base.rpartition('/')[0]}/bench_{uuid.uuid4().hex[:8]}"
    migrate(url)
    warehouse = Warehouse(url)
    enricher = Enricher(Geo(), known_networks())
    print(heading("chdb-core", "clickhouse-connect", "ua-parser", "maxminddb"))
    print(f"method    {SEGMENTS} segments of {EVENTS:,} events, one thread; the first is the warm-up")
    print(f"{'segment':<9} {'enrich/s':>10} {'insert/s':>10} {'both/s':>10}")
    best: list[tuple[float, float, float]] = []
    try:
        for segment in range(SEGMENTS):
            payloads = [encode_scan(scan(segment * EVENTS + each)) for each in range(EVENTS)]
            started = time.perf_counter()
            rows = [enricher.row(decode_scan(payload), f"{segment:08d}", SALT) for payload in payloads]
            enriched = time.perf_counter()
            warehouse.insert(rows, f"{segment:08d}")
            ended = time.perf_counter()
            speeds = (EVENTS / (enriched - started), EVENTS / (ended - enriched), EVENTS / (ended - started))
            print(f"{segment:<9} " + " ".join(f"{speed:>10,.0f}" for speed in speeds))
            if segment:
                best.append(speeds)
    finally:
        warehouse.close()
        with closing(connect(Server.from_url(url), database="default")) as client:
            client.command(f"DROP DATABASE {quote_name(Server.from_url(url).database)} SYNC")
    middle = sorted(best, key=lambda each: each[2])[len(best) // 2]
    for name, speed in zip(("enrich", "insert", "ingest"), middle, strict=True):
        print(f"{name}_events_per_s={speed:.0f}")


if __name__ == "__main__":
    main()
