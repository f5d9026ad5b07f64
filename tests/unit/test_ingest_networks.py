"""Whose address it is."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from analytics.visitors.networks import Kind, Network, Networks, known_networks


def test_ranges_are_found_with_their_name_and_kind():
    find = known_networks().find
    assert find("66.249.66.1") == Network("google-common-crawlers", Kind.CRAWLER)
    assert find("2a03:2880:1::1") == Network("facebookexternalhit", Kind.CRAWLER)
    assert find("149.154.160.3") == Network("telegrambot", Kind.CRAWLER)
    assert find("3.5.140.1") == Network("aws", Kind.HOSTING)
    assert find("104.16.1.1") == Network("cloudflare", Kind.RELAY)
    assert find("81.2.69.142") is None
    assert find("::ffff:66.249.66.1") == find("66.249.66.1")


def test_no_private_address_is_anybodys():
    # Upstream's scraped list of one crawler holds 192.168.1.0/24: every phone at home would be a bot.
    find = known_networks().find
    for address in (
        "192.168.1.1",
        "10.0.0.1",
        "127.0.0.1",
        "172.16.3.4",
        "203.0.113.5",
        "::1",
        "fe80::1",
        "2001:db8::1",
    ):
        assert find(address) is None


def test_what_is_not_an_address_belongs_to_nobody():
    for text in ("", "unix", "1.2.3", "999.1.1.1", "1.2.3.4:80"):
        assert known_networks().find(text) is None


blocks = st.builds(
    lambda first, length: str(ipaddress.ip_network((0x08080000 + first, length), strict=False)),
    st.integers(0, 255),
    st.integers(24, 32),
)


@given(st.dictionaries(st.sampled_from(["aws", "bingbot", "fastly", "gptbot"]), st.lists(blocks, max_size=6)))
def test_bisection_agrees_with_looking_at_every_range(ranges):
    networks = Networks(ranges)
    for last in range(0, 256, 5):
        address = ipaddress.ip_address(0x08080000 + last)
        holding = [
            (networks.find(str(address)), name, ipaddress.ip_network(block))
            for name, listed in ranges.items()
            for block in listed
            if address in ipaddress.ip_network(block)
        ]
        found = networks.find(str(address))
        if not holding:
            assert found is None
            continue
        kinds = {"aws": Kind.HOSTING, "bingbot": Kind.CRAWLER, "gptbot": Kind.CRAWLER, "fastly": Kind.RELAY}
        best = max(kinds[name] for _, name, _ in holding)
        longest = max(block.prefixlen for _, name, block in holding if kinds[name] is best)
        assert found is not None
        assert found.kind is best
        assert any(
            found.name == name and block.prefixlen == longest
            for _, name, block in holding
            if kinds[name] is best
        )
