"""Programs, passes and gates. What must never be is refused by the database itself."""

from control_plane.passes.models.gates import Attempt, Device, Direction, Movement, MovementKind, Redemption
from control_plane.passes.models.issuing import Delivery, DeliveryState, Job, JobState, Seat
from control_plane.passes.models.keys import SigningKey
from control_plane.passes.models.passes import Change, Issuer, IssuerDay, Pass, PassState
from control_plane.passes.models.programs import Gate, Program, ProgramKind, ProgramState, Reentry, Zone
from control_plane.passes.models.room import Alert, AlertContact, Lease, PlateReading

__all__ = [
    "Alert", "AlertContact", "Attempt", "Change", "Delivery", "DeliveryState", "Device", "Direction", "Gate",
    "Issuer", "IssuerDay", "Job", "JobState", "Lease", "Movement", "MovementKind", "Pass", "PassState",
    "PlateReading", "Program", "ProgramKind", "ProgramState", "Redemption", "Reentry", "Seat", "SigningKey",
    "Zone",
]  # fmt: skip
