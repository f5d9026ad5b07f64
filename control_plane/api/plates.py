"""Plates that a camera reads or a steward types, at a gate. A camera is paired like a phone."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from control_plane.api.gate import DEVICE
from control_plane.api.gate_schemas import PlateIn, PlateOut, ZoneCount
from control_plane.passes import occupancy, plates

router = Router(tags=["Gates"])


@router.post("/plates", auth=DEVICE, response=PlateOut, operation_id="read_plate", summary="Read a plate")
def read_plate(request: HttpRequest, seen: PlateIn) -> PlateOut:
    """Counts a car in or out: as its pass where one has this plate, else as somebody without one. Send the
    same nonce when a reply was lost."""
    found = plates.read(device=request.auth, **seen.model_dump())  # type: ignore[attr-defined]
    return PlateOut(
        admitted=found.admitted,
        reason=found.reason.value,
        sentence=found.sentence,
        direction=found.direction,
        number=found.number,
        replayed=found.replayed,
        zones=[_zone(**zone) for zone in found.zones],
    )


def _zone(**zone: Any) -> ZoneCount:
    return ZoneCount(**zone, level=occupancy.level(zone["inside"], zone["capacity"], zone["leased"]))
