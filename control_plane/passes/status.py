"""What a pass is worth, for whoever holds its code: a state and when it is valid, and never a name."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import keyring
from control_plane.passes.models import Pass, PassState, Program, Reentry
from control_plane.passes.models.programs import ProgramState
from edge import token
from edge.token import NotAToken


@dataclass(frozen=True, slots=True)
class Status:
    """`state` is valid, used, not_yet_valid, expired, held, cancelled or replaced."""

    state: str
    number: int
    program: str
    place: str
    time_zone: str
    valid_from: datetime | None
    valid_until: datetime | None
    data: bytes
    """The token, to be shown at a gate."""
    rotating: bool
    """Gates ask for a code that changes, which this page has not."""


def status(text: str, now: datetime | None = None) -> Status | None:
    """None for what we did not sign, or no longer have."""
    now = now or timezone.now()
    try:
        read = token.parse(text)
    except NotAToken:
        return None
    own = read.claims.workspace
    said = token.verify(read, keyring.keys_for(own, read.claims.key), workspace=own)
    if said == token.Verdict.BAD_SIGNATURE:
        return None
    with workspace_scope(own):
        row = Pass.objects.select_related("program").filter(uid=read.claims.pass_id).first()
    if row is None:
        return None
    program = row.program
    return Status(
        "cancelled" if said == token.Verdict.REVOKED else state_of(row, program, now),
        row.number,
        program.name,
        program.place,
        program.time_zone,
        row.valid_from,
        row.valid_until,
        read.payload + read.signature,
        program.rotating,
    )


def state_of(row: Pass, program: Program, now: datetime) -> str:
    """One of the states of `Status`."""
    if row.state in (PassState.REVOKED, PassState.REPLACED):
        return {PassState.REVOKED: "cancelled", PassState.REPLACED: "replaced"}[row.state]
    if program.state == ProgramState.ENDED or (row.valid_until and row.valid_until <= now):
        return "expired"
    if row.state == PassState.HELD:
        return "held"
    if row.valid_from and row.valid_from > now:
        return "not_yet_valid"
    most = row.max_uses or (1 if program.reentry == Reentry.NONE else program.max_uses)
    return "used" if most is not None and row.uses >= most else "valid"
