import uuid

from hypothesis import given
from hypothesis import strategies as st

from edge.event_id import Mint


@given(st.integers(0, 281_474_976_710_655_999_999))
def test_an_id_is_a_uuid_of_version_7_with_its_millisecond(now_ns):
    made = uuid.UUID(bytes=Mint().event_id(now_ns))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == now_ns // 1_000_000


def test_ids_of_one_moment_differ_and_so_do_two_workers():
    one, two = Mint().event_id, Mint().event_id
    assert len({mint(1_795_232_138_000_000_000) for mint in (one, two) for _ in range(10_000)}) == 20_000
