from hypothesis import given
from hypothesis import strategies as st

from analytics.events import decode_scan
from analytics.events.segment import MAX_PAYLOAD
from edge.decide import UNKNOWN
from edge.visit import _FIELDS, MAX_FIELD, MAX_QUERY, NOBODY, SMALL, encode_visit, header_fields

values = st.binary(max_size=40) | st.builds(
    lambda piece, n: piece * n, st.binary(min_size=1), st.integers(1, 9000)
)


@given(
    st.lists(st.tuples(st.sampled_from([*_FIELDS, b"cookie"]), values), max_size=14),
    values,
    st.text(max_size=64),
)
def test_no_request_makes_an_event_too_large_or_impossible_to_read(headers, query, code):
    scope = {"method": "GET", "query_string": query, "headers": headers}
    fields = header_fields(headers)
    payload = encode_visit(bytes(16), 1, NOBODY, UNKNOWN, scope, code, "198.51.100.7", fields)
    assert len(payload) < MAX_PAYLOAD / 4
    scan = decode_scan(payload)
    assert scan.reason == "unknown"
    assert scan.code == code
    assert len(scan.query) <= MAX_QUERY
    kept = [scan.host, scan.user_agent, scan.accept_language, scan.referer, scan.accept, scan.purpose]
    kept += [scan.sec_fetch_mode, scan.ch_platform, scan.ch_mobile, scan.ch_model]
    assert kept == [field[: len(short)] for field, short in zip(fields, kept, strict=True)]
    bounds = MAX_FIELD if len(payload) > SMALL else [SMALL] * len(kept)
    assert all(len(field) <= max(most, SMALL) for field, most in zip(kept, bounds, strict=True))


def test_cookies_and_credentials_are_never_recorded():
    headers = [(b"cookie", b"secret"), (b"authorization", b"secret"), (b"user-agent", b"phone")]
    scope = {"method": "GET", "query_string": b"", "headers": headers}
    fields = header_fields(headers)
    assert b"secret" not in encode_visit(bytes(16), 1, NOBODY, UNKNOWN, scope, "a", "", fields)
