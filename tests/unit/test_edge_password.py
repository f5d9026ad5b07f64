import hashlib
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import password
from edge.password import (
    LIFETIME,
    MAX_PASSWORD,
    PasswordLimit,
    cookie,
    cookie_name,
    hash_password,
    read_cookie,
    set_cookie,
    unlocked,
    verify,
)

HASH = hash_password("café")
OTHER = hash_password("café")
NOW = 1_800_000_000


def test_the_right_password_opens_and_no_other_does():
    assert verify(HASH, "café")
    for wrong in ("cafe", "Café", "café ", "", "x" * 300):
        assert not verify(HASH, wrong)


def test_two_hashes_of_one_password_differ_and_have_the_documented_form():
    assert HASH != OTHER
    name, log2_n, r, p, salt, digest = HASH.split("$")
    assert (name, log2_n, r, p) == ("scrypt", "14", "8", "1")
    assert (len(salt), len(digest)) == (22, 43)
    assert not set(salt + digest) - set(string.ascii_letters + string.digits + "-_")


def test_both_spellings_of_an_accent_are_the_same_password():
    assert verify(HASH, "cafe\N{COMBINING ACUTE ACCENT}")


def test_what_cannot_be_a_password_is_refused_with_a_reason():
    with pytest.raises(ValueError, match="at least one character"):
        hash_password("")
    with pytest.raises(ValueError, match="at most 256 characters; this one has 257"):
        hash_password("x" * (MAX_PASSWORD + 1))


@settings(max_examples=5, deadline=None)
@given(st.text(st.characters(), min_size=1, max_size=MAX_PASSWORD))
def test_any_text_can_be_a_password_and_opens_its_own_hash(text):
    assert verify(hash_password(text), text)


@given(st.text() | st.integers(0, len(HASH)).map(lambda at: HASH[:at]))
def test_a_damaged_hash_has_no_right_password_and_never_raises(damaged):
    if damaged != HASH:
        assert not verify(damaged, "café")


@pytest.mark.parametrize(
    "asks_too_much",
    [
        HASH.replace("$14$", "$30$"),
        HASH.replace("$14$", "$0$"),
        HASH.replace("$8$", "$9999$"),
        HASH.replace("$1$", "$999$"),
        HASH + "\n",
    ],
    ids=["n", "n too small", "r", "p", "line break"],  # the hash differs from process to process
)
def test_a_hash_that_asks_for_too_much_is_never_computed(asks_too_much, monkeypatch):
    monkeypatch.setattr(password, "_scrypt", None)
    assert not verify(asks_too_much, "café")


def test_no_changed_character_of_salt_or_hash_lets_in(monkeypatch):
    def cheap(text: str, salt: bytes, *_: int) -> bytes:
        return hashlib.sha256(salt + text.encode()).digest()

    monkeypatch.setattr(password, "_scrypt", cheap)
    good = hash_password("café")
    assert verify(good, "café")
    last_of_salt = good.rindex("$") - 1  # four of its six bits stand for nothing
    for at in range(len("scrypt$14$8$1$"), len(good)):
        if at != last_of_salt:
            assert not verify(good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :], "café")


def test_a_cookie_opens_its_link_until_it_expires():
    value = cookie(HASH, 7, NOW)
    assert unlocked(value, HASH, 7, NOW)
    assert unlocked(value, HASH, 7, NOW + LIFETIME - 1)
    assert not unlocked(value, HASH, 7, NOW + LIFETIME)
    assert not unlocked(cookie(HASH, 7, NOW, lifetime=60), HASH, 7, NOW + 60)


def test_a_cookie_is_good_for_one_link_and_one_password():
    value = cookie(HASH, 7, NOW)
    assert not unlocked(value, HASH, 8, NOW)
    assert not unlocked(value, OTHER, 7, NOW)
    assert not unlocked(cookie("", 7, NOW), "", 7, NOW)


def test_every_changed_character_of_a_cookie_is_refused():
    value = cookie(HASH, 7, NOW)
    for at, old in enumerate(value):
        for new in string.ascii_letters + string.digits + "-_.=":
            if new != old:
                assert not unlocked(value[:at] + new + value[at + 1 :], HASH, 7, NOW)


@given(st.text())
def test_nothing_that_we_did_not_sign_opens(value):
    assert not unlocked(value, HASH, 7, NOW)


@pytest.mark.parametrize("pad", ["0{}", " {}", "{} ", "{}\n", "+{}", "{}="])
def test_another_spelling_of_a_cookie_is_refused(pad):
    assert not unlocked(pad.format(cookie(HASH, 7, NOW)), HASH, 7, NOW)


def test_the_cookie_is_found_among_others():
    header = f"a=1; scanway_pw_77=no; {cookie_name(7)}=yes.x=y; b"
    assert read_cookie(header, 7) == "yes.x=y"
    assert read_cookie(header, 8) == ""
    assert read_cookie("", 7) == ""


def test_the_set_cookie_line_holds_every_guard():
    value = cookie(HASH, 7, NOW)
    assert set_cookie(value, 7, secure=True) == (
        f"scanway_pw_7={value}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
    )
    assert "Secure" not in set_cookie(value, 7, secure=False)
    assert read_cookie(set_cookie(value, 7, secure=True), 7) == value


def test_ten_wrong_tries_of_a_network_then_the_rest_of_the_minute_to_wait():
    limit = PasswordLimit()
    assert [limit.retry_after(f"192.0.2.{n}", 7, 5.0) for n in range(10)] == [0] * 10
    assert limit.retry_after("192.0.2.200", 7, 25.5) == 40
    assert limit.retry_after("192.0.2.200", 8, 25.5) == 0
    assert limit.retry_after("198.51.100.1", 7, 25.5) == 0
    assert limit.retry_after("192.0.2.200", 7, 65.0) == 0


def test_a_hundred_wrong_tries_of_a_link_from_anywhere():
    limit = PasswordLimit()
    assert all(limit.retry_after(f"10.0.{n}.1", 7, 0.0) == 0 for n in range(100))
    assert limit.retry_after("10.1.0.1", 7, 1.0) == 59
    assert limit.retry_after("10.1.0.1", 8, 1.0) == 0


def test_the_right_password_does_not_count():
    limit = PasswordLimit()
    for _ in range(200):
        assert limit.retry_after("192.0.2.1", 7, 0.0) == 0
        limit.succeeded("192.0.2.1", 7)
    limit.succeeded("192.0.2.1", 7)
    assert [limit.retry_after("192.0.2.1", 7, 0.0) for _ in range(11)] == [0] * 10 + [60]


def test_a_right_password_frees_one_try_not_all():
    limit = PasswordLimit(per_prefix=2)
    limit.retry_after("192.0.2.1", 7, 0.0)
    limit.retry_after("192.0.2.1", 7, 0.0)
    limit.succeeded("192.0.2.1", 7)
    assert limit.retry_after("192.0.2.1", 7, 0.0) == 0
    assert limit.retry_after("192.0.2.1", 7, 0.0) == 60


def test_the_memory_of_tries_is_bounded():
    limit = PasswordLimit(max_entries=50)
    for n in range(1000):
        limit.retry_after(f"10.{n // 250}.{n % 250}.1", n, 0.0)
        assert len(limit) <= 100
