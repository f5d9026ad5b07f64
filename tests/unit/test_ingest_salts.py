"""The day's secret: shared, private, and gone after 48 hours."""

import pytest
import redis

from analytics.ingest import salts as module
from analytics.ingest.salts import Salts
from analytics.visitors.salt import LIFETIME, SALT_BYTES, salt_key

DAY = 86_400
NOON = 20_000 * DAY + DAY // 2


class Valkey:
    """SET NX EX, GET and DELETE of one Valkey that several hosts share; or none at all."""

    def __init__(self):
        self.held = {}
        self.lifetimes = {}
        self.down = False

    def _answer(self):
        if self.down:
            raise redis.ConnectionError("down")

    def set(self, key, value, *, nx, ex):
        self._answer()
        assert nx
        if key in self.held:
            return None
        self.held[key], self.lifetimes[key] = value, ex
        return True

    def get(self, key):
        self._answer()
        return self.held.get(key)

    def delete(self, key):
        self._answer()
        self.held.pop(key, None)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        wall, mono = float(NOON), 1000.0

        def pass_(self, seconds):
            self.wall += seconds
            self.mono += seconds

    found = Clock()
    monkeypatch.setattr(module.time, "time", lambda: found.wall)
    monkeypatch.setattr(module.time, "monotonic", lambda: found.mono)
    return found


@pytest.fixture
def hosts(tmp_path, clock):
    valkey = Valkey()

    def host(name):
        (tmp_path / name).mkdir(exist_ok=True)
        return Salts(valkey, tmp_path / name)

    return valkey, host


def at(seconds):
    return int(seconds * 1_000_000)


def test_hosts_share_a_days_salt_and_days_do_not(hosts):
    valkey, host = hosts
    one, two = host("one"), host("two")
    assert one.salt(at(NOON)) == two.salt(at(NOON + 60))
    assert one.salt(at(NOON)) != one.salt(at(NOON + DAY))
    key = salt_key("2024-10-04")
    assert len(valkey.held[key]) == SALT_BYTES
    assert valkey.lifetimes[key] == LIFETIME


def test_the_day_ends_at_midnight_utc(hosts):
    _, host = hosts
    one = host("one")
    midnight = 20_001 * DAY
    assert one.salt(at(midnight) - 1) == one.salt(at(NOON))
    assert one.salt(at(midnight)) != one.salt(at(NOON))


def test_a_flushed_valkey_gets_the_salt_back(hosts, clock):
    valkey, host = hosts
    one = host("one")
    salt = one.salt(at(NOON))
    valkey.held.clear()
    clock.pass_(6)
    one.maintain()
    assert valkey.held[salt_key("2024-10-04")] == salt
    assert valkey.lifetimes[salt_key("2024-10-04")] == LIFETIME - 6


def test_without_valkey_the_salt_outlives_a_restart_and_is_offered_later(hosts, clock):
    valkey, host = hosts
    valkey.down = True
    salt = host("one").salt(at(NOON))
    again = host("one")
    assert again.salt(at(NOON)) == salt
    valkey.down = False
    clock.pass_(6)
    again.maintain()
    assert valkey.held[salt_key("2024-10-04")] == salt


def test_who_comes_second_takes_the_firsts_salt(hosts, clock):
    valkey, host = hosts
    valkey.down = True
    one, two = host("one"), host("two")
    assert one.salt(at(NOON)) != two.salt(at(NOON))
    valkey.down = False
    clock.pass_(6)
    one.maintain()
    two.maintain()
    assert one.salt(at(NOON)) == two.salt(at(NOON))


def test_after_48_hours_nothing_of_it_is_left_here(hosts, clock, tmp_path):
    valkey, host = hosts
    valkey.down = True
    one = host("one")
    salt = one.salt(at(NOON))
    clock.pass_(DAY)
    one.maintain()
    assert one.salt(at(NOON)) == salt
    clock.pass_(DAY)
    one.maintain()
    assert not list((tmp_path / "one" / "salts").iterdir())
    assert one.salt(at(NOON)) != salt


def test_a_value_of_another_length_is_no_key(hosts):
    valkey, host = hosts
    valkey.held[salt_key("2024-10-04")] = b"short"
    assert len(host("one").salt(at(NOON))) == SALT_BYTES
