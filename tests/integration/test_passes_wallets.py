"""Passes for Apple's and Google's wallets: their form, their signatures, and when there is none."""

import dataclasses
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import wallet_authority as authority
from console_stack import Tenant
from django.test import Client
from gate_world import GateWorld, gate_world
from PIL import Image

HOLDER = {"name": "Ada Lovelace", "email": "ada@example.com", "plate": "B AL 1815"}
Configure = Callable[[dict[str, str]], None]


@pytest.fixture
def configure(console: None, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """The operator's settings for wallets, as they would be read at the start."""
    from django.conf import settings

    from control_plane import wallet_settings

    def use(given: dict[str, str]) -> None:
        def read(name: str) -> str:
            return given.get(name, "")

        config = dataclasses.replace(
            settings.CONFIG,
            pkpass=wallet_settings.pkpass(read),
            google_wallet=wallet_settings.google_wallet(read),
        )
        monkeypatch.setattr(settings, "CONFIG", config)

    return use


def made(tenant: Tenant, holder: Any = None, **program: Any) -> tuple[GateWorld, Any, str]:
    world = gate_world(tenant, place="Town hall, Main street 1", time_zone="Europe/Berlin", **program)
    row, text = world.issue_rows(holder=HOLDER if holder is None else holder)[0]
    return world, row, text


def card_of(row: Any) -> Any:
    from control_plane.passes import issuing
    from control_plane.passes.card import card

    return card(issuing.get_pass(workspace_id=row.workspace_id, pass_id=row.pk))


def path_of(row: Any) -> str:
    from control_plane.passes import access

    return f"/p/{access.web_code(row)}"


# Apple


def unpacked(answer: Any) -> dict[str, bytes]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/vnd.apple.pkpass"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_pkpass_has_what_the_phone_wants(tenant: Tenant, configure: Configure) -> None:
    configure(authority.apple())
    starts = datetime(2030, 6, 1, 10, tzinfo=UTC)
    world, row, text = made(tenant, starts_at=starts, ends_at=starts + timedelta(hours=8))
    assert "Add to Apple Wallet" in Client().get(path_of(row)).content.decode()
    files = unpacked(Client().get(path_of(row) + "/pass.pkpass"))
    told = json.loads(files["pass.json"])
    assert told["formatVersion"] == 1
    assert told["passTypeIdentifier"] == authority.PASS_TYPE
    assert told["teamIdentifier"] == authority.TEAM
    assert told["organizationName"] == authority.ORGANISATION
    assert told["serialNumber"] == bytes(row.uid).hex()
    assert told["relevantDate"] == "2030-06-01T12:00:00+02:00"
    assert told["expirationDate"] == "2030-06-01T20:00:00+02:00"
    assert told["description"] == f"Ticket: {world.program.name}"
    (barcode,) = told["barcodes"]
    assert barcode == {
        "format": "PKBarcodeFormatQR", "message": text, "messageEncoding": "iso-8859-1",
        "altText": f"No. {row.number}",
    }  # fmt: skip
    assert world.scan(barcode["message"]).reason == "not_yet_valid"
    values = {field["value"] for fields in told["eventTicket"].values() for field in fields}
    assert {world.program.name, "Town hall, Main street 1", "Ada Lovelace", str(row.number)} <= values
    for name, size in (("icon", (29, 29)), ("logo", (50, 50))):
        for scale, mark in ((1, ""), (2, "@2x"), (3, "@3x")):
            picture = Image.open(io.BytesIO(files[f"{name}{mark}.png"]))
            assert picture.size == tuple(side * scale for side in size)


def test_the_manifest_and_its_signature_hold(tenant: Tenant, configure: Configure, tmp_path: Path) -> None:
    configure(authority.apple())
    _, row, _ = made(tenant)
    files = unpacked(Client().get(path_of(row) + "/pass.pkpass"))
    manifest = json.loads(files["manifest.json"])
    assert manifest.keys() == files.keys() - {"manifest.json", "signature"}
    for name, digest in manifest.items():
        assert hashlib.sha1(files[name]).hexdigest() == digest
    (tmp_path / "signature").write_bytes(files["signature"])
    (tmp_path / "manifest.json").write_bytes(files["manifest.json"])
    (tmp_path / "root.pem").write_text(authority.pem(authority.root()))

    def verified(content: str, root: str = "root.pem") -> bool:
        # The intermediate has to come with the signature: it is not given here.
        done = subprocess.run(
            ["openssl", "cms", "-verify", "-inform", "DER", "-in", "signature", "-content", content,
             "-CAfile", root, "-purpose", "any", "-binary", "-out", "out"],
            cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    assert verified("manifest.json")
    # Negative controls: another content, another root.
    (tmp_path / "changed").write_bytes(files["manifest.json"].replace(b"a", b"b", 1))
    assert not verified("changed")
    (tmp_path / "other.pem").write_text(authority.pem(authority.intermediate("stranger")))
    assert not verified("manifest.json", "other.pem")
    shown = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", "signature"],
        cwd=tmp_path, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert "signingTime" in shown
    assert "eContent: <ABSENT>" in shown


def test_a_parking_pass_shows_its_plate(tenant: Tenant, configure: Configure) -> None:
    configure(authority.apple())
    _, row, _ = made(tenant, kind="parking")
    told = json.loads(unpacked(Client().get(path_of(row) + "/pass.pkpass"))["pass.json"])
    assert {"key": "plate", "label": "Plate", "value": "B AL 1815"} in told["generic"]["auxiliaryFields"]
    assert "eventTicket" not in told


def test_a_certificate_that_has_ended_gives_a_sentence(tenant: Tenant, configure: Configure) -> None:
    from console_pages import Address, signed_in, text_of

    configure(authority.apple(days=-2))
    world, row, _ = made(tenant)
    refused = Client().get(path_of(row) + "/pass.pkpass")
    assert refused.status_code == 422
    assert refused.content.decode().startswith("The certificate for Apple’s Wallet ended on ")
    assert "Apple Wallet" not in Client().get(path_of(row)).content.decode()
    page = Address(tenant)(f"passes/{world.program.pk}/passes/{row.pk}/")
    assert "The operator has to renew it." in text_of(signed_in(tenant.user).get(page).content.decode())


# Google


def read_jwt(link: str) -> dict[str, Any]:
    prefix = "https://pay.google.com/gp/v/save/"
    assert link.startswith(prefix)
    assert len(link) <= 1_800
    token = link.removeprefix(prefix)
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    public = authority.key("google").public_key()
    found: dict[str, Any] = jwt.decode(token, public, algorithms=["RS256"], audience="google")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, authority.key("other").public_key(), algorithms=["RS256"], audience="google")
    return found


def test_a_link_to_google_is_signed_and_short(tenant: Tenant, configure: Configure) -> None:
    configure(authority.google())
    starts = datetime(2030, 6, 1, 10, tzinfo=UTC)
    world, row, text = made(tenant, starts_at=starts, ends_at=starts + timedelta(hours=8))
    assert "Save to Google Wallet" in Client().get(path_of(row)).content.decode()
    answer = Client().get(path_of(row) + "/google")
    assert answer.status_code == 302
    found = read_jwt(answer["Location"])
    assert (found["iss"], found["typ"]) == (authority.ACCOUNT, "savetowallet")
    (of_program,) = found["payload"]["eventTicketClasses"]
    (one,) = found["payload"]["eventTicketObjects"]
    assert of_program["id"] == one["classId"] == f"{authority.ISSUER}.scanway-{world.program.pk}"
    assert of_program["eventName"]["defaultValue"]["value"] == world.program.name
    assert of_program["venue"]["name"]["defaultValue"]["value"] == "Town hall, Main street 1"
    assert one["id"] == f"{authority.ISSUER}.{bytes(row.uid).hex()}"
    assert one["barcode"] == {"type": "QR_CODE", "value": text, "alternateText": f"No. {row.number}"}
    assert one["ticketHolderName"] == "Ada Lovelace"
    assert one["validTimeInterval"]["start"]["date"] == "2030-06-01T12:00+02:00"
    answered = Client().get(f"/api/v1/passes/{row.pk}/links", headers=tenant.headers).json()
    assert read_jwt(answered["google_wallet"])["payload"] == found["payload"]
    assert answered["pkpass"] is None


@pytest.mark.parametrize("kind", ["event", "parking"])
@pytest.mark.parametrize("letter", ["Ж", "祭", "🎪", '"'])
def test_what_does_not_fit_is_left_out(tenant: Tenant, configure: Configure, letter: str, kind: str) -> None:
    from control_plane.passes import issuers, issuing, programs, wallet_google

    configure(authority.google())
    world = gate_world(tenant, kind=kind)
    own = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    issuer = issuers.create_issuer(**own, name=letter * 80)
    programs.update_program(**own, name=letter * 80, place=letter * 120)
    (row,) = issuing.issue(
        **own, issuer_id=issuer.pk, holders_of=[{"name": letter * 120, "plate": letter * 20}],
        valid_from=datetime(2030, 6, 1, tzinfo=UTC), valid_until=datetime(2030, 6, 2, tzinfo=UTC),
    )  # fmt: skip
    found = read_jwt(wallet_google.save_link(card_of(row)))
    objects = found["payload"].get("eventTicketObjects") or found["payload"]["genericObjects"]
    assert objects[0]["barcode"]["value"] == card_of(row).text


def test_a_car_park_s_pass_is_a_generic_one(tenant: Tenant, configure: Configure) -> None:
    from control_plane.passes import wallet_google

    configure(authority.google())
    world, row, _ = made(tenant, kind="parking")
    (one,) = read_jwt(wallet_google.save_link(card_of(row)))["payload"]["genericObjects"]
    assert one["header"]["defaultValue"]["value"] == world.program.name
    assert {"id": "plate", "header": "Plate", "body": "B AL 1815"} in one["textModulesData"]


# Both


def test_no_wallet_where_it_would_be_of_no_use(tenant: Tenant, configure: Configure) -> None:
    from control_plane.passes import issuing

    world, row, _ = made(tenant)
    for kind, said in (("pass.pkpass", "SCANWAY_PKPASS_"), ("google", "SCANWAY_GOOGLE_WALLET_")):
        answer = Client().get(f"{path_of(row)}/{kind}")
        assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert "Wallet" not in Client().get(path_of(row)).content.decode()

    configure(authority.apple() | authority.google())
    _, changing, _ = made(tenant, rotating=True)
    issuing.change_state(workspace_id=world.workspace_id, pass_id=row.pk, to="revoked")
    for one, said in ((changing, "changes every 15 seconds"), (row, "Gates refuse this pass")):
        assert "Wallet" not in Client().get(path_of(one)).content.decode()
        for kind in ("pass.pkpass", "google"):
            answer = Client().get(f"{path_of(one)}/{kind}")
            assert (answer.status_code, said in answer.content.decode()) == (422, True)
        links = Client().get(f"/api/v1/passes/{one.pk}/links", headers=tenant.headers).json()
        assert (links["pkpass"], links["google_wallet"]) == (None, None)
