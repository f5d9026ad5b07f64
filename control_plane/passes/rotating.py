"""Codes that change every 15 seconds, on a pass that is shown on a phone: a picture of one is soon stale.

    shown = token | Base45 of HMAC-SHA256(secret of the pass, step)[:5]      step = Unix time // 15, 8 bytes
    secret of the pass = HMAC-SHA256(secret of its program, "scanway rotating pass 1\\0" | pass id)

After RFC 6238 (TOTP). The phone has the secret of its own pass and needs no network. Who has the secret of
the program, as a gate that is offline may, checks all its passes and can also make up their codes, but no
pass: the signature in the token is another key's.
"""

import hmac
from datetime import datetime
from typing import TYPE_CHECKING, Final

from control_plane.passes import vault
from control_plane.passes.errors import Invalid
from edge import base45
from edge.token import PASS_ID_SIZE

if TYPE_CHECKING:
    from control_plane.passes.models import Program

STEP: Final = 15
"""Seconds."""
SKEW: Final = 1
"""Steps before and after that are accepted too: a scan takes time, and clocks differ."""
LENGTH: Final = 8
"""Characters, 40 bits."""

NOT_PRINTED: Final = (
    "The codes of this program change every 15 seconds, so gates refuse what is on paper or in a picture. "
    "Send passes by their link, or switch that off in the program’s settings."
)
_BYTES: Final = 5
_DOMAIN: Final = b"scanway rotating pass 1\0"
# With the code, and one less where a scanner swallowed the space that a token may begin with.
_WITH_CODE: Final = {74, 73, 146, 145}


def program_secret(workspace_id: int, program_id: int) -> bytes:
    """32 bytes, the same as long as SCANWAY_SECRET_KEY is."""
    return vault.keyed(program_id.to_bytes(8, "big"), workspace_id=workspace_id, purpose="rotating program")


def pass_secret(program: bytes, uid: bytes) -> bytes:
    """32 bytes, for the phone of whoever holds the pass. Of the program's secret it gives away nothing."""
    assert len(uid) == PASS_ID_SIZE
    return hmac.digest(program, _DOMAIN + uid, "sha256")


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP


def code(secret: bytes, step: int) -> str:
    """What follows the token during this step. It never ends with a space."""
    return base45.encode(hmac.digest(secret, step.to_bytes(8, "big"), "sha256")[:_BYTES])


def is_current(given: str, secret: bytes, now: datetime) -> bool:
    """Whether the code is that of `now`, or of a neighbouring step. "" never is."""
    current, found = step_of(now), False
    if not given.isascii():
        return False
    for step in range(max(0, current - SKEW), current + SKEW + 1):
        found |= hmac.compare_digest(code(secret, step), given)
    return found


def split(text: str) -> tuple[str, str]:
    """What was scanned, as token and code. The code is "" where the length says that there is none."""
    # The space at its beginning may be the token's own.
    for bare in (text.rstrip(), text.strip()):
        # An address may be as long; the third character of a token is 0.
        if len(bare) in _WITH_CODE and bare[:4].lower() != "http":
            return bare[:-LENGTH], bare[-LENGTH:]
    return text, ""


def check_printable(program: "Program") -> None:
    """Before anything is made that holds a code of its passes and stays as it is. Raises Invalid(numbers)."""
    if program.rotating:
        raise Invalid("numbers", NOT_PRINTED)
