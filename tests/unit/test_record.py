"""A link's record and its code, as the edge and the control plane share them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.code import ALPHABET, RANDOM_LENGTH, CodeError, check_own_code, normalise, random_code
from edge.record import DELETED, HEAD_SIZE, PAUSED, Record, RecordError, decode, encode

positive = st.integers(1, 2**63 - 1)
records = st.builds(
    Record,
    workspace_id=positive,
    link_id=positive,
    destination=st.text(max_size=200),
    version=positive,
    state=st.sampled_from(["a", PAUSED, DELETED]),
    status=st.sampled_from([301, 302, 303, 307, 308]),
    starts_at=st.none() | positive,
    expires_at=st.none() | positive,
)


@given(records)
def test_what_is_encoded_is_decoded(record: Record) -> None:
    assert decode(encode(record)) == record


@given(st.binary(max_size=60))
def test_other_bytes_are_refused_with_our_own_error(value: bytes) -> None:
    with contextlib.suppress(RecordError):
        decode(value)


def test_a_plain_link_is_small() -> None:
    destination = "https://example.com/"
    record = Record(workspace_id=12, link_id=345, destination=destination, version=7)
    assert len(encode(record)) - len(destination) < 24


def test_a_record_of_a_newer_format_says_so() -> None:
    value = encode(Record(workspace_id=1, link_id=1, destination="https://example.com/", version=1))
    with pytest.raises(RecordError, match="format 3"):
        decode(b"\x03" + value[1:])
    with pytest.raises(RecordError, match="more than 9 bytes"):
        decode(value[:HEAD_SIZE])


def test_random_codes_are_valid_and_differ() -> None:
    codes = {random_code() for _ in range(2000)}
    assert len(codes) == 2000
    for code in codes:
        assert len(code) == RANDOM_LENGTH
        assert set(code) <= set(ALPHABET)
        assert check_own_code(code) == code


@given(st.text(max_size=80))
def test_an_own_code_is_stored_in_one_form_or_refused(typed: str) -> None:
    try:
        code = check_own_code(typed)
    except CodeError as error:
        assert str(error).endswith(".")
    else:
        assert code == normalise(code) == check_own_code(code.upper())
        assert code.isascii()
        assert "/" not in code


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("ab", "at least 3"),
        ("a" * 65, "at most 64"),
        ("spring sale", "Use only letters"),
        ("-spring", "Use only letters"),
        ("späti", "Use only letters"),
        ("robots", "reserved"),
        ("spring\n", None),
    ],
)
def test_odd_codes_get_a_sentence(typed: str, sentence: str | None) -> None:
    if sentence is None:
        assert check_own_code(typed) == "spring"
    else:
        with pytest.raises(CodeError, match=sentence):
            check_own_code(typed)
