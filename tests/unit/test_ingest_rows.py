"""A scan becomes a row that fits its table and holds no address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.events import Scan, decode_scan, encode_scan
from analytics.ingest.rows import COLUMNS, Enricher
from analytics.ingest.ticks import ticks_of
from analytics.visitors.geo import Geo
from analytics.visitors.networks import known_networks

SALT = b"0123456789abcdef"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Mobile/15E148 Safari/604.1"
)
SCAN = Scan(
    event_id=bytes(range(16)),
    at=1_767_225_600_000_000,
    workspace_id=3,
    link_id=9,
    link_version=2,
    reason="ok",
    status=302,
    method="GET",
    host="Go.Example.com",
    code="menu",
    query="utm_source=poster",
    ip="81.2.69.142",
    user_agent=SAFARI,
    accept_language="en-GB,en;q=0.9",
    referer="https://www.instagram.com/",
    accept="text/html",
    sec_fetch_mode="navigate",
    placement="window-2",
    rule=3,
    variant=2,
)


@pytest.fixture(scope="module")
def enricher():
    return Enricher(Geo(), known_networks(), frozenset({"go.example.com"}))


def named(row):
    return dict(zip(COLUMNS, row, strict=True))


def change(**fields):
    return decode_scan(
        encode_scan(Scan(**({name: getattr(SCAN, name) for name in Scan.__struct_fields__} | fields)))
    )


def test_a_whole_row(enricher):
    row = named(enricher.row(SCAN, "chunk", SALT))
    assert str(row.pop("event_id")) == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert row.pop("visitor_id") > 0
    assert row == {
        "chunk_id": "chunk",
        "at": SCAN.at,
        "workspace_id": 3,
        "link_id": 9,
        "link_version": 2,
        "code": "menu",
        "host": "go.example.com",
        "reason": "ok",
        "status": 302,
        "method": "GET",
        "country": "GB",
        "region": "England",
        "city": "London",
        "continent": "EU",
        "device": "phone",
        "device_model": "iPhone",
        "os": "iOS",
        "browser": "Safari",
        "in_app": "",
        "referrer_host": "instagram.com",
        "utm_source": "poster",
        "utm_medium": "",
        "utm_campaign": "",
        "utm_term": "",
        "utm_content": "",
        "language": "en",
        "is_bot": 0,
        "bot_name": "",
        "bot_signals": (),
        "placement": "window-2",
        "rule": 3,
        "variant": 2,
    }


def test_a_bot_is_no_phone(enricher):
    row = named(enricher.row(change(user_agent="WhatsApp/2.23.20.0 A"), "c", SALT))
    assert (row["device"], row["is_bot"], row["bot_name"]) == ("bot", 1, "WhatsApp")


def test_our_own_page_is_no_referrer(enricher):
    for host in ("go.example.com", "192.168.1.2:8080"):
        row = named(enricher.row(change(host=host, referer=f"http://{host}/menu"), "c", SALT))
        assert row["referrer_host"] in ("", "(ip address)")


addresses = st.sampled_from(["81.2.69.142", "2a00:1450:4001:80b::200e", "10.11.12.13", "189.1.2.3"])


@given(addresses, st.text(max_size=40), st.text(max_size=40))
def test_no_column_holds_the_address_however_it_is_smuggled_in(enricher, ip, left, right):
    text = left + ip + right
    hidden = "".join(f"%{ord(each):02X}" for each in ip)
    scan = change(
        ip=ip,
        user_agent=text,
        referer=f"http://{ip}/{text}",
        query=f"utm_source={ip}&utm_medium={hidden}&utm_term={left}{hidden}",
        accept_language=text,
        accept=text,
        purpose=text,
        ch_model=f'"{text}"',
        ch_platform=text,
        placement=text,
    )
    assert ip not in repr(enricher.row(scan, "chunk", SALT))


anything = st.builds(
    Scan,
    event_id=st.binary(min_size=16, max_size=16),
    at=st.integers(-(2**63), 2**63 - 1),
    workspace_id=st.integers(-(2**63), 2**64 - 1),
    link_id=st.integers(-(2**63), 2**64 - 1),
    link_version=st.integers(-(2**63), 2**64 - 1),
    status=st.integers(-(2**31), 2**31),
    rule=st.integers(-(2**31), 2**31),
    variant=st.integers(-(2**31), 2**31),
    **{
        name: st.text(max_size=60)
        for name, kind in Scan.__annotations__.items()
        if kind is str and name not in {"reason"}
    },
    reason=st.text(max_size=40),
)


@given(anything)
def test_nothing_makes_a_row_fail_or_leave_its_columns(enricher, scan):
    row = enricher.row(decode_scan(encode_scan(scan)), "chunk", SALT)
    for (name, kind), value in zip(COLUMNS.items(), row, strict=True):
        if kind.startswith("UInt"):
            assert 0 <= value < 2 ** int(kind[4:]), name
        elif kind in ("String", "LowCardinality(String)"):
            assert len(value) <= 253, name
            value.encode()
    assert row == enricher.row(decode_scan(encode_scan(scan)), "chunk", SALT)


def test_ticks_count_people_and_bots_apart_and_leave_nobodys_codes_out(enricher):
    scans = [SCAN, change(user_agent="curl/8"), change(link_id=10, at=SCAN.at + 5), change(workspace_id=0)]
    ticks = ticks_of([enricher.row(scan, "c", SALT) for scan in scans])
    assert list(ticks) == [3]
    assert ticks[3].links == {"9": (1, 1), "10": (1, 0)}
    assert ticks[3].at == SCAN.at + 5
