"""How often somebody without a key may ask, told apart by address, which is written nowhere."""

import uuid
from typing import Any

import pytest
import redis
from console_stack import REDIS_URL, Tenant
from django.test import Client
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> float:
    """One window for the whole test, and of its own."""
    from control_plane.accounts import limits

    now = 1_800_000_015.0 + 60 * (uuid.uuid4().int % 1_000_000)
    monkeypatch.setattr(limits.time, "time", lambda: now)
    return now


def pair(code: str, address: str) -> Any:
    return Client(raise_request_exception=False, REMOTE_ADDR=address).post(
        "/api/v1/gate/pair", {"code": code}, content_type="application/json"
    )


def code_for(world: GateWorld) -> str:
    from control_plane.passes import devices

    own = {"workspace_id": world.workspace_id, "device_id": world.device.device_id}
    return devices.new_pairing_code(**own).code


def test_wrong_codes_are_limited_by_address(tenant: Tenant, minute: float) -> None:
    world = gate_world(tenant)
    wrong = f"swp_{'a' * 12}_{'b' * 43}"
    assert [pair(wrong, "203.0.113.7").status_code for _ in range(20)] == [401] * 20
    over = pair(wrong, "203.0.113.7")
    assert (over.status_code, over["Retry-After"]) == (429, "45")
    assert over.json()["detail"] == (
        "With wrong codes your network may send 20 requests a minute. Wait 45 s."
    )
    # Not even with a right one, which is not used up by that; somebody else is not held up.
    code = code_for(world)
    assert pair(code, "203.0.113.7").status_code == 429
    assert pair(code, "203.0.113.8").status_code == 200


def test_right_codes_are_no_wrong_ones_and_limited_too(
    tenant: Tenant, minute: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.api import gate

    monkeypatch.setattr(gate, "PAIRINGS", 5)
    monkeypatch.setattr(gate, "WRONG_CODES", 1)
    world = gate_world(tenant)
    assert [pair(code_for(world), "203.0.113.9").status_code for _ in range(6)] == [200] * 5 + [429]


def test_the_page_of_a_pass_is_limited_by_address(minute: float, monkeypatch: pytest.MonkeyPatch) -> None:
    from control_plane.accounts import limits
    from control_plane.console.views.pass_status import VISITS

    def visit(address: str) -> Any:
        return Client(REMOTE_ADDR=address).get("/t/NO-SUCH-PASS")

    address = f"198.51.100.{uuid.uuid4().int % 256}"
    with redis.Redis.from_url(REDIS_URL) as valkey:
        before = set(valkey.scan_iter("scanway:rate:*"))
        assert visit(address).status_code == 404
        (name,) = set(valkey.scan_iter("scanway:rate:*")) - before
        assert name.startswith(b"scanway:rate:pass:")
        assert address.encode() not in name
        assert 0 < valkey.ttl(name) <= 120
        valkey.set(name, VISITS - 1, keepttl=True)
    assert visit(address).status_code == 404
    over = visit(address)
    assert (over.status_code, over["Retry-After"], over["Cache-Control"]) == (429, "45", "no-store")
    assert "Wait 45 seconds" in over.content.decode()
    assert visit("192.0.2.1").status_code == 404
    monkeypatch.setattr(limits, "_valkey", lambda: redis.Redis(port=1, socket_connect_timeout=0.1))
    assert visit(address).status_code == 404


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "0.0.0.0", True),
        ("testclient", "203.0.113.7", False),
    ],
)
def test_who_is_the_same_visitor(one: str, other: str, same: bool) -> None:
    from django.test import RequestFactory

    from control_plane.accounts.limits import visitor

    names = [visitor(RequestFactory(REMOTE_ADDR=address).get("/")) for address in (one, other)]
    assert (names[0] == names[1]) is same


def test_behind_a_proxy_the_visitors_address_counts() -> None:
    """What `X-Forwarded-For` says is believed from configured proxies only, before any limit sees it."""
    from django.test import RequestFactory

    from control_plane.accounts.limits import visitor
    from control_plane.proxies import ForwardedHeaders

    def seen(client: str) -> str:
        scope = {"type": "http", "client": (client, 1), "headers": [(b"x-forwarded-for", b"203.0.113.7")]}
        found = ForwardedHeaders(None, ["10.0.0.0/8"]).apply(scope)["client"][0]  # type: ignore[arg-type]
        return visitor(RequestFactory(REMOTE_ADDR=found).get("/"))

    direct = visitor(RequestFactory(REMOTE_ADDR="203.0.113.7").get("/"))
    assert seen("10.1.2.3") == direct
    assert seen("192.0.2.99") != direct
