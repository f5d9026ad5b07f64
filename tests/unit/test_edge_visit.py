from hypothesis import given
from hypothesis import strategies as st

from analytics.events import decode_scan
from analytics.events.segment import MAX_PAYLOAD
from edge.decide import UNKNOWN
from edge.entry import UNREACHABLE
from edge.visit import MAX_FIELD, SMALL, encode_visit

HEADERS = {
    "host": "host",
    "user-agent": "user_agent",
    "accept-language": "accept_language",
    "referer": "referer",
    "accept": "accept",
    "sec-purpose": "purpose",
    "sec-fetch-mode": "sec_fetch_mode",
    "sec-ch-ua-platform": "ch_platform",
    "sec-ch-ua-mobile": "ch_mobile",
    "sec-ch-ua-model": "ch_model",
}
ascii_text = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
values = (
    ascii_text
    | st.just("Mozilla/5.0 Chrome/141.0 Mobile")
    | st.builds(lambda piece, times: piece * times, ascii_text, st.integers(1, 300))
)


def encode(headers, query="", code="a", ip="198.51.100.7"):
    host = headers.get("host", "")
    agent, languages = headers.get("user-agent", ""), headers.get("accept-language", "")
    return encode_visit(
        bytes(16), 1, UNREACHABLE, UNKNOWN, "GET", host, code, query, ip, agent, languages, headers.get, ""
    )


@given(st.dictionaries(st.sampled_from([*HEADERS, "cookie"]), values), values, st.text(max_size=64))
def test_no_request_makes_an_event_too_large_or_impossible_to_read(headers, query, code):
    payload = encode(headers, query, code)
    assert len(payload) < MAX_PAYLOAD / 4
    scan = decode_scan(payload)
    assert (scan.reason, scan.code) == ("unknown", code)
    sent = {field: headers.get(name, "") for name, field in HEADERS.items()} | {"query": query}
    if "Chrom" not in sent["user_agent"]:  # no other browser sends client hints: they are not looked up
        sent["ch_platform"] = ""
    if not sent["ch_platform"]:  # browsers send them together
        sent |= {"ch_mobile": "", "ch_model": ""}
    for field, value in sent.items():
        kept = getattr(scan, field)
        assert kept == value[: len(kept)]
        assert len(kept) == min(len(value), MAX_FIELD[field]) or len(payload) <= SMALL
        assert len(kept) <= max(MAX_FIELD[field], SMALL)


def test_an_older_name_of_purpose_is_read_too():
    assert decode_scan(encode({"purpose": "prefetch"})).purpose == "prefetch"


def test_cookies_and_credentials_are_never_recorded():
    headers = {"cookie": "secret", "authorization": "secret", "user-agent": "phone"}
    assert b"secret" not in encode(headers)
