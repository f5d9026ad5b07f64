"""The pass on its holder's phone: behind a secret link, for this holder alone, and kept by nobody else."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_stack import Tenant
from django.test import Client
from gate_world import GateWorld, gate_world

pytestmark = pytest.mark.usefixtures("console")
ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "plate": "B AL 1815"}


def link(row: Any) -> str:
    """Its path, as the row is now."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import access
    from control_plane.passes.models import Pass

    with workspace_scope(row.workspace_id):
        return "/p/" + access.web_code(Pass.objects.get(id=row.pk))


def data(body: str) -> dict[str, Any]:
    found = re.search(r'<script id="pass-data" type="application/json">(.*?)</script>', body, re.DOTALL)
    assert found, body[:500]
    read: dict[str, Any] = json.loads(found[1])
    return read


def issued(tenant: Tenant, **settings: Any) -> tuple[GateWorld, Any, str]:
    world = gate_world(tenant, place="Town hall", time_zone="Europe/Berlin", **settings)
    row, text = world.issue_rows(holder=ADA)[0]
    return world, row, text


def test_the_link_shows_the_pass_and_its_holder(tenant: Tenant) -> None:
    starts = datetime(2030, 6, 1, 10, tzinfo=UTC)
    world, row, text = issued(tenant, starts_at=starts, ends_at=starts + timedelta(hours=8))
    answer = Client().get(link(row))
    body = answer.content.decode()
    assert answer.status_code == 200
    person = ("Ada Lovelace", "B AL 1815")
    when = ("Sat 1 Jun 2030, 12:00 – 20:00", "1 Jun 2030, 20:00", "Europe/Berlin", "Not yet valid")
    for shown in (world.program.name, "Town hall", *person, *when):
        assert shown in body
    found = data(body)
    assert found["text"] == text
    assert found["secret"] == ""
    assert found["from"] == starts.timestamp() * 1000
    assert Client().get(link(row).upper().replace("/P/", "/p/")).status_code == 200
    # The mail's address is nobody's business at the gate.
    assert "ada@example.com" not in body


def test_no_cache_no_search_engine_and_no_cookie_learns_of_it(tenant: Tenant) -> None:
    _, row, _ = issued(tenant)
    for path in (link(row), link(row) + "/manifest.json", "/p/" + "a" * 48):
        answer = Client().get(path)
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert not answer.cookies
        assert "script-src 'self'" in answer["Content-Security-Policy"]
    body = Client().get(link(row)).content.decode()
    assert not re.search(r"https?://(?!www\.w3\.org)", body), "something from another host"


def test_what_the_phone_keeps_is_all_there(tenant: Tenant) -> None:
    _, row, _ = issued(tenant)
    worker = Client().get("/p/sw.js")
    assert worker["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in worker  # its own folder, /p/, is enough
    kept = json.loads(re.search(r"const SHELL = (\[.*?\]);", worker.content.decode())[1])
    page = Client().get(link(row)).content.decode()
    asked = set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js|woff2|svg))"', page))
    assert asked <= set(kept)
    for path in kept:
        assert Client().get(path).status_code == 200, path
    manifest = Client().get(link(row) + "/manifest.json").json()
    assert manifest["start_url"] == link(row)
    assert manifest["scope"] == "/p/"


def test_a_link_cannot_be_guessed_nor_made_from_the_printed_code(tenant: Tenant) -> None:
    from base64 import b32decode, b32encode

    _, row, _ = issued(tenant)
    good = link(row)[3:]
    raw = bytearray(b32decode(good.upper()))
    for byte in range(len(raw)):
        for bit in (1, 128):
            changed = bytearray(raw)
            changed[byte] ^= bit
            answer = Client().get("/p/" + b32encode(changed).decode().lower())
            assert answer.status_code in (404, 410)
            assert "Ada" not in answer.content.decode()
    for bad in (good[:-1], good + "a", good[:-1] + "ä", "0" * 48, "a" * 48, "%00" * 16, "x" * 2000):
        assert Client().get(f"/p/{bad}").status_code == 404
    # Everything but the hash is in the printed code; a plain hash of it opens nothing.
    import hashlib

    guess = bytes(raw[:14]) + hashlib.sha256(bytes(raw[:14])).digest()[:16]
    assert Client().get("/p/" + b32encode(guess).decode().lower()).status_code == 410


def test_after_a_transfer_the_old_link_opens_nothing(tenant: Tenant) -> None:
    from control_plane.passes import issuing

    world, row, _ = issued(tenant)
    own = {"workspace_id": world.workspace_id}
    old = link(row)
    issuing.transfer(**own, pass_id=row.pk, holder={"name": "Grace Hopper"})
    for path in (old, old + "/manifest.json", old + "/pass.pkpass", old + "/google"):
        answer = Client().get(path)
        told = answer.content.decode()
        assert answer.status_code in (404, 410)
        assert "Grace" not in told
        assert "Ada" not in told
    assert "This link is out of date" in Client().get(old).content.decode()
    assert "Grace Hopper" in Client().get(link(row)).content.decode()
    # Back to the same person: still a new link, since somebody else may have had it meanwhile.
    issuing.transfer(**own, pass_id=row.pk, holder=ADA)
    assert Client().get(old).status_code == 410
    # What is no change of the holder keeps it.
    now = link(row)
    issuing.extend(**own, pass_id=row.pk, valid_from=None, valid_until=datetime.now(UTC) + timedelta(days=3))
    issuing.change_state(**own, pass_id=row.pk, to="held")
    assert "On hold" in Client().get(now).content.decode()


def test_negative_control_a_link_of_the_pass_alone_would_show_the_new_holder(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.passes import access, issuing, vault

    monkeypatch.setattr(
        access, "_access",
        lambda row: vault.keyed(bytes(row.uid), workspace_id=row.workspace_id, purpose="x")[:16],
    )  # fmt: skip
    world, row, _ = issued(tenant)
    old = link(row)
    issuing.transfer(workspace_id=world.workspace_id, pass_id=row.pk, holder={"name": "Grace Hopper"})
    assert "Grace Hopper" in Client().get(old).content.decode()


def test_every_state_says_so_and_shows_a_code_only_where_it_is_of_use(tenant: Tenant) -> None:
    from control_plane.passes import issuing

    now = datetime.now(UTC)
    world, row, text = issued(tenant)
    own = {"workspace_id": world.workspace_id}

    def seen(of: Any = row) -> tuple[str, bool]:
        body = Client().get(link(of)).content.decode()
        return data(body)["word"], bool(data(body)["text"])

    assert seen() == ("Valid", True)
    assert world.scan(text, way="in").admitted
    # Inside: its code opens the way out.
    assert seen() == ("Inside", True)
    assert world.scan(text, way="out").admitted
    assert seen() == ("Used", False)
    issuing.change_state(**own, pass_id=row.pk, to="revoked")
    assert seen() == ("Cancelled", False)
    (held, _), *_ = world.issue_rows(holder=ADA, held=True)
    assert seen(held) == ("On hold", True)
    new = issuing.replace(**own, pass_id=held.pk)
    assert seen(held) == ("Replaced", False)
    assert seen(new) == ("On hold", True)
    over, _ = world.issue_rows(valid_from=now - timedelta(days=2), valid_until=now - timedelta(days=1))[0]
    assert seen(over) == ("Expired", False)
    # A replaced pass's link says so without the holder's code, and never leads to the new pass.
    assert link(new)[3:] not in Client().get(link(held)).content.decode()


def test_the_secret_of_a_code_that_changes_is_of_this_pass_alone(tenant: Tenant) -> None:
    from control_plane.passes import rotating

    world, row, _ = issued(tenant, rotating=True)
    found = data(Client().get(link(row)).content.decode())
    program = rotating.program_secret(row.workspace_id, world.program.pk)
    assert bytes.fromhex(found["secret"]) == rotating.pass_secret(program, bytes(row.uid))
    assert program.hex() not in Client().get(link(row)).content.decode()
    assert abs(found["now"] / 1000 - datetime.now(UTC).timestamp()) < 60


def test_another_workspace_s_number_in_a_link_opens_nothing(tenant: Tenant) -> None:
    from base64 import b32decode, b32encode

    from console_stack import new_tenant

    _, row, _ = issued(tenant)
    other = new_tenant()
    raw = b32decode(link(row)[3:].upper())
    moved = other.workspace_id.to_bytes(4, "big") + raw[4:]
    assert Client().get("/p/" + b32encode(moved).decode().lower()).status_code == 404
