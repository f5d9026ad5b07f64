"""A link that saves a pass to Google Wallet: the pass is inside of it, as a signed JWT.

After “Google Wallet API: JWT for pass creation”. The link goes through browsers that cut long ones, so what
does not fit is left out, the least important first.
"""

import json
import time
from typing import Any, Final

import jwt
from django.conf import settings

from control_plane.passes.card import Card, check_lasting
from control_plane.passes.errors import Invalid
from control_plane.passes.models import ProgramKind
from control_plane.wallet_settings import GoogleWallet

SAVE: Final = "https://pay.google.com/gp/v/save/"
LONGEST: Final = 1_800
"""Characters of a link, Google's own advice."""


_SHORTER: Final = (
    ("place", 40), ("issuer", 30), ("name", 40), ("place", 0), ("name", 0), ("issuer", 0), ("program", 40),
    ("plate", 0),
)  # fmt: skip
"""Field → characters that are left of it, step by step until the link is short enough: the last suffices."""


def is_on() -> bool:
    """Whether the operator set an issuer and a key."""
    return settings.CONFIG.google_wallet is not None


def save_link(card: Card) -> str:
    """Raises Invalid where there can be none, with why."""
    own = settings.CONFIG.google_wallet
    if own is None:
        raise Invalid("", "Google Wallet is not set up here. The operator sets SCANWAY_GOOGLE_WALLET_….")
    check_lasting(card)
    told = {"program": card.program, "issuer": card.issuer, "place": card.place, "name": card.name}
    told["plate"] = card.plate
    link = SAVE + _jwt(card, own, told)
    for field, most in _SHORTER:
        if len(link) <= LONGEST:
            break
        told[field] = (
            told[field] if len(told[field]) <= most else f"{told[field][: most - 1]}…" if most else ""
        )
        link = SAVE + _jwt(card, own, told)
    return link


def _jwt(card: Card, own: GoogleWallet, told: dict[str, str]) -> str:
    build = _generic if card.row.program.kind == ProgramKind.PARKING else _event
    claims = {
        "iss": own.account,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(time.time()),
        "payload": build(card, own, told),
    }
    # Not jwt.encode, which writes six characters for a letter outside of ASCII.
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return jwt.PyJWS().encode(payload, own.key, algorithm="RS256")


def _event(card: Card, own: GoogleWallet, told: dict[str, str]) -> dict[str, Any]:
    kind = f"{own.issuer}.scanway-{card.row.program_id}"
    of_program: dict[str, Any] = {
        "id": kind,
        "issuerName": told["issuer"] or card.kind,
        "reviewStatus": "UNDER_REVIEW",
        "eventName": _text(told["program"]),
    }
    if told["place"]:
        of_program["venue"] = {"name": _text(told["place"]), "address": _text(told["place"])}
    one = _object(card, own, kind) | {"ticketNumber": str(card.row.number)}
    if told["name"]:
        one["ticketHolderName"] = told["name"]
    return {"eventTicketClasses": [of_program], "eventTicketObjects": [one]}


def _generic(card: Card, own: GoogleWallet, told: dict[str, str]) -> dict[str, Any]:
    kind = f"{own.issuer}.scanway-{card.row.program_id}"
    one = _object(card, own, kind) | {
        "cardTitle": _text(told["issuer"] or card.kind),
        "header": _text(told["program"]),
        "hexBackgroundColor": "#0a7352",
    }
    rows = (
        ("plate", "Plate", told["plate"]),
        ("place", "Place", told["place"]),
        ("name", "Name", told["name"]),
    )
    if modules := [{"id": key, "header": label, "body": text} for key, label, text in rows if text]:
        one["textModulesData"] = modules
    return {"genericClasses": [{"id": kind}], "genericObjects": [one]}


def _object(card: Card, own: GoogleWallet, kind: str) -> dict[str, Any]:
    times = {"start": card.starts, "end": card.ends}
    window = {name: {"date": at.isoformat(timespec="minutes")} for name, at in times.items() if at}
    return {
        "id": f"{own.issuer}.{bytes(card.row.uid).hex()}",
        "classId": kind,
        "state": "ACTIVE",
        "barcode": {"type": "QR_CODE", "value": card.text, "alternateText": f"No. {card.row.number}"},
        **({"validTimeInterval": window} if window else {}),
    }


def _text(value: str) -> dict[str, Any]:
    return {"defaultValue": {"language": "en", "value": value}}
