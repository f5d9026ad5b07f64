"""Requests that nobody would write by hand. SCANWAY_FUZZ_CASES says how many; a million are an hour's worth.

The application as it is, without a network: what it answers must be well formed, and recorded exactly once.
"""

import asyncio
import os
import random
from types import SimpleNamespace

import pytest

from analytics.events import Reason, decode_scan, read_segment
from edge import app
from edge import rules as r
from edge.code import ALPHABET
from edge.metrics import scans_of
from edge.record import EPOCH_KEY, Domain, Record, domain_key, encode, encode_domain, key, link_name
from edge.settings import Settings

CASES = int(os.environ.get("SCANWAY_FUZZ_CASES", "20000"))
HOST = "go.acme.example"

RULES = (
    r.Rule(
        when=r.AtLeastOne(of=(r.Query(name="a"), r.Referrer(values=("example.com",)), r.InApp())),
        then=r.Redirect(
            to="https://example.com/{lang}/{placement}?c={country}", pass_query=True, utm={"source": "{code}"}
        ),
    ),
    r.Rule(
        when=r.AtLeastOne(of=(r.Language(values=("de",)), r.Os(values=("android", "ios")))),
        then=r.Notice(title="<script>", text="y"),
    ),
    r.Rule(when=r.Network(values=("10.0.0.0/8", "2001:db8::/32")), then=r.Gone()),
    r.Rule(
        when=r.Placement(),
        then=r.Split(
            variants=(r.Variant(to="https://a.example/{click_id}"), r.Variant(to="https://b.example/"))
        ),
    ),
)
STORED = {
    EPOCH_KEY: b"epoch",
    key("plain"): encode(Record(7, 1, "https://example.com/")),
    key("rules"): encode(Record(7, 2, "https://example.com/", rules=RULES, pass_query=True)),
    key("secret"): encode(Record(7, 3, "https://example.com/", password="scrypt$14$8$1$c2FsdHNhbHRzYWx0$x")),
    key("torn"): b"\x02torn record",
    key("01/09506000134352"): encode(Record(7, 4, "https://example.com/product")),
    domain_key(HOST): encode_domain(Domain(7, not_found="https://acme.example/lost")),
    key(link_name("plain", HOST)): encode(Record(7, 5, "https://acme.example/")),
}

WORDS = """
plain rules secret torn / // + /p/ .. 01/ 09506000134352 10/ 21/ -/ robots.txt favicon.ico .well-known/ p= a=
& = && %zz %c3 %0d%0a % ; ? # @ \\ {code} ' " <script> : 65536 , q= 0.5 en de-AT iPhone Android
10.1.2.3 [::1] 2001:db8::1 https:// example.com prefetch for= Mozilla/5.0 ( ) MicroMessenger/8
"""
PIECES = (*WORDS.split(), "\r\n", "\x00", "ü", "\u202e", "😀", " ", "a" * 70, "0" * 20, "x" * 3000, HOST)
NAMES = """
host user-agent accept-language referer accept sec-purpose purpose cookie x-forwarded-for forwarded
sec-ch-ua-platform sec-ch-ua-mobile content-length x-forwarded-proto
"""
HEADERS = NAMES.split()
HOSTS = ("go.example.com", HOST, "GO.EXAMPLE.COM:443", "127.0.0.1", "evil.example")
CODES = ("plain", "rules", "secret", "torn")
METHODS = ("GET",) * 12 + ("HEAD", "POST", "PUT", "OPTIONS", "get", "")


class Store:
    """Valkey as a dictionary; its pub/sub is never asked."""

    async def get_many(self, keys):
        await asyncio.sleep(0)
        return [STORED.get(one) for one in keys]

    async def run_script(self, script, keys, args):
        return [1, 1]

    async def aclose(self):
        pass


class Protocol:
    def __init__(self, body):
        self._body = body
        self.answers = []

    async def __call__(self):
        return self._body

    def response_empty(self, status, headers):
        self.answers.append((status, headers, b""))

    def response_bytes(self, status, headers, body):
        self.answers.append((status, headers, body))

    def response_str(self, status, headers, body):
        self.answers.append((status, headers, body.encode()))


def text(random, most):
    return "".join(random.choice(PIECES) for _ in range(random.randint(0, most)))


def request(random):
    code = random.choice(
        ("plain", "rules", "secret", "torn", "".join(random.choices(ALPHABET, k=10)), text(random, 4))
    )
    headers = {name: text(random, 4) for name in random.sample(HEADERS, random.randint(0, 6))}
    if random.random() < 0.8:
        headers["host"] = random.choice(HOSTS)
    scope = SimpleNamespace(
        path="/" + code + (text(random, 3) if random.random() < 0.4 else ""),
        query_string=text(random, 4) if random.random() < 0.5 else "",
        method=random.choice(METHODS),
        headers=headers,
        client=random.choice(("127.0.0.1:5000", "[::1]:5000", "10.0.0.1:1", "")),
        scheme="http",
        server="127.0.0.1:80",
        http_version="1.1",
    )
    return scope, Protocol(text(random, 3).encode("utf-8", "surrogatepass"))


@pytest.fixture
async def edge(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "connect", lambda *_, **__: Store())
    networks = Settings.__dataclass_fields__["trusted_proxies"].type and ()
    settings = Settings(
        spool=tmp_path, short_host="go.example.com", unknown_limit=0, trusted_proxies=networks
    )
    made = app.Edge(settings)
    made._links.start(asyncio.get_running_loop())
    made._sites.resolver.start(asyncio.get_running_loop())
    yield made
    await made.close()


async def test_every_request_gets_one_well_formed_answer_and_every_scan_one_event(edge, tmp_path):
    seed = random.randrange(2**32) if CASES > 20_000 else 20261121
    numbers = random.Random(seed)
    for case in range(CASES):
        scope, protocol = request(numbers)
        done, watcher = asyncio.Event(), SimpleNamespace(scope=scope, proto=protocol)
        watcher.done = done.set

        def by_loop(watcher, done=done):
            task = asyncio.ensure_future(edge.__rsgi__(watcher.scope, watcher.proto))
            task.add_done_callback(lambda _: done.set())

        edge.answer(watcher, by_loop)
        await asyncio.wait_for(done.wait(), 10)
        about = f"seed {seed}, case {case}: {scope}"
        assert len(protocol.answers) == 1, about
        status, headers, body = protocol.answers[0]
        assert 200 <= status < 600, about
        for name, value in headers:
            assert name.isascii() and name == name.lower(), about
            assert value.isascii() and value.isprintable(), about
        found = dict(headers)
        if 300 <= status < 400:
            location = found["location"]
            assert location.startswith("https://") and " " not in location, about
            assert location[8:].partition("/")[0] in {
                "example.com", "acme.example", "a.example", "b.example",
            }, about  # fmt: skip
        assert b"<script>" not in body, about
        assert not (scope.method == "HEAD" and body), about
    assert edge.metrics.counters[app.SLOT["scanway_edge_faults"]] == 0, seed
    assert edge.metrics.counters[app.SLOT["scanway_edge_spool_dropped"]] == 0
    slots = list(edge.metrics.counters)
    scans = sum(scans_of(slots, reason) for reason in Reason)
    await asyncio.to_thread(edge.recorder.close)
    events = [
        decode_scan(payload)
        for path in sorted(tmp_path.glob("sealed/*.seg"))
        for payload in read_segment(path.read_bytes()).payloads
    ]
    assert len(events) == scans > CASES / 2
    assert len({event.event_id for event in events}) == scans
    wanted = ["ok", "unknown", "password", "notice", "gone", "unavailable", "preview"]
    assert {event.reason for event in events} >= set(wanted)
