"""The way of a scan that is counted, asks for a password, or is of an unknown code; without a network."""

import asyncio
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from test_edge_fuzz import Protocol

from edge import app, settings
from edge import rules as r
from edge.counter import COUNT_SCRIPT
from edge.password import hash_password
from edge.record import EPOCH_KEY, Record, encode, key

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
HOME = "https://example.com/home"
EARLY = "https://example.com/early"
FORM = 'type="password"'


class Store:
    """Valkey as a dictionary that counts; its pub/sub is never asked."""

    def __init__(self):
        self.values = {EPOCH_KEY: b"epoch"}
        self.counted = 0

    async def get_many(self, keys):
        return [self.values.get(one) for one in keys]

    async def run_script(self, script, keys, args):
        if script != COUNT_SCRIPT:
            return args[0]  # the day's salt
        if args[2] == "1":  # a look
            return [self.counted + 1, 1]
        self.counted += 1
        return [self.counted, 1]

    async def aclose(self):
        pass


class Visitor:
    """Asks an edge, as a phone does."""

    def __init__(self, edge, store):
        self._edge = edge
        self.store = store

    async def __call__(self, target, method="GET", **form):
        path, _, query = target.partition("?")
        body = urlencode(form).encode()
        protocol = Protocol(body)
        headers = {"host": "go.example.com", "user-agent": IPHONE, "content-length": str(len(body))}
        scope = SimpleNamespace(
            path=path, query_string=query, method=method, headers=headers, client="203.0.113.9:5000",
            scheme="http", server="127.0.0.1:80", http_version="1.1",
        )  # fmt: skip
        await self._edge.__rsgi__(scope, protocol)
        ((status, answered, content),) = protocol.answers
        return status, dict(answered).get("location"), content.decode()


@pytest.fixture
async def ask(tmp_path, monkeypatch):
    store = Store()
    monkeypatch.setattr(app, "connect", lambda *_, **__: store)
    made = app.Edge(settings.Settings(spool=tmp_path, short_host="go.example.com", unknown_limit=2))
    made._links.start(asyncio.get_running_loop())
    made._sites.resolver.start(asyncio.get_running_loop())
    yield Visitor(made, store)
    await made.close()


@pytest.mark.parametrize("condition", [r.ScanNumber(first=1), r.Visitor(new=True)])
async def test_a_counted_rule_before_the_passwords_is_asked_first(ask, condition):
    rules = (r.Rule(when=condition, then=r.Redirect(to=EARLY)), r.Rule(then=r.Password()))
    ask.store.values[key("spring")] = encode(Record(7, 1, HOME, rules=rules, password=hash_password("x")))
    assert (await ask("/spring"))[:2] == (302, EARLY)


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (r.Rule(then=r.Password()), r.Rule(when=r.ScanNumber(first=5), then=r.Redirect(to=EARLY))),
        (
            r.Rule(when=r.Os(values=("ios",)), then=r.Password()),
            r.Rule(when=r.Visitor(new=True), then=r.Gone()),
        ),
    ],
)
async def test_who_does_not_come_in_uses_up_no_scan(ask, rules):
    record = Record(7, 1, HOME, rules=rules, password=hash_password("open sesame"), max_scans=1)
    ask.store.values[key("spring")] = encode(record)
    for _ in range(2):
        status, location, page = await ask("/spring")
        assert (status, location, FORM in page, ask.store.counted) == (200, None, True, 0)
    assert (await ask("/spring", "POST", password="open sesame"))[:2] == (303, HOME)
    assert ask.store.counted == 1


async def test_a_robot_or_a_preview_is_no_visitor(ask):
    rule = r.Rule(when=r.Visitor(new=True), then=r.Redirect(to=EARLY))
    ask.store.values[key("spring")] = encode(Record(7, 1, HOME, rules=(rule,)))
    assert (await ask("/spring", "HEAD"))[:2] == (302, HOME)
    assert (await ask("/spring+"))[0] == 200
    assert ask.store.counted == 0
    assert (await ask("/spring"))[:2] == (302, EARLY)


async def test_the_password_leads_on_with_the_query_that_was_scanned(ask):
    record = Record(7, 1, HOME, password=hash_password("open sesame"), pass_query=True)
    ask.store.values[key("spring")] = encode(record)
    scanned = '/spring?p=door-1&utm_source="><b>'
    for page in (await ask(scanned), await ask(scanned, "POST", password="wrong")):
        assert 'action="/spring?p=door-1&amp;utm_source=%22%3E%3Cb%3E"' in page[2]
        assert 'name="username" value="/spring"' in page[2]
    status, location, _ = await ask("/spring?p=door-1&utm_source=x", "POST", password="open sesame")
    assert (status, location) == (303, f"{HOME}?utm_source=x")


async def test_codes_are_not_guessed_faster_by_post(ask):
    found = [(await ask(f"/guess{number}", "POST", password="x"))[0] for number in range(4)]
    assert found == [405, 405, 429, 429]
