"""Who holds a pass: a name, an e-mail address, a phone number, a plate and fields of one's own, all optional.

At rest it is encrypted; rows are found by keyed hashes of its words (`vault.words`).
"""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from control_plane.passes import vault
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Pass

KNOWN: Final = ("name", "email", "phone", "plate")
_LONGEST: Final = {"name": 120, "email": 254, "phone": 32, "plate": 20}
MOST_FIELDS: Final = 10
_PURPOSE: Final = "holder"


def check_holder(given: Mapping[str, Any]) -> dict[str, Any]:
    """Cleaned, without what is empty. `fields` are texts of the operator's own. Raises Invalid(holder.…)."""
    if unknown := sorted(set(given) - {*KNOWN, "fields"}):
        raise Invalid(f"holder.{unknown[0]}", f"Use {', '.join(KNOWN)} or fields.")
    found: dict[str, Any] = {}
    for field in KNOWN:
        if text := _text(f"holder.{field}", given.get(field) or "", _LONGEST[field]):
            found[field] = text
    if "email" in found:
        try:
            validate_email(found["email"])
        except ValidationError:
            raise Invalid("holder.email", "This is no e-mail address.") from None
    if "plate" in found:
        found["plate"] = found["plate"].upper()
    own = given.get("fields") or {}
    if not isinstance(own, Mapping) or len(own) > MOST_FIELDS:
        raise Invalid("holder.fields", f"Give at most {MOST_FIELDS} fields, each with a text.")
    fields = {}
    for name, value in own.items():
        label = _text("holder.fields", name, 40)
        if text := _text(f"holder.fields.{label}", value, 200):
            fields[label] = text
    return found | ({"fields": fields} if fields else {})


def put(row: Pass, holder: Mapping[str, Any], workspace_id: int) -> None:
    """Encrypts it into the row, with the words to find it by."""
    row.holder = vault.lock_json(dict(holder), workspace_id=workspace_id, purpose=_PURPOSE)
    texts = [holder[field] for field in KNOWN if field in holder]
    row.words = vault.words([*texts, *holder.get("fields", {}).values()], workspace_id=workspace_id)


def opened(locked: bytes, workspace_id: int) -> dict[str, Any]:
    """{} where nothing is known. Raises vault.CannotOpen."""
    return vault.unlock_json(bytes(locked), workspace_id=workspace_id, purpose=_PURPOSE)


def _text(field: str, value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise Invalid(field, "Write a text.")
    line = " ".join(value.split())
    if len(line) > longest:
        raise Invalid(field, f"Use at most {longest} characters; this has {len(line)}.")
    if not line.isprintable():
        raise Invalid(field, "Leave out the control characters.")
    return line
