"""Programs, passes and gates. What must never be is refused by the database itself."""

from control_plane.passes.models.gates import Attempt, Device, Direction, Movement, MovementKind, Redemption
from control_plane.passes.models.keys import SigningKey
from control_plane.passes.models.passes import Change, Issuer, IssuerDay, Pass, PassState
from control_plane.passes.models.programs import Gate, Program, ProgramKind, ProgramState, Reentry, Zone

__all__ = [
    "Attempt", "Change", "Device", "Direction", "Gate", "Issuer", "IssuerDay", "Movement", "MovementKind",
    "Pass", "PassState", "Program", "ProgramKind", "ProgramState", "Redemption", "Reentry", "SigningKey",
    "Zone",
]  # fmt: skip
