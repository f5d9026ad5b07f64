"""The secret address of a pass: whoever has it sees the pass with its holder's name, on any phone.

    /p/<Base32 of workspace u32 | pass id 10 | access 16>            48 characters, 30 bytes

Access is a keyed hash of the pass and of its holder as it is stored, which is encrypted anew each time that
it changes: after a transfer the old address no longer opens the pass. Nothing that is printed leads to it.
"""

import hmac
from base64 import b32decode, b32encode
from typing import Final

from django.conf import settings

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import vault
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Pass
from edge.token import PASS_ID_SIZE

LENGTH: Final = 48
_WORKSPACE: Final = 4
_ACCESS: Final = 16


class LinkOutOfDate(PassesError):
    """This link no longer opens the pass: its holder was changed. Ask whoever issued it for the new one."""


def web_link(row: Pass) -> str:
    """Where its holder opens it."""
    return f"{settings.CONFIG.console_origin}/p/{web_code(row)}"


def web_code(row: Pass) -> str:
    """The last part of `web_link`, in lower case."""
    place = row.workspace_id.to_bytes(_WORKSPACE, "big") + bytes(row.uid)
    return b32encode(place + _access(row)).decode().lower()


def opened_by(text: str) -> Pass:
    """The pass, with its program. Raises NotFound, and LinkOutOfDate for a pass that has another link now."""
    try:
        data = b32decode(text.upper()) if text.isascii() and len(text) == LENGTH else b""
    except ValueError:
        data = b""
    uid, given = data[_WORKSPACE : _WORKSPACE + PASS_ID_SIZE], data[_WORKSPACE + PASS_ID_SIZE :]
    workspace_id = int.from_bytes(data[:_WORKSPACE], "big")
    row = None
    if workspace_id:
        with workspace_scope(workspace_id):
            row = Pass.objects.select_related("program", "issuer").filter(uid=uid).first()
    if row is None:
        raise NotFound("There is no such pass.")
    if not hmac.compare_digest(_access(row), given):
        # It says no more than the page behind the printed code, which has the same 80 bits.
        raise LinkOutOfDate
    return row  # type: ignore[no-any-return]


def _access(row: Pass) -> bytes:
    told = bytes(row.uid) + bytes(row.holder)
    return vault.keyed(told, workspace_id=row.workspace_id, purpose="access to a pass")[:_ACCESS]
