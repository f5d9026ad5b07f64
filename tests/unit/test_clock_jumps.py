"""The clock jumps by hours, in both directions: never a crash, never an event lost, doubled or changed."""

import fcntl
import os
import random
import uuid

import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.events import read_segment
from analytics.ingest.salts import Salts
from analytics.ingest.spool import Spool as Reader
from edge.event_id import Mint
from edge.spool import Spool

NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC, in seconds since 1970."""
HOURS = st.integers(-48 * 3600, 48 * 3600)


class NoValkey:
    def set(self, *_: object, **__: object) -> None:
        raise OSError("away")

    get = set


def finish(spool: Spool) -> None:
    if spool._settled:
        spool._settled.result(timeout=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(jumps=st.lists(HOURS, min_size=1, max_size=12), restarts=st.sets(st.integers(0, 11)))
def test_wherever_the_clock_goes_each_event_is_in_one_segment_of_its_own_name(
    tmp_path_factory, jumps, restarts
):
    folder = tmp_path_factory.mktemp("spool")
    chance = random.Random(1)

    def start() -> Spool:
        worker = f"{chance.getrandbits(32):08x}"
        return Spool(folder, 1 << 30, worker, memoryview(bytearray(4096)).cast("Q"))

    with time_machine.travel(NOON, tick=False) as clock:
        spool = start()
        kept = []
        for number, jump in enumerate(jumps):
            payload = b"event %d" % number
            assert spool.append(payload)
            kept.append(payload)
            clock.shift(jump)
            if number in restarts:
                spool.close()
                spool = start()
            else:
                spool.tick()
                finish(spool)
        spool.close()
        reader = Reader(folder)
        reader.claim()
        try:
            names = [name for name, _ in reader.sealed()]
            found = [payload for name in names for payload in reader.read(name).payloads]
            assert sorted(found) == sorted(kept)
            assert len(set(names)) == len(names) == len(jumps)
            # What one worker sealed without a jump back in between keeps its order.
            if all(jump >= 0 for jump in jumps):
                assert found == kept
        finally:
            os.close(reader._lock)


@settings(deadline=None)
@given(jumps=st.lists(HOURS, min_size=2, max_size=50))
def test_event_ids_stay_unique_when_the_clock_stands_still_or_goes_back(jumps):
    mint, now, made = Mint().event_id, int(NOON * 1e9), []
    for jump in jumps:
        now += jump * 1_000_000_000
        made += [mint(now), mint(now)]
    assert len(set(made)) == len(made)
    assert all(uuid.UUID(bytes=each).version == 7 for each in made)


def test_a_day_has_one_salt_however_often_the_clock_comes_back_to_it(tmp_path):
    at = int(NOON * 1_000_000)
    with time_machine.travel(NOON, tick=False) as clock:
        salts = Salts(NoValkey(), tmp_path)  # type: ignore[arg-type]
        first = salts.salt(at)
        for hours in (26, -50, 30, -5):
            clock.shift(hours * 3600)
            salts.maintain()
            assert salts.salt(at) == first
        other = salts.salt(at + 86_400_000_000)
        assert other != first
        assert len(other) == len(first) == 16


def test_a_dead_workers_segment_is_adopted_when_the_clock_went_back(tmp_path):
    with time_machine.travel(NOON, tick=False) as clock:
        spool = Spool(tmp_path, 1 << 30, "0badcafe", memoryview(bytearray(4096)).cast("Q"))
        spool.append(b"one")
        # As kill -9 leaves it: unsealed, and without its lock.
        fcntl.flock(spool._fd, fcntl.LOCK_UN)
        reader = Reader(tmp_path)
        reader.claim()
        clock.shift(-5 * 3600)
        adopted = list(reader.adopt())
        assert [each.events for each in adopted] == [1]
        assert [read_segment(p.read_bytes()).payloads for p in (tmp_path / "sealed").iterdir()] == [[b"one"]]
        reader.sweep()
        clock.shift(100 * 3600)
        reader.sweep()
        assert len(reader.sealed()) == 1
