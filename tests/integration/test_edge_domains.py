"""Several short domains on one edge: the host decides."""

import json

import pytest
from edge_process import until

from edge.record import Domain, Record, domain_key, encode_domain, link_name

HOST = "go.acme.example"


def link(link_id, destination):
    return Record(7, link_id, f"https://example.com/{destination}", version=1)


@pytest.fixture
def acme(valkey):
    domain = Domain(
        7,
        version=1,
        root="https://acme.example/",
        not_found="https://acme.example/lost",
        robots="User-agent: *\nAllow: /\n",
        favicon=b"\x89PNG icon",
        apple_apps=("TEAM123456.com.acme",),
        android_apps=(("com.acme", "AA:BB"), ("com.acme", "CC:DD")),
    )
    valkey.client.set(domain_key(HOST), encode_domain(domain))
    valkey.publish("menu", link(1, "default"))
    valkey.publish(link_name("menu", HOST), link(2, "acme"))
    return domain


def test_the_host_decides_whose_link_is_meant(valkey, start, acme):
    edge = start()
    for _ in range(2):
        assert edge.get("/menu", Host="go.example.com")[1]["location"] == "https://example.com/default"
        assert edge.get("/MENU", Host="GO.acme.example:8080")[1]["location"] == "https://example.com/acme"
        assert edge.get("/menu")[1]["location"] == "https://example.com/default"  # by address
    status, headers, body = edge.get("/menu", Host="evil.example")
    assert (status, headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert b"<html" not in body
    assert edge.get("/", Host="evil.example")[0] == 404
    assert edge.metric("scanway_edge_foreign_hosts_total") == 2
    status, headers, _ = edge.get("/nothing", Host=HOST)
    assert (status, headers["location"]) == (302, "https://acme.example/lost")
    assert edge.get("/nothing", Host="go.example.com")[0] == 404
    scans = edge.scans()
    assert {scan.host for scan in scans} == {
        "go.example.com", "GO.acme.example:8080", f"127.0.0.1:{edge.port}", HOST,
    }  # fmt: skip
    lost = next(scan for scan in scans if scan.host == HOST)
    assert (lost.reason, lost.workspace_id, lost.link_id) == ("unknown", 7, 0)


def test_a_domain_has_its_own_root_robots_icon_and_apps(valkey, start, acme):
    edge = start()
    status, headers, _ = edge.get("/", Host=HOST)
    assert (status, headers["location"]) == (302, "https://acme.example/")
    assert edge.get("/robots.txt", Host=HOST)[2] == b"User-agent: *\nAllow: /\n"
    assert b"Disallow: /" in edge.get("/robots.txt", Host="go.example.com")[2]
    status, headers, body = edge.get("/favicon.ico", Host=HOST)
    assert (status, headers["content-type"], body) == (200, "image/png", b"\x89PNG icon")
    apple = json.loads(edge.get("/.well-known/apple-app-site-association", Host=HOST)[2])
    assert apple["applinks"]["details"][0]["appIDs"] == ["TEAM123456.com.acme"]
    (statement,) = json.loads(edge.get("/.well-known/assetlinks.json", Host=HOST)[2])
    assert statement["target"]["sha256_cert_fingerprints"] == ["AA:BB", "CC:DD"]
    assert edge.get("/.well-known/assetlinks.json", Host="go.example.com")[0] == 404


def test_certificates_are_allowed_for_our_domains_alone(valkey, start, acme):
    edge = start()
    asked = {
        host: edge.get(f"/-/tls-allowed?domain={host}")[0]
        for host in ("go.example.com", HOST, "GO.ACME.example", "evil.example", "127.0.0.1", "")
    }
    assert asked == {
        "go.example.com": 200,
        HOST: 200,
        "GO.ACME.example": 200,
        "evil.example": 404,
        "127.0.0.1": 404,
        "": 404,
    }


def test_an_edited_or_removed_domain_is_heard_of(valkey, start, acme):
    edge = start()
    assert edge.get("/", Host=HOST)[1]["location"] == "https://acme.example/"
    valkey.client.set(domain_key(HOST), encode_domain(Domain(7, version=2, root="https://acme.example/2")))
    valkey.client.publish("scanway:invalidate", f"@{HOST}")
    until(lambda: edge.get("/", Host=HOST)[1]["location"] == "https://acme.example/2", "the edit is seen")
    valkey.client.delete(domain_key(HOST))
    valkey.client.publish("scanway:invalidate", f"@{HOST}")
    until(lambda: edge.get("/menu", Host=HOST)[0] == 404, "the domain is gone")
