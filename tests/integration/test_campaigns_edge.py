"""What is saved here is what a real edge answers: domains, GS1 names, moves, limits, passwords, damage."""

import uuid
from urllib.parse import urlencode

import pytest
import redis
from console_stack import REDIS_URL
from edge_process import EdgeProcess, until
from test_campaigns_names import gtin

from edge import record

GOOD = "https://example.com/spring"
# A robot would be shown a link with a limit, and not be counted.
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36"
)


@pytest.fixture
def edge(tenant, valkey_server, tmp_path, monkeypatch):
    from dataclasses import replace

    from django.conf import settings

    from control_plane.campaigns.publish import sweep

    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, domain_check="off"))
    sweep()
    process = EdgeProcess(tmp_path / "spool", REDIS_URL, SCANWAY_UNKNOWN_LIMIT="0")
    yield process
    assert process.stop() == 0


@pytest.fixture
def make(tenant):
    from control_plane.campaigns.services import create_link

    return lambda **more: create_link(workspace_id=tenant.workspace_id, **({"destination": GOOD} | more))


def change(link, **changes):
    from control_plane.campaigns.services import update_link

    return update_link(workspace_id=link.workspace_id, link_id=link.pk, **changes)


def answers(edge, path, status, location=None, host="192.168.1.20:8080"):
    """Within a moment: edges hear of an edit."""

    def right():
        found = edge.get(path, host=host, user_agent=PHONE)
        return found[0] == status and (location is None or found[1].get("location") == location)

    return until(right, f"{host}{path} answers {status} {location or ''}")


def test_a_domain_and_its_links(edge, make, tenant):
    from control_plane.campaigns import domains
    from control_plane.campaigns.services import delete_link

    mine = {"workspace_id": tenant.workspace_id}
    host = f"go-{uuid.uuid4().hex[:12]}.example.com"
    answers(edge, "/", 404, host=host)
    domain = domains.create_domain(
        **mine,
        host=host,
        root_redirect="https://example.org/",
        not_found_redirect="https://example.org/lost",
        robots_txt="User-agent: *\nAllow: /",
    )
    answers(edge, "/", 302, "https://example.org/", host)
    assert edge.get("/robots.txt", host=host)[2] == b"User-agent: *\nAllow: /\n"
    answers(edge, "/no-such-code", 302, "https://example.org/lost", host)
    link = make()
    answers(edge, f"/{link.code}", 302, GOOD)
    change(link, domain_id=domain.pk)
    answers(edge, f"/{link.code}", 302, GOOD, host)
    answers(edge, f"/{link.code}", 410)
    domains.update_domain(**mine, domain_id=domain.pk, root_redirect="https://example.org/new")
    answers(edge, "/", 302, "https://example.org/new", host)
    delete_link(**mine, link_id=link.pk)
    answers(edge, f"/{link.code}", 410, host=host)
    domains.delete_domain(**mine, domain_id=domain.pk)
    answers(edge, "/", 404, host=host)
    answers(edge, f"/{link.code}", 404, host=host)


def test_a_gs1_name(edge, make):
    name = f"01/{gtin()}"
    link = make(gs1=name)
    answers(edge, f"/{name}", 302, GOOD)
    answers(edge, f"/{name}/10/LOT7", 302, GOOD)
    change(link, gs1="", destination="https://example.org/")
    answers(edge, f"/{name}", 410)
    other = make(gs1=f"{name}/10/LOT7", destination="https://example.org/lot")
    answers(edge, f"/{other.gs1}", 302, "https://example.org/lot")


def test_a_limit_and_its_reset(edge, make):
    from control_plane.campaigns import counts
    from control_plane.campaigns.services import reset_scans

    link = make(max_scans=3, fallback="https://example.org/sold-out")
    seen = [edge.get(f"/{link.code}", user_agent=PHONE)[1].get("location") for _ in range(5)]
    assert seen == [GOOD] * 3 + ["https://example.org/sold-out"] * 2
    counts.copy_back()
    reset_scans(workspace_id=link.workspace_id, link_id=link.pk)
    answers(edge, f"/{link.code}", 302, GOOD)
    with redis.Redis.from_url(REDIS_URL) as valkey:
        assert valkey.get(record.count_key(link.pk)) == b"1"


def test_rules_and_a_password(edge, make):
    rules = [
        {"when": {"type": "language", "values": ["de"]},
         "then": {"type": "redirect", "to": "https://example.org/de"}},
        {"when": {"type": "query", "name": "vip"}, "then": {"type": "password"}},
    ]  # fmt: skip
    link = make(rules=rules, password="open sesame")
    assert edge.get(f"/{link.code}", accept_language="de")[1]["location"] == "https://example.org/de"
    assert edge.location(link.code) == GOOD
    status, headers, _ = edge.get(f"/{link.code}?vip=1")
    assert (status, headers.get("location")) == (200, None)
    assert post(edge, f"/{link.code}?vip=1", "wrong sesame") == 403
    assert post(edge, f"/{link.code}?vip=1", "open sesame") in (302, 303)


def post(edge, path, password):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=10)
    try:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode({"password": password}), form)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_damaged_record_is_reported_by_the_edge_and_mended(edge, make):
    from control_plane.campaigns.publish import sweep

    link = make(rules=[{"then": {"type": "redirect", "to": "https://example.org/ruled"}}])
    with redis.Redis.from_url(REDIS_URL) as valkey:
        valkey.set(record.key(link.code), valkey.get(record.key(link.code))[:-3])
        assert edge.get(f"/{link.code}")[0] == 503
        until(lambda: valkey.sismember(record.DAMAGED_KEY, link.code), "the edge reports it")
        assert sweep().published >= 1
    answers(edge, f"/{link.code}", 302, "https://example.org/ruled")
