"""What came of gates that were offline: conflicts, and places that are lent to devices."""

from django.http import HttpRequest
from ninja import Query, Router

from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import pagination
from control_plane.api.gate_offline_schemas import ConflictOut, ConflictPage, ScanOfConflict, TakenBackOut
from control_plane.api.programs import MANAGE, READ
from control_plane.api.schemas import PageQuery
from control_plane.passes import conflicts, leases, programs
from control_plane.passes.conflicts import Conflict
from control_plane.passes.models import Attempt, Device
from control_plane.passes.reason import Reason

router = Router(tags=["Programs"])


@router.get(
    "/{int:program_id}/conflicts",
    auth=READ,
    response=ConflictPage,
    operation_id="list_conflicts",
    summary="List conflicts",
)
def list_conflicts(request: HttpRequest, program_id: int, where: Query[PageQuery]) -> ConflictPage:
    """Passes that a device admitted while it was offline, and would not have had it known all."""
    own: int = request.auth.workspace_id  # type: ignore[attr-defined]
    with workspace_scope(own):
        found = conflicts.rows(workspace_id=own, program_id=program_id)
        rows, following = pagination.page(found, where.cursor, where.limit)
        data = [_conflict(one) for one in conflicts.explained(rows)]
    return ConflictPage(data=data, next=following)


@router.delete(
    "/{int:program_id}/devices/{int:device_id}/leases",
    auth=MANAGE,
    response=TakenBackOut,
    operation_id="take_back_leases",
    summary="Take lent places back",
)
def take_back_leases(request: HttpRequest, program_id: int, device_id: int) -> TakenBackOut:
    """Of a device that is not coming back. Whom it still admits while it is offline is not counted where
    there is no room, and is a conflict."""
    own: int = request.auth.workspace_id  # type: ignore[attr-defined]
    programs.check_belongs(workspace_id=own, model=Device, program_id=program_id, row_id=device_id)
    return TakenBackOut(places=leases.take_back(workspace_id=own, device_id=device_id))


def _conflict(one: Conflict) -> ConflictOut:
    scan = one.scan
    return ConflictOut(
        id=scan.pk,
        pass_id=scan.of_id,
        number=scan.of.number if scan.of else None,
        direction=scan.direction,  # type: ignore[arg-type]
        reason=scan.refused_as or (scan.reason if scan.offline else Reason.OK.value),
        sentence=one.unknown,
        scan=_scan(scan),
        other=_scan(one.other) if one.other else None,
    )


def _scan(scan: Attempt) -> ScanOfConflict:
    return ScanOfConflict(
        attempt_id=scan.pk,
        at=scan.at,
        received_at=scan.received_at,
        gate=scan.gate.name if scan.gate else None,
        device=scan.device.name,
        offline=scan.offline,
    )
