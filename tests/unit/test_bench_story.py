"""A festival's evening: its books are what its scans say, and nobody comes with a photo before its pass."""

from collections import Counter

import pytest

from bench import story
from bench.story import GATES, SHARES, Passes
from edge import base45, token

PEOPLE, SECONDS = 400, 60.0


def texts(count: int, first: int = 0) -> list[str]:
    secret, public = token.generate(token.Algorithm.ED25519)
    key = token.Key(1, token.Algorithm.ED25519, token.KeyState.ACTIVE, secret, public)
    return [
        token.compact(
            token.sign(
                token.Claims(1, 1, token.Kind.TICKET, 1, (first + n).to_bytes(10, "big"), None, None), key
            )
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def evening() -> list[story.Scan]:
    counts = story.needed(PEOPLE)
    return story.write(
        Passes(
            texts(counts["valid"]),
            texts(counts["expired"], 1_000),
            texts(counts["early"], 2_000),
            texts(counts["other"], 3_000),
        ),
        SECONDS,
    )


def test_everybody_comes_once_and_the_books_say_so(evening: list[story.Scan]) -> None:
    people = [one for one in evening if one.kind == "person"]
    assert len({one.text for one in people}) == len(people) == PEOPLE
    books = story.books(evening)
    assert books["ok"] == PEOPLE
    expected = Counter({"ok": PEOPLE})
    for share, reason in SHARES.values():
        expected[reason] += round(PEOPLE * share)
    assert books == expected
    assert sum(books.values()) + sum(one.replayed for one in evening) == len(evening)


def test_a_copy_comes_after_its_pass_and_a_photo_to_another_gate(evening: list[story.Scan]) -> None:
    by_nonce = {one.nonce: one for one in evening if not one.replayed}
    assert [one.at for one in evening] == sorted(one.at for one in evening)
    assert evening[-1].at <= SECONDS
    for place, one in enumerate(evening):
        assert 0 <= one.gate < GATES
        if one.after:
            first = by_nonce[one.after]
            assert evening.index(first) < place
            assert first.text == one.text
            assert (one.gate == first.gate) == (one.kind != "screenshot")
        if one.replayed:
            assert one.nonce == one.after


def test_a_forged_one_is_a_genuine_one_but_for_a_bit(evening: list[story.Scan]) -> None:
    genuine = [int.from_bytes(base45.decode(one.text), "big") for one in evening if one.kind == "person"]
    forged = [int.from_bytes(base45.decode(one.text), "big") for one in evening if one.kind == "forged"]
    for one in forged:
        assert min((one ^ other).bit_count() for other in genuine) == 1
