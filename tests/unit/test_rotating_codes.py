"""Codes that change every 15 seconds: those of now and of one step before and after are taken, no others."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from control_plane.passes import rotating
from edge import base45, token

SECRETS = st.binary(min_size=32, max_size=32)
UIDS = st.binary(min_size=10, max_size=10)
STEPS = st.integers(min_value=10, max_value=2**33)
WITHIN = st.floats(min_value=0, max_value=14.9)
START = datetime(1970, 1, 1, tzinfo=UTC)


def at(step: int, within: float = 0) -> datetime:
    return START + timedelta(seconds=step * rotating.STEP + within)


@given(SECRETS, STEPS, WITHIN, st.integers(min_value=-1, max_value=1))
def test_a_neighbouring_step_is_accepted(secret: bytes, step: int, within: float, away: int) -> None:
    code = rotating.code(secret, step + away)
    assert len(code) == rotating.LENGTH
    assert rotating.is_current(code, secret, at(step, within))


@given(SECRETS, STEPS, WITHIN, st.integers(min_value=-(2**32), max_value=2**32))
@example(bytes(32), 118_000_000, 0.0, -2)
@example(bytes(32), 118_000_000, 14.9, 2)
@example(bytes(32), 118_000_000, 0.0, -3)
def test_every_other_step_is_refused(secret: bytes, step: int, within: float, away: int) -> None:
    assume(abs(away) > 1 and step + away >= 0)
    # Two of 2^40 may be equal; then it is no other code.
    code = rotating.code(secret, step + away)
    assume(code not in {rotating.code(secret, step + near) for near in (-1, 0, 1)})
    assert not rotating.is_current(code, secret, at(step, within))


@given(SECRETS, UIDS, UIDS, STEPS)
def test_every_other_pass_has_other_codes(program: bytes, own: bytes, other: bytes, step: int) -> None:
    assume(own != other)
    code = rotating.code(rotating.pass_secret(program, other), step)
    assert not rotating.is_current(code, rotating.pass_secret(program, own), at(step))


@given(SECRETS, SECRETS, UIDS, STEPS)
def test_every_other_program_has_other_codes(one: bytes, other: bytes, uid: bytes, step: int) -> None:
    assume(one != other)
    code = rotating.code(rotating.pass_secret(other, uid), step)
    assert not rotating.is_current(code, rotating.pass_secret(one, uid), at(step))


@given(SECRETS, STEPS, st.text(max_size=12))
def test_no_text_but_the_code_is_accepted(secret: bytes, step: int, text: str) -> None:
    assume(text not in {rotating.code(secret, step + near) for near in (-1, 0, 1)})
    assert not rotating.is_current(text, secret, at(step))


@given(
    st.sampled_from([44, 92]).flatmap(lambda size: st.binary(min_size=size, max_size=size)), SECRETS, STEPS
)
def test_token_and_code_come_apart_as_they_were_put_together(data: bytes, secret: bytes, step: int) -> None:
    data = b"\x01" + data[1:]  # the version; it may make the text begin with a space
    text, code = base45.encode(data), rotating.code(secret, step)
    for scanned in (text + code, f"{text}{code}\r\n", (text + code).strip()):
        found, changing = rotating.split(scanned)
        assert (found.strip(), changing) == (text.strip(), code)
    assert rotating.split(text) == (text, "")


@given(st.integers(min_value=0, max_value=200))
def test_an_address_is_never_cut(length: int) -> None:
    address = "https://go.example.com/" + "a" * length
    assert rotating.split(address) == (address, "")


@pytest.mark.parametrize("size", [44, 92])
def test_a_token_with_a_code_is_no_token_elsewhere(size: int) -> None:
    """What does not know of codes refuses it whole, instead of reading half of it."""
    with pytest.raises(token.NotAToken):
        token.parse(base45.encode(b"\x01" + bytes(size - 1)) + rotating.code(bytes(32), 1))


def test_the_code_is_what_other_implementations_make_of_it() -> None:
    """HMAC-SHA256 by the book, so that a phone and a gate offline may have their own."""
    import hashlib
    import hmac

    program, uid, step = bytes(range(32)), bytes(range(10)), 118_000_000
    secret = hmac.new(program, b"scanway rotating pass 1\0" + uid, hashlib.sha256).digest()
    assert rotating.pass_secret(program, uid) == secret
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
    assert base45.decode(rotating.code(secret, step)) == mac[:5]
    assert rotating.step_of(at(step, 14.999)) == step


def test_negative_control_a_wider_skew_takes_a_screenshot(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = bytes(32)
    old = rotating.code(secret, 1000)
    assert not rotating.is_current(old, secret, at(1003))
    monkeypatch.setattr(rotating, "SKEW", 3)
    assert rotating.is_current(old, secret, at(1003))
