import hmac
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy
import pytest
import segno
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge import base45
from edge.token import (
    MAX_TEXT,
    Algorithm,
    Claims,
    Key,
    KeyState,
    Kind,
    NotAToken,
    TokenError,
    Verdict,
    Window,
    compact,
    decode,
    encode,
    generate,
    link,
    parse,
    sign,
    verify,
    window,
)

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LAST = EPOCH + 0xFFFFFF * MINUTE
BASE = "http://go.example.com"
ALPHANUMERIC = set(base45.ALPHABET)
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# The order of the group of Ed25519 (RFC 8032, section 5.1).
L = 2**252 + 27742317777372353535851937790883648493

KEYS = {algorithm: Key(7, algorithm, KeyState.ACTIVE, *generate(algorithm)) for algorithm in list(Algorithm)}
CLAIMS = Claims(
    key=7,
    workspace=3,
    kind=Kind.TICKET,
    program=12,
    pass_id=bytes(range(10)),
    not_before=datetime(2026, 6, 1, 18, tzinfo=UTC),
    not_after=datetime(2026, 6, 2, 2, tzinfo=UTC),
)


def moments(first, last):
    since = st.timedeltas(first - EPOCH, last - EPOCH)
    zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.builds(lambda delta, zone: (EPOCH + delta).astimezone(zone), since, zones)


starts = moments(EPOCH + MINUTE, LAST + MINUTE - timedelta(microseconds=1))
ends = moments(EPOCH, LAST - MINUTE)


claims_of_any_pass = st.builds(
    Claims,
    key=st.integers(0, 0xFFFF),
    workspace=st.integers(0, 0xFFFFFFFF),
    kind=st.sampled_from(Kind),
    program=st.integers(0, 0xFFFFFFFF),
    pass_id=st.binary(min_size=10, max_size=10),
    not_before=st.none() | starts,
    not_after=st.none() | ends,
)
algorithms = st.sampled_from(list(Algorithm))
each_algorithm = pytest.mark.parametrize("algorithm", list(Algorithm))


class Everywhere(dict):
    """A key ring that has this one key under every number."""

    def __init__(self, key):
        self.key = key

    def get(self, number, default=None):
        return self.key


def rounded(claims):
    """The claims as a payload keeps them, by other arithmetic than the encoder's."""
    start, end = claims.not_before, claims.not_after
    if start is not None:
        start = start.astimezone(UTC).replace(second=0, microsecond=0)
    if end is not None:
        whole = end.astimezone(UTC).replace(second=0, microsecond=0)
        end = whole if whole == end else whole + MINUTE
    return replace(claims, not_before=start, not_after=end)


def is_accepted(data, key):
    """Whether a gate lets these bytes in that looks at nothing but the signature."""
    try:
        token = parse(compact(data))
    except NotAToken:
        return False
    return verify(token, Everywhere(key), workspace=token.claims.workspace) == Verdict.OK


def refused(text):
    with pytest.raises(NotAToken) as caught:
        parse(text)
    assert str(caught.value).endswith(".")
    return caught.value


# Round trips


@given(claims_of_any_pass, algorithms)
def test_every_pass_comes_back_from_each_of_its_texts(claims, algorithm):
    key = replace(KEYS[algorithm], number=claims.key)
    data = sign(claims, key)
    token = parse(compact(data))
    assert token.claims == rounded(claims)
    assert token.payload + token.signature == data
    assert len(token.payload) == 28
    assert verify(token, {claims.key: key}, workspace=claims.workspace) == Verdict.OK
    plain = link(data, BASE).rpartition("/")[2]
    for text in (
        plain,
        plain.lower(),
        link(data, BASE),
        link(data, BASE).lower(),
        f"\r\n {compact(data)}\t\n",
    ):
        assert parse(text) == token


@given(claims_of_any_pass)
def test_claims_are_rounded_once(claims):
    payload = encode(claims)
    assert decode(payload) == rounded(claims)
    assert encode(decode(payload)) == payload


@given(st.sampled_from(Kind), st.binary(min_size=25, max_size=25))
def test_every_payload_has_claims_of_its_own(kind, rest):
    payload = b"\1" + rest[:6] + bytes([kind]) + rest[6:] + b"\0"
    for last in (0, 1, 254, 255):
        payload = payload[:-1] + bytes([last])
        assert encode(decode(payload)) == payload


def test_the_format_of_printed_passes_never_changes():
    key = Key(7, Algorithm.HMAC, KeyState.ACTIVE, bytes(range(32)), b"")
    data = sign(CLAIMS, key)
    assert data.hex() == (
        "01" "0007" "00000003" "01" "0000000c" "00010203040506070809" "337f98" "338178"
        "9443ceaa40bc2321f46ea18f5727ce6d"
    )  # fmt: skip
    assert compact(data) == "V50$*00004H0000C00100KB0*M0DY0W01/M6%AJOGGKXIV5QC88%J4O+U4JK 0BF4Q"
    ed25519 = Key(
        7, Algorithm.ED25519, KeyState.ACTIVE, bytes(range(32)), b"not looked at when signing......"
    )
    assert sign(CLAIMS, ed25519)[28:].hex() == (
        "3f3e534b16d90ebfd4bf2facb6577f7f3cfc5be704c7d0d8a82ec7f215758ed0"
        "0170f683f1c25e806cd2a8adbd7c34e6694b7fa1ca7f6185016a02844d43c407"
    )


@each_algorithm
def test_no_character_at_either_end_is_lost_with_the_white_space(algorithm):
    for number in range(0, 1 << 16, 256):
        data = sign(replace(CLAIMS, key=number), replace(KEYS[algorithm], number=number))
        assert parse(compact(data)) == parse(compact(data).strip()) == parse(f"\n  {compact(data)} \n")
        assert parse(compact(data)).payload == data[:28]


# Signatures


@each_algorithm
def test_a_token_with_any_bit_flipped_is_refused(algorithm):
    key = KEYS[algorithm]
    data = sign(CLAIMS, key)
    assert is_accepted(data, key)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not is_accepted(bytes(flipped), key), f"byte {bit // 8}, bit {bit % 8}"


@given(claims_of_any_pass, algorithms, st.data())
def test_a_token_with_some_bytes_changed_is_refused(claims, algorithm, data):
    key = replace(KEYS[algorithm], number=claims.key)
    signed = sign(claims, key)
    changes = data.draw(st.dictionaries(st.integers(0, len(signed) - 1), st.integers(1, 255), min_size=1))
    changed = bytes(byte ^ changes.get(at, 0) for at, byte in enumerate(signed))
    assert not is_accepted(changed, key)


@each_algorithm
def test_a_token_cut_short_or_made_longer_is_refused(algorithm):
    key = KEYS[algorithm]
    data = sign(CLAIMS, key)
    for size in range(len(data)):
        assert not is_accepted(data[:size], key)
    for more in range(1, 65):
        assert not is_accepted(data + bytes(more), key)
    token = parse(compact(data))
    for signature in (b"", token.signature[:-1], token.signature + b"\0", token.signature * 2):
        assert verify(replace(token, signature=signature), {7: key}, workspace=3) == Verdict.BAD_SIGNATURE


def test_the_algorithm_is_the_keys():
    by_mac, by_curve = KEYS[Algorithm.HMAC], KEYS[Algorithm.ED25519]
    for token_key, own_key in ((by_mac, by_curve), (by_curve, by_mac)):
        token = parse(compact(sign(CLAIMS, token_key)))
        assert verify(token, {7: token_key}, workspace=3) == Verdict.OK
        assert verify(token, {7: own_key}, workspace=3) == Verdict.BAD_SIGNATURE


def test_a_public_key_is_no_secret():
    own_key = KEYS[Algorithm.ED25519]
    forger = Key(7, Algorithm.HMAC, KeyState.ACTIVE, own_key.public, b"")
    forged = parse(compact(sign(CLAIMS, forger)))
    assert verify(forged, {7: forger}, workspace=3) == Verdict.OK
    for signature in (forged.signature, forged.signature * 4, forged.signature + bytes(48)):
        assert (
            verify(replace(forged, signature=signature), {7: own_key}, workspace=3) == Verdict.BAD_SIGNATURE
        )


def test_a_hmac_key_without_its_secret_verifies_nothing():
    payload = encode(CLAIMS)
    forged = payload + hmac.digest(b"", b"scanway pass 1\0" + payload, "sha256")[:16]
    blank = replace(KEYS[Algorithm.HMAC], secret=b"")
    assert verify(parse(compact(forged)), {7: blank}, workspace=3) == Verdict.BAD_SIGNATURE


@each_algorithm
def test_another_key_of_the_same_number_is_refused(algorithm):
    other = Key(7, algorithm, KeyState.ACTIVE, *generate(algorithm))
    token = parse(compact(sign(CLAIMS, other)))
    assert verify(token, {7: KEYS[algorithm]}, workspace=3) == Verdict.BAD_SIGNATURE


@each_algorithm
def test_what_is_signed_is_more_than_the_payload(algorithm):
    key, payload = KEYS[algorithm], encode(CLAIMS)
    if algorithm == Algorithm.HMAC:
        signature = hmac.digest(key.secret, payload, "sha256")[:16]
    else:
        signature = Ed25519PrivateKey.from_private_bytes(key.secret).sign(payload)
    assert not is_accepted(payload + signature, key)


def test_an_ed25519_signature_has_one_form():
    key = KEYS[Algorithm.ED25519]
    data = sign(CLAIMS, key)
    other = int.from_bytes(data[-32:], "little") + L
    assert not is_accepted(data[:-32] + other.to_bytes(32, "little"), key)


@given(st.binary(min_size=32, max_size=32).filter(any), st.binary(min_size=64, max_size=64))
def test_a_public_key_that_is_no_point_raises_nothing(public, signature):
    key = Key(7, Algorithm.ED25519, KeyState.ACTIVE, b"", public)
    token = parse(compact(encode(CLAIMS) + signature))
    assert verify(token, {7: key}, workspace=3) in (Verdict.OK, Verdict.BAD_SIGNATURE)


@each_algorithm
def test_a_blank_key_is_refused(algorithm):
    with pytest.raises(TokenError, match="Key 7 is blank"):
        replace(KEYS[algorithm], secret=bytes(32))
    with pytest.raises(TokenError, match="Key 7 is blank"):
        replace(KEYS[Algorithm.ED25519], public=bytes(32))


@each_algorithm
def test_another_workspace_is_refused(algorithm):
    key = KEYS[algorithm]
    token = parse(compact(sign(CLAIMS, key)))
    for workspace in (0, 2, 4, 3 << 8, 3 + (1 << 32)):
        assert verify(token, {7: key}, workspace=workspace) == Verdict.BAD_SIGNATURE


@each_algorithm
@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (KeyState.NEXT, Verdict.BAD_SIGNATURE),
        (KeyState.ACTIVE, Verdict.OK),
        (KeyState.VERIFY_ONLY, Verdict.OK),
        (KeyState.REVOKED, Verdict.REVOKED),
        # As a database gives them.
        ("revoked", Verdict.REVOKED),
        ("verify_only", Verdict.OK),
        ("lost", Verdict.BAD_SIGNATURE),
    ],
)
def test_the_state_of_the_key_decides(algorithm, state, verdict):
    data = sign(CLAIMS, KEYS[algorithm])
    key = replace(KEYS[algorithm], state=state)
    assert verify(parse(compact(data)), {7: key}, workspace=3) == verdict
    forged = parse(compact(data[:-1] + bytes([data[-1] ^ 1])))
    assert verify(forged, {7: key}, workspace=3) == Verdict.BAD_SIGNATURE
    assert verify(parse(compact(data)), {7: key}, workspace=4) == Verdict.BAD_SIGNATURE


@each_algorithm
def test_an_unknown_key_is_refused(algorithm):
    key = KEYS[algorithm]
    token = parse(compact(sign(CLAIMS, key)))
    assert verify(token, {}, workspace=3) == Verdict.BAD_SIGNATURE
    assert verify(token, {8: key}, workspace=3) == Verdict.BAD_SIGNATURE


def test_a_device_verifies_with_the_public_key_alone():
    key = KEYS[Algorithm.ED25519]
    token = parse(compact(sign(CLAIMS, key)))
    assert verify(token, {7: replace(key, secret=b"")}, workspace=3) == Verdict.OK


@each_algorithm
@pytest.mark.parametrize("state", [KeyState.NEXT, KeyState.VERIFY_ONLY, KeyState.REVOKED])
def test_only_an_active_key_signs(algorithm, state):
    with pytest.raises(TokenError, match=f"Key 7 is {state}. Only an active key signs"):
        sign(CLAIMS, replace(KEYS[algorithm], state=state))


@each_algorithm
def test_a_key_signs_only_what_names_it_and_only_with_its_secret(algorithm):
    with pytest.raises(TokenError, match="The claims name key 7; this is key 8"):
        sign(CLAIMS, replace(KEYS[algorithm], number=8))
    with pytest.raises(TokenError, match="Key 7 has no secret here"):
        sign(CLAIMS, replace(KEYS[algorithm], secret=b""))


def test_a_key_shows_no_secret():
    for key in KEYS.values():
        assert "secret" not in repr(key)
        assert repr(key.secret) not in repr(key)


@pytest.mark.parametrize(
    ("number", "algorithm", "secret", "public", "message"),
    [
        (-1, Algorithm.HMAC, 32, 0, "The number of a key is from 0 to 65535; this one is -1"),
        (65536, Algorithm.HMAC, 32, 0, "this one is 65536"),
        (7, Algorithm.HMAC, 31, 0, "A secret key has 32 bytes; this one has 31"),
        (7, Algorithm.HMAC, 32, 32, "The public key of hs256-128 has 0 bytes; this one has 32"),
        (7, Algorithm.ED25519, 32, 0, "The public key of ed25519 has 32 bytes; this one has 0"),
        (7, Algorithm.ED25519, 64, 32, "A secret key has 32 bytes; this one has 64"),
    ],
)
def test_a_key_whose_parts_do_not_fit_is_refused(number, algorithm, secret, public, message):
    with pytest.raises(TokenError, match=message):
        Key(number, algorithm, KeyState.ACTIVE, b"s" * secret, b"p" * public)


# Claims and times


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": 65536}, "The number of a key is from 0 to 65535; this one is 65536"),
        ({"workspace": 1 << 32}, "The number of a workspace is from 0 to 4294967295"),
        ({"program": -1}, "The number of a program is from 0 to 4294967295; this one is -1"),
        ({"kind": 0}, "There is no pass of kind 0"),
        ({"kind": 4}, "There is no pass of kind 4"),
        ({"pass_id": bytes(9)}, "A pass id has 10 bytes; this one has 9"),
        ({"pass_id": bytes(11)}, "A pass id has 10 bytes; this one has 11"),
        ({"not_before": CLAIMS.not_before.replace(tzinfo=None)}, "2026-06-01 18:00:00 has no time zone"),
        ({"not_after": CLAIMS.not_before.replace(tzinfo=None)}, "2026-06-01 18:00:00 has no time zone"),
        ({"not_before": EPOCH + MINUTE - timedelta(microseconds=1)}, "between 1 January 2020"),
        ({"not_before": LAST + MINUTE}, "between 1 January 2020 and 24 November 2051"),
        ({"not_after": EPOCH - MINUTE}, "not 2019-12-31 23:59"),
        ({"not_after": LAST - MINUTE + timedelta(microseconds=1)}, "24 November 2051"),
        ({"not_before": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, "not 0001-01-01"),
        ({"not_after": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))}, "not 9999-12-31"),
    ],
)
def test_claims_that_do_not_fit_are_refused(change, message):
    with pytest.raises(TokenError, match=message) as caught:
        encode(replace(CLAIMS, **change))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("change", "at", "encoded"),
    [
        ({"not_before": None}, 22, "000000"),
        ({"not_before": EPOCH + MINUTE}, 22, "000001"),
        ({"not_before": LAST + timedelta(seconds=59)}, 22, "ffffff"),
        ({"not_after": None}, 25, "ffffff"),
        ({"not_after": EPOCH}, 25, "000000"),
        ({"not_after": EPOCH + timedelta(microseconds=1)}, 25, "000001"),
        ({"not_after": LAST - MINUTE}, 25, "fffffe"),
    ],
)
def test_times_at_their_bounds(change, at, encoded):
    claims = replace(CLAIMS, **change)
    payload = encode(claims)
    assert payload[at : at + 3].hex() == encoded
    assert decode(payload) == rounded(claims)


@pytest.mark.parametrize("size", [0, 27, 29])
def test_a_payload_of_another_size_has_no_claims(size):
    with pytest.raises(TokenError, match=f"this one has {size}"):
        decode(bytes(size))


def test_the_start_is_in_the_window_and_the_end_is_not():
    start, end = CLAIMS.not_before, CLAIMS.not_after
    step = timedelta(microseconds=1)
    assert window(CLAIMS, start - step) == Window.NOT_YET_VALID
    assert window(CLAIMS, start) == window(CLAIMS, end - step) == Window.OK
    assert window(CLAIMS, end) == Window.EXPIRED


def test_a_window_may_be_open_at_either_end():
    long_ago, far_away = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert window(replace(CLAIMS, not_before=None), long_ago) == Window.OK
    assert window(replace(CLAIMS, not_after=None), far_away) == Window.OK
    always = decode(encode(replace(CLAIMS, not_before=None, not_after=None)))
    assert window(always, long_ago) == window(always, far_away) == Window.OK


@given(claims_of_any_pass, starts)
def test_rounding_shortens_no_window(claims, now):
    if window(claims, now) == Window.OK:
        assert window(decode(encode(claims)), now) == Window.OK


# Texts


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"\xff\xff", "FGW"),
        (b"\xff", "U5"),
        (b"\0\0\0", "00000"),
    ],
)
def test_base45_as_rfc_9285_has_it(data, text):
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary())
def test_base45_of_any_bytes_comes_back(data):
    assert base45.decode(base45.encode(data)) == data


@given(st.text(base45.ALPHABET, max_size=12))
def test_bytes_have_one_base45(text):
    try:
        data = base45.decode(text)
    except base45.Base45Error:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A", "No Base45 has 1 characters"),
        ("BB8B", "No Base45 has 4 characters"),
        ("GGW", "The characters from 1 on stand for more than 2 bytes can hold"),
        (":::", "more than 2 bytes"),
        ("V5", "The characters from 1 on stand for more than 1 bytes can hold"),
        ("BB8::", "The characters from 4 on"),
        ("bb8", "Base45 has no character 'b'"),
        ("BB\n", "Base45 has no character"),
        ("BB\u0668", "Base45 has no character"),
        ("B=8", "Base45 has no character '='"),
    ],
)
def test_bad_base45_is_refused(text, message):
    with pytest.raises(base45.Base45Error, match=message):
        base45.decode(text)


@pytest.mark.parametrize(
    ("algorithm", "base45_length", "base32_length"), [(Algorithm.HMAC, 66, 71), (Algorithm.ED25519, 138, 148)]
)
def test_texts_fit_the_alphanumeric_mode_of_a_qr_code(algorithm, base45_length, base32_length):
    data = sign(CLAIMS, KEYS[algorithm])
    assert len(compact(data)) == base45_length
    assert set(compact(data)) <= ALPHANUMERIC
    for base in (BASE, f"{BASE}/", "HTTP://GO.EXAMPLE.COM"):
        address = link(data, base)
        assert address.startswith("HTTP://GO.EXAMPLE.COM/T/")
        assert len(address.rpartition("/")[2]) == base32_length
        assert set(address) <= ALPHANUMERIC


@pytest.mark.parametrize(
    ("base", "start"),
    [
        ("https://go.example.com:8443", "HTTPS://GO.EXAMPLE.COM:8443/T/"),
        ("https://example.com/Shop", "https://example.com/Shop/T/"),
        ("https://example.com/Shop/", "https://example.com/Shop/T/"),
        ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080/T/"),
        ("https://my_host.example", "https://my_host.example/T/"),
        ("https://münchen.example", "https://münchen.example/T/"),
        ("https://User@example.com", "https://User@example.com/T/"),
    ],
)
def test_a_link_can_be_read_whatever_its_base(base, start):
    data = sign(CLAIMS, KEYS[Algorithm.HMAC])
    assert link(data, base).startswith(start)
    assert parse(link(data, base)) == parse(compact(data))


@pytest.mark.parametrize(
    ("algorithm", "form", "versions"),
    [
        (Algorithm.HMAC, "compact", {"L": 3, "M": 4, "Q": 4}),
        (Algorithm.HMAC, "link", {"L": 4, "M": 5, "Q": 6}),
        (Algorithm.ED25519, "compact", {"L": 5, "M": 6, "Q": 8}),
        (Algorithm.ED25519, "link", {"L": 6, "M": 7, "Q": 9}),
    ],
)
def test_symbols_stay_small_and_a_reader_gives_the_pass_back(algorithm, form, versions):
    # The Base45 of this key begins with a space.
    key = replace(KEYS[algorithm], number=1280)
    data = sign(replace(CLAIMS, key=1280), key)
    text = compact(data) if form == "compact" else link(data, BASE)
    for error, version in versions.items():
        symbol = segno.make(text, error=error, micro=False, boost_error=False)
        assert (symbol.version, symbol.mode) == (version, "alphanumeric")
        picture = io.BytesIO()
        symbol.save(picture, kind="png", scale=4)
        (found,) = zxingcpp.read_barcodes(
            numpy.asarray(Image.open(picture).convert("L")), formats=zxingcpp.BarcodeFormat.QRCode
        )
        assert parse(found.text) == parse(compact(data))


def urls_of_a_pass(text):
    return [
        f"http://a/t/{text}",
        f"https://go.example.com/T/{text.lower()}",
        f"HTTPS://GO.EXAMPLE.COM:8443/T/{text}",
        f"  https://example.com/t/{text}?utm_source=a b#top \r\n",
        f"https://example.com/t/{text}#/t/other",
        f"https://example.com/t/{text}?next=http://x/t/y",
        f"https://example.com/shop/t/{text}",
        f"https://user:secret@[2001:db8::1]/t/{text}",
        f"https://münchen.example/t/{text}",
        # As long as the Base45 and the Base32 of the other algorithm.
        f"http://{'a' * 57}/t/{text}",
        f"http://{'a' * 67}/t/{text}",
    ]


def test_urls_of_a_pass():
    data = sign(CLAIMS, KEYS[Algorithm.HMAC])
    urls = urls_of_a_pass(link(data, BASE).rpartition("/")[2])
    assert [len(url) for url in urls[-2:]] == [138, 148]
    for url in urls:
        assert parse(url) == parse(compact(data))


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "HTTPS://GO.EXAMPLE.COM/K7M2P9XQ4R",
        "https://example.com/t/",
        "https://example.com/t/ABC",
        f"https://example.com/t/{'A' * 70}",
        f"https://example.com/t/{'A' * 71}",
        f"https://example.com/t/{'1' * 71}",
        f"https://example.com/{'A' * 71}",
        f"https://t/{'A' * 71}",
        "https://example.com/?t=a b",
        f"HTTP://EXAMPLE.COM/{'A' * 47}",
        f"https://example.com/{'a' * MAX_TEXT}",
    ],
)
def test_a_web_link_that_is_no_pass_is_told_apart(url):
    assert refused(url).is_link
    assert refused(f" {url}\n").is_link


def test_a_url_of_a_pass_that_is_almost_right_is_refused():
    text = link(sign(CLAIMS, KEYS[Algorithm.HMAC]), BASE).rpartition("/")[2]
    for path in (f"/x/{text}", f"/t/{text}/", f"/t/{text}/x", f"/t/{text}=", f"//{text}", f"/t/x{text}"):
        assert refused(f"https://example.com{path}").is_link
    assert refused(f"https://example.com/t/{text}?{'x' * MAX_TEXT}").is_link


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \r\n",
        "9506000134352",
        "mailto:a@example.com",
        "ftp://example.com/t/x",
        "http://",
        "http:///t/x",
        "httpſ://example.com",
        "WIFI:S:net;;",
        "0" * 66,
        "A" * 71,
        "a" * 66,
        ":" * 66,
        "A" * 138,
        "A" * 148,
        "\ud800" * 66,
        "ß" * 71,
        "ı" * 71,
        "A" * (MAX_TEXT + 1),
    ],
)
def test_other_texts_are_no_pass_and_no_link(text):
    assert not refused(text).is_link


@given(st.text() | st.text("Tt/:.htpsHTPS \n?#AZ27=", max_size=160))
def test_no_text_raises_anything_else(text):
    for each in (
        text,
        f"https://example.com/t/{text}",
        f"http://{text}",
        text.ljust(66),
        text.ljust(71, "A"),
    ):
        try:
            parse(each)
        except NotAToken as error:
            assert str(error).endswith(".")


@given(
    st.sampled_from([(base45.ALPHABET, 66), (base45.ALPHABET, 138), (BASE32, 71), (BASE32, 148)]), st.data()
)
def test_no_text_of_the_right_length_raises_anything_else(shape, data):
    characters, length = shape
    text = data.draw(st.text(characters, min_size=length, max_size=length))
    try:
        token = parse(text)
    except NotAToken as error:
        assert str(error).endswith(".")
    else:
        assert encode(token.claims) == token.payload


@each_algorithm
def test_a_token_has_one_base32(algorithm):
    data = sign(CLAIMS, KEYS[algorithm])
    text = link(data, BASE).rpartition("/")[2]
    spare = len(text) * 5 - len(data) * 8
    last = BASE32.index(text[-1])
    assert last % (1 << spare) == 0
    for bits in range(1, 1 << spare):
        other = text[:-1] + BASE32[last | bits]
        for each in (other, other.lower(), f"{BASE}/T/{other}"):
            refused(each)


@each_algorithm
def test_base32_outside_its_alphabet_is_refused(algorithm):
    text = link(sign(CLAIMS, KEYS[algorithm]), BASE).rpartition("/")[2]
    for at in range(len(text)):
        for wrong in "01= -ıſß٢é":
            refused(f"{text[:at]}{wrong}{text[at + 1 :]}")


@pytest.mark.parametrize(("at", "value"), [(0, 0), (0, 2), (0, 255), (7, 0), (7, 4), (7, 255)])
def test_another_version_or_kind_is_refused_before_its_signature_is_looked_at(at, value):
    data = bytearray(sign(CLAIMS, KEYS[Algorithm.HMAC]))
    data[at] = value
    message = "This is no pass that this version of scanway knows."
    assert str(refused(link(bytes(data), BASE))) == message
    assert refused(link(bytes(data), BASE)).is_link
    assert str(refused(compact(bytes(data)))) == message
    assert not refused(compact(bytes(data))).is_link
