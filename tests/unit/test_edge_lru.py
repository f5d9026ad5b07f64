from collections import OrderedDict
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from edge.entry import Entry, read
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
