"""A pass for Apple's Wallet: pass.json, pictures, a manifest of SHA-1s and a detached signature, zipped.

After “Wallet Developer Guide” and “PassKit Package Format Reference”. The phone keeps it as it was made:
nothing tells it later that a pass was cancelled. Gates do.
"""

import hashlib
import io
import json
import zipfile
from datetime import datetime
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from django.conf import settings
from django.utils import timezone
from PIL import Image, ImageDraw

from control_plane.passes.card import Card, check_lasting
from control_plane.passes.errors import Invalid
from control_plane.passes.models import ProgramKind
from control_plane.wallet_settings import PkPass

CONTENT_TYPE: Final = "application/vnd.apple.pkpass"

_ICON: Final = 29
"""Points; a pixel each, and two and three for sharper screens."""
_LOGO: Final = 50
_FINE: Final = 8
_GREEN, _WHITE, _MINT = "#0a7352", "#ffffff", "#8df0c7"
# The archive is the same for the same pass, whenever it is made.
_MADE: Final = (2020, 1, 1, 0, 0, 0)


def is_on(now: datetime | None = None) -> bool:
    """Whether there is a certificate that phones accept."""
    return settings.CONFIG.pkpass is not None and not trouble(now)


def trouble(now: datetime | None = None) -> str:
    """A sentence where the operator's certificate has ended; else ""."""
    own = settings.CONFIG.pkpass
    if own is None or own.ends > (now or timezone.now()):
        return ""
    return (
        f"The certificate for Apple’s Wallet ended on {own.ends:%-d %B %Y}, and phones refuse what it signs."
        " The operator has to renew it."
    )


def pkpass(card: Card, now: datetime | None = None) -> bytes:
    """The file. Raises Invalid where there can be none, with why."""
    own = settings.CONFIG.pkpass
    if own is None:
        raise Invalid(
            "", "Passes for Apple’s Wallet are not set up here. The operator sets SCANWAY_PKPASS_…."
        )
    check_lasting(card)
    if said := trouble(now):
        raise Invalid("", said)
    files = {"pass.json": json.dumps(_fields(card, own), ensure_ascii=False).encode()} | _pictures()
    manifest = json.dumps({name: hashlib.sha1(data).hexdigest() for name, data in files.items()}).encode()  # noqa: S324
    files |= {"manifest.json": manifest, "signature": _signature(manifest, own)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _MADE), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _fields(card: Card, own: PkPass) -> dict[str, Any]:
    """pass.json."""
    parking = card.row.program.kind == ProgramKind.PARKING
    shown: dict[str, list[dict[str, str]]] = {
        "headerFields": [_field("number", "No.", str(card.row.number))],
        "primaryFields": [_field("program", card.kind, card.program)],
        "secondaryFields": [_field("place", "Place", card.place), _field("issuer", "Issued by", card.issuer)],
        "auxiliaryFields": [
            _field("when", "Valid", card.when),
            _field(
                "plate" if parking else "name",
                "Plate" if parking else "Name",
                card.plate if parking else card.name,
            ),
        ],
        "backFields": [
            _field("link", "This pass on the web", card.link),
            _field(
                "note",
                "Please note",
                "Whoever shows this code first gets in. Keep it, and the link, to yourself.",
            ),
        ],
    }
    barcode = {
        "format": "PKBarcodeFormatQR",
        "message": card.text,
        "messageEncoding": "iso-8859-1",
        "altText": f"No. {card.row.number}",
    }
    times = {"relevantDate": card.starts, "expirationDate": card.ends}
    return {
        "formatVersion": 1,
        "passTypeIdentifier": own.pass_type,
        "teamIdentifier": own.team,
        "organizationName": own.organisation,
        "serialNumber": bytes(card.row.uid).hex(),
        "description": f"{card.kind}: {card.program}",
        "logoText": card.issuer or own.organisation,
        "backgroundColor": "rgb(10, 115, 82)",
        "foregroundColor": "rgb(255, 255, 255)",
        "labelColor": "rgb(190, 240, 220)",
        "sharingProhibited": True,
        "barcodes": [barcode],
        # For what reads one only, as watches do.
        "barcode": barcode,
        "generic" if parking else "eventTicket": {
            part: [one for one in fields if one["value"]] for part, fields in shown.items()
        },
        **{name: at.isoformat(timespec="seconds") for name, at in times.items() if at},
    }


def _field(key: str, label: str, value: str) -> dict[str, str]:
    return {"key": key, "label": label, "value": value}


def _signature(manifest: bytes, own: PkPass) -> bytes:
    builder = PKCS7SignatureBuilder().set_data(manifest).add_signer(own.certificate, own.key, SHA256())
    builder = builder.add_certificate(own.intermediate)
    return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])


@cache
def _pictures() -> dict[str, bytes]:
    found = {}
    for scale, mark in ((1, ""), (2, "@2x"), (3, "@3x")):
        found[f"icon{mark}.png"] = _mark(_ICON * scale, _GREEN)
        # On the green of the pass: the lines alone.
        found[f"logo{mark}.png"] = _mark(_LOGO * scale, None)
    return found


def _mark(side: int, ground: str | None) -> bytes:
    """Our mark, as in logo.svg: 32 units wide, drawn large and made small so that its edges are smooth."""
    unit = side * _FINE / 32
    image = Image.new("RGBA", (side * _FINE,) * 2)
    pen = ImageDraw.Draw(image)
    if ground:
        # The phone rounds its corners.
        pen.rectangle((0, 0, *image.size), fill=ground)

    def line(points: list[tuple[float, float]], colour: str) -> None:
        places = [(x * unit, y * unit) for x, y in points]
        pen.line(places, fill=colour, width=round(3 * unit), joint="curve")
        for x, y in (places[0], places[-1]):
            pen.ellipse((x - 1.5 * unit, y - 1.5 * unit, x + 1.5 * unit, y + 1.5 * unit), fill=colour)

    line(
        [
            (14, 7),
            (10, 7),
            (7.9, 7.9),
            (7, 10),
            (7, 22),
            (7.9, 24.1),
            (10, 25),
            (22, 25),
            (24.1, 24.1),
            (25, 22),
            (25, 18),
        ],
        _WHITE,
    )
    line([(13, 19), (24.5, 7.5)], _MINT)
    line([(18, 7), (25, 7), (25, 14)], _MINT)
    out = io.BytesIO()
    image.resize((side, side), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
