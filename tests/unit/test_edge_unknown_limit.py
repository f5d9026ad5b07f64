from hypothesis import given
from hypothesis import strategies as st

from edge.unknown_limit import UnknownLimit, prefix


def test_sixty_a_minute_then_wait():
    limit = UnknownLimit(60)
    assert [limit.retry_after("198.51.100.7", 100.0) for _ in range(60)] == [0] * 60
    assert limit.retry_after("198.51.100.250", 110.0) == 50
    assert limit.retry_after("198.51.101.1", 110.0) == 0
    assert limit.retry_after("198.51.100.7", 160.0) == 0


def test_zero_lifts_the_limit():
    limit = UnknownLimit(0)
    assert not any(limit.retry_after("198.51.100.7", 1.0) for _ in range(1000))


def test_neighbours_count_together():
    assert prefix("198.51.100.7") == prefix("198.51.100.200") != prefix("198.51.101.7")
    assert prefix("2001:db8:1:2::3") == prefix("2001:db8:1:ffff::") != prefix("2001:db8:2::")
    assert prefix("") == ""


@given(st.lists(st.ip_addresses(), max_size=50))
def test_the_table_is_bounded(addresses):
    limit = UnknownLimit(1, max_prefixes=8)
    for ip in addresses:
        limit.retry_after(str(ip), 1.0)
    assert len(limit) <= 8
