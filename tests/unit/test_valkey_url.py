import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from analytics.valkey.shards import SLOTS, Shards, slot_of, tag
from analytics.valkey.url import Kind, ValkeyUrlError, parse


def test_one_server_in_all_its_forms():
    for text in ("redis://127.0.0.1:6379/0", "rediss://u:p@valkey.example/1", "unix:///run/valkey.sock"):
        assert (parse(text).kind, parse(text).text) == (Kind.SERVER, text)


def test_a_cluster():
    url = parse("redis+cluster://scan:p%40ss@10.0.0.1:7001,valkey.example,[::1]:7003")
    assert url.kind is Kind.CLUSTER
    assert url.hosts == (("10.0.0.1", 7001), ("valkey.example", 6379), ("::1", 7003))
    assert url.node(("::1", 7003)) == "redis://scan:p%40ss@[::1]:7003/0"


def test_sentinels_have_credentials_of_their_own():
    url = parse("rediss+sentinel://:secret@a,b:5000/main/3?sentinel_password=other&ssl_cert_reqs=none")
    assert (url.kind, url.hosts, url.service) == (Kind.SENTINEL, (("a", 26379), ("b", 5000)), "main")
    assert url.node(("c", 6379)) == "rediss://:secret@c:6379/3?ssl_cert_reqs=none"
    assert url.sentinel(("a", 26379)) == "rediss://a:26379/0?ssl_cert_reqs=none"
    assert url.sentinel_password == "other"
    assert "secret" not in repr(url)
    assert "other" not in repr(url)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a URL of Valkey"),
        ("localhost:6379", "is not a URL of Valkey"),
        ("http+cluster://:s3cret@host", "is not a URL of Valkey"),
        ("redis+moon://:s3cret@host", "is not a URL of Valkey"),
        ("redis://:s3cret@host:port/0", "is not a URL of Valkey"),
        ("redis://:s3cret@h1:6379,h2:6379", "is not a URL of Valkey"),
        ("redis://:s3cret@h1,h2", "names several hosts"),
        ("redis+cluster://", "wrong at host 1"),
        ("redis+cluster://:s3cret@h1:6379,", "wrong at host 2"),
        ("redis+cluster://:s3cret@h1:70000", "wrong at host 1"),
        ("redis+cluster://:s3cret/s3cret@h1:6379", "write @ as %40"),
        ("redis+cluster://:s3cret@s3cret@h1:6379", "write @ as %40"),
        ("redis+cluster://:s3cret@h1:6379/1", "which has only one"),
        ("redis+sentinel://:s3cret@h1:26379", "not what they watch"),
        ("redis+sentinel://:s3cret@h1:26379/main/one", "number of a database"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_quoted(text, says):
    with pytest.raises(ValkeyUrlError) as refused:
        parse(text, "SCANWAY_REDIS_PRIMARY_URL")
    assert says in str(refused.value)
    assert "SCANWAY_REDIS_PRIMARY_URL" in str(refused.value)
    assert "s3cret" not in str(refused.value)


@given(st.text(alphabet="ab{}é-", max_size=12))
def test_a_key_falls_into_the_slot_that_the_servers_compute(key):
    assert slot_of(key) == key_slot(key.encode())


def test_every_shard_has_keys_of_its_own():
    reply = [
        [5461, 10922, [b"10.0.0.2", 7002, b"id2", []], [b"10.0.0.4", 7004, b"id4", []]],
        [0, 5460, [b"", 7001, b"id1", []]],
        [10923, 16000, [None, 7003, b"id3", []]],
        [16001, 16002, [b"10.0.0.2", 7002, b"id2", []]],
    ]
    shards = Shards(reply, ("10.0.0.9", 6379))
    assert [(shard.address, shard.slot) for shard in shards] == [
        (("10.0.0.9", 7001), 0),
        (("10.0.0.2", 7002), 5461),
        (("10.0.0.9", 7003), 10923),
    ]
    for shard in shards:
        assert shards.of(f"scanway:epoch:{shard.tag}") == shard
    assert shards.of(f"x{tag(16001)}").address == ("10.0.0.2", 7002)
    assert shards.of(f"x{tag(SLOTS - 1)}") is None
    assert shards.has_primary(("10.0.0.2", 7002))
    assert not shards.has_primary(("10.0.0.4", 7004))
