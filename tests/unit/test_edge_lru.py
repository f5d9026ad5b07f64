import time
from collections import OrderedDict
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from edge.entry import Entry, read
from edge.metrics import SLOT
from edge.record import Record, encode, key
from edge.resolver import MAX_NEGATIVE, Resolver

codes = st.sampled_from("abcdefgh")


def memory(bound):
    counters = memoryview(bytearray(4096)).cast("Q")
    return Resolver(cast("Any", None), key, lambda value, name, due: Entry(read(value), due), bound, counters)


@given(st.integers(1, 5), st.lists(st.tuples(st.sampled_from(["learn", "hit", "gone"]), codes), max_size=60))
def test_memory_keeps_what_was_used_last_and_no_more_than_its_bound(bound, steps):
    resolver = memory(bound)
    model: OrderedDict[str, int] = OrderedDict()
    for number, (step, code) in enumerate(steps):
        now = 10.0 * number  # far enough apart to be uses of their own
        if step == "learn":
            resolver._learn(code, encode(Record(1, number, "https://example.com/")), True, now)
            fresh = code not in model
            model[code] = number
            if fresh and len(model) > bound:
                model.popitem(last=False)
        elif step == "gone":
            assert resolver._learn(code, None, True, now) is None
            model.pop(code, None)
        else:
            entry = resolver.cached(code, now)
            assert (entry and entry.record.link_id) == model.get(code)
            if code in model:
                model.move_to_end(code)
        assert list(resolver._entries) == list(model)
        assert len(resolver) <= bound


def test_unknown_codes_are_remembered_within_a_bound():
    resolver = memory(1)
    for number in range(MAX_NEGATIVE + 10):
        resolver._learn(str(number), None, True, 0.0)
    assert len(resolver._unknown) == MAX_NEGATIVE


async def test_a_second_look_at_an_unknown_code_is_not_counted():
    resolver = memory(1)
    resolver._learn("nobody", None, True, 10.0)
    assert await resolver.fetch("nobody", 11.0) is None
    assert resolver._counters[SLOT["scanway_edge_negative_hits"]] == 0


def test_one_who_cannot_be_answered_does_not_keep_the_others_waiting():
    resolver = memory(1)
    resolver._learn("nobody", None, True, time.monotonic())
    told = []

    def fails(known):
        raise RuntimeError("gone")

    for then in (fails, told.append):
        resolver.later("nobody", then)
    resolver._take()
    assert told == [None]
    assert resolver._counters[SLOT["scanway_edge_negative_hits"]] == 2
    assert resolver._counters[SLOT["scanway_edge_faults"]] == 1
