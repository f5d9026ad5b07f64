"""Short domains by API: the whole life of one, and what is refused."""

import base64
import io
import socket
import struct
import uuid
from typing import Any

import pytest
from api_client import GOOD, Api, problem
from console_stack import Tenant, new_tenant
from PIL import Image

FINGERPRINT = ":".join(["14", "6D", "E9", "83"] * 8)


@pytest.fixture
def api(tenant: Tenant) -> Api:
    return Api(tenant.key)


def new_host() -> str:
    return f"go-{uuid.uuid4().hex[:12]}.example.com"


def icon(side: int, kind: str = "PNG") -> str:
    out = io.BytesIO()
    Image.effect_noise((side, side), 80).convert("RGB").save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def picture_in_ico(side: int) -> str:
    """A PNG of side by side pixels, a few kB for millions of them, behind the head of an ICO file."""
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    png = out.getvalue()
    return base64.b64encode(struct.pack("<3H4B2H2I", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(png), 22) + png).decode()


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A host's addresses; what is not named does not exist."""
    known: dict[str, list[str]] = {"192.168.1.20": ["192.168.1.20"]}

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in known[host]]

    from control_plane.campaigns import dns as module

    monkeypatch.setattr(module.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(module, "_known", {})
    return known


def test_the_life_of_a_domain(api: Api, dns: dict[str, list[str]]) -> None:
    host = new_host()
    made = api(
        "POST",
        "/domains",
        {
            "host": f" {host.upper()}. ",
            "root_redirect": "https://example.com/",
            "favicon": icon(120),
            "apple_apps": ["9JA89QQLNQ.com.example.app"],
            "android_apps": [{"package": "com.example.app", "sha256": FINGERPRINT.replace(":", "").lower()}],
        },
    )
    assert made.status_code == 201, made.content
    domain = made.json()
    path = f"/domains/{domain['id']}"
    assert made["Location"] == f"/api/v1{path}"
    assert (domain["host"], domain["base_url"]) == (host, f"http://{host}:8080")
    assert (domain["verified_at"], domain["has_favicon"]) == (None, True)
    assert domain["android_apps"] == [{"package": "com.example.app", "sha256": FINGERPRINT}]
    assert api("GET", path).json() == domain
    assert api("GET", "/domains").json() == {"data": [domain], "next": None}

    assert "not in the DNS yet" in problem(api("POST", f"{path}/verify"), 422, "host")
    dns[host] = ["1.1.1.1", "10.2.3.4", "fe80::1%eth0"]
    sentence = problem(api("POST", f"{path}/verify"), 422, "host")
    assert "leads to 1.1.1.1 and a private address, not here" in sentence
    assert "192.168.1.20" in sentence
    dns[host] = ["1.1.1.1", "192.168.1.20"]
    verified = api("POST", f"{path}/verify").json()
    assert verified["verified_at"]
    assert api("POST", f"{path}/verify").json() == verified

    changed = api("PATCH", path, {"robots_txt": "User-agent: *\r\nDisallow:", "favicon": ""}).json()
    assert changed["robots_txt"] == "User-agent: *\nDisallow:\n"
    assert changed["has_favicon"] is False
    assert changed["root_redirect"] == "https://example.com/"

    link = api("POST", "/links", {**GOOD, "domain_id": domain["id"]}).json()
    assert "1 link uses" in problem(api("DELETE", path), 409, "host")
    api("DELETE", f"/links/{link['id']}")
    assert api("DELETE", path).status_code == 204
    problem(api("GET", path), 404)
    problem(api("PATCH", path, {"root_redirect": ""}), 404)
    problem(api("POST", f"{path}/verify"), 404)
    assert "no such domain" in problem(
        api("POST", "/links", {**GOOD, "domain_id": domain["id"]}), 422, "domain_id"
    )
    assert api("POST", "/domains", {"host": host}).status_code == 201


def test_a_host_is_the_workspaces_that_verified_it_first(api: Api, dns: dict[str, list[str]]) -> None:
    host = new_host()
    dns[host] = ["192.168.1.20"]
    other = Api(new_tenant().key)
    claims = [one("POST", "/domains", {"host": host}) for one in (other, api)]
    assert [claim.status_code for claim in claims] == [201, 201]
    assert "already" in problem(api("POST", "/domains", {"host": host.upper()}), 409, "host")
    theirs, mine = (f"/domains/{claim.json()['id']}" for claim in claims)
    assert api("POST", f"{mine}/verify").json()["verified_at"]
    sentence = problem(other("POST", f"{theirs}/verify"), 409, "host")
    assert "Another workspace has connected this domain already." in sentence
    assert other("GET", theirs).json()["verified_at"] is None
    assert api("DELETE", mine).status_code == 204
    assert other("POST", f"{theirs}/verify").json()["verified_at"]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "host", "required"),
        ({"host": "localhost"}, "host", "go.example.com"),
        ({"host": "https://go.example.com"}, "host", "without https://"),
        ({"host": "go.example.com:8080"}, "host", "without a port"),
        ({"host": "*.example.com"}, "host", "one host"),
        ({"host": "192.168.1.20"}, "host", "IP address"),
        ({"host": "go..example.com"}, "host", "not valid"),
        ({"host": "-go.example.com"}, "host", "not valid"),
        ({"host": "go_.example.com"}, "host", "not valid"),
        ({"host": "аррӏе.com"}, "host", "looks like"),
        ({"host": "127.0.0.1"}, "host", "IP address"),
        ({"host": 5}, "host", "text"),
        ({"root_redirect": "javascript:alert(1)"}, "root_redirect", "https://"),
        ({"not_found_redirect": "example.com"}, "not_found_redirect", "https://"),
        ({"robots_txt": "x" * 9000}, "robots_txt", "8,192"),
        ({"robots_txt": "a\x1bb"}, "robots_txt", "plain text"),
        ({"favicon": "not base64!"}, "favicon", "base64"),
        ({"favicon": base64.b64encode(b"<svg/>").decode()}, "favicon", "no image"),
        ({"favicon": icon(20)[:200]}, "favicon", "no image"),
        ({"favicon": picture_in_ico(5000)}, "favicon", "no image"),
        ({"apple_apps": ["com.example.app"]}, "apple_apps", "App 1"),
        ({"apple_apps": ["9JA89QQLNQ.com.example.app"] * 21}, "apple_apps", "At most 20"),
        ({"apple_apps": "9JA89QQLNQ.com.example.app"}, "apple_apps", "list"),
        ({"android_apps": [{"package": "app", "sha256": FINGERPRINT}]}, "android_apps", "App 1"),
        ({"android_apps": [{"package": "com.example.app", "sha256": "14:6D"}]}, "android_apps", "64"),
        ({"android_apps": [{"package": "com.example.app"}]}, "android_apps.0.sha256", "required"),
        ({"verified_at": "2027-01-01T00:00:00Z"}, "verified_at", "no field"),
    ],
)
def test_wrong_values_are_refused_by_name(api: Api, body: dict[str, Any], field: str, words: str) -> None:
    host = {} if "host" in body or not body else {"host": new_host()}
    assert words in problem(api("POST", "/domains", {**host, **body}), 422, field)
    if "host" not in body and body:
        domain = api("POST", "/domains", host).json()
        assert words in problem(api("PATCH", f"/domains/{domain['id']}", body), 422, field)
        assert api("GET", f"/domains/{domain['id']}").json() == domain


def test_our_own_hosts_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace
    from urllib.parse import urlsplit

    from django.conf import settings

    own = replace(
        settings.CONFIG,
        short_url=urlsplit("https://go.example.net"),
        console_url=urlsplit("https://links.example.net"),
    )
    monkeypatch.setattr(settings, "CONFIG", own)
    assert "default short domain" in problem(api("POST", "/domains", {"host": "GO.example.net"}), 422, "host")
    assert "console" in problem(api("POST", "/domains", {"host": "links.example.net"}), 422, "host")


def test_nobody_overwrites_what_they_have_not_seen(api: Api) -> None:
    made = api("POST", "/domains", {"host": new_host()})
    assert (made["ETag"], made.json()["version"]) == ('"1"', 1)
    path = f"/domains/{made.json()['id']}"
    assert api("GET", path)["ETag"] == '"1"'
    changed = api("PATCH", path, {"robots_txt": "a", "version": 1})
    assert (changed["ETag"], changed.json()["version"]) == ('"2"', 2)
    sentence = problem(api("PATCH", path, {"robots_txt": "b", "version": 1}), 409, "version")
    assert "This domain has changed since" in sentence
    assert "This domain" in problem(api("PATCH", path, {"robots_txt": "b"}, If_Match='"1"'), 412, "If-Match")
    assert api("GET", path).json()["robots_txt"] == "a\n"
    assert api("PATCH", path, {"robots_txt": "b"}, If_Match='"2"')["ETag"] == '"3"'


def test_a_host_cannot_change(api: Api) -> None:
    domain = api("POST", "/domains", {"host": new_host()}).json()
    assert "no field" in problem(api("PATCH", f"/domains/{domain['id']}", {"host": new_host()}), 422, "host")
