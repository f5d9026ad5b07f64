"""Where a program counts and admits: its zones, gates and devices."""

from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from control_plane.api import creation
from control_plane.api.program_schemas import (
    DeviceIn,
    DeviceList,
    DevicePatch,
    DeviceRow,
    GateIn,
    GateList,
    GatePatch,
    GateRow,
    NewDeviceOut,
    ZoneCorrectionIn,
    ZoneIn,
    ZoneList,
    ZoneOut,
    ZonePatch,
)
from control_plane.api.programs import MANAGE, READ, belongs, own
from control_plane.api.schemas import changes
from control_plane.passes import devices, occupancy, programs
from control_plane.passes.models import Device, Gate, Zone

router = Router(tags=["Programs"])

# Zones


@router.get(
    "/{int:program_id}/zones", auth=READ, response=ZoneList, operation_id="list_zones", summary="List zones"
)
def list_zones(request: HttpRequest, program_id: int) -> ZoneList:
    """All of them, with how many are inside now."""
    rows = programs.list_zones(workspace_id=own(request), program_id=program_id)
    return ZoneList(data=[_zone(row) for row in rows])


@router.post(
    "/{int:program_id}/zones",
    auth=MANAGE,
    response={201: ZoneOut},
    operation_id="create_zone",
    summary="Create a zone",
    openapi_extra=creation.openapi_extra(),
)
def create_zone(request: HttpRequest, program_id: int, zone: ZoneIn) -> HttpResponse:
    """Inside of another one, or outermost."""
    create = partial(
        programs.create_zone, workspace_id=own(request), program_id=program_id, **zone.model_dump()
    )
    return creation.created(request, lambda: _zone(create()))


@router.patch(
    "/{int:program_id}/zones/{int:zone_id}",
    auth=MANAGE,
    response=ZoneOut,
    operation_id="update_zone",
    summary="Change a zone",
)
def update_zone(request: HttpRequest, program_id: int, zone_id: int, zone: ZonePatch) -> ZoneOut:
    """A capacity cannot go below the number of people inside."""
    belongs(request, Zone, program_id, zone_id)
    return _zone(programs.update_zone(workspace_id=own(request), zone_id=zone_id, **changes(zone)))


@router.delete(
    "/{int:program_id}/zones/{int:zone_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_zone",
    summary="Delete a zone",
)
def delete_zone(request: HttpRequest, program_id: int, zone_id: int) -> HttpResponse:
    """409 while people are in, or gates or other zones belong to it."""
    belongs(request, Zone, program_id, zone_id)
    programs.delete_zone(workspace_id=own(request), zone_id=zone_id)
    return creation.nothing()


@router.put(
    "/{int:program_id}/zones/{int:zone_id}/inside",
    auth=MANAGE,
    response=ZoneOut,
    operation_id="correct_zone",
    summary="Correct a count",
)
def correct_zone(
    request: HttpRequest, program_id: int, zone_id: int, correction: ZoneCorrectionIn
) -> ZoneOut:
    """The zone has this many now; zones around it change by as much. The note goes into the ledger."""
    belongs(request, Zone, program_id, zone_id)
    return _zone(occupancy.correct(workspace_id=own(request), zone_id=zone_id, **correction.model_dump()))


# Gates


@router.get(
    "/{int:program_id}/gates", auth=READ, response=GateList, operation_id="list_gates", summary="List gates"
)
def list_gates(request: HttpRequest, program_id: int) -> GateList:
    """By name."""
    rows = programs.list_gates(workspace_id=own(request), program_id=program_id)
    return GateList(data=[_gate(row) for row in rows])


@router.post(
    "/{int:program_id}/gates",
    auth=MANAGE,
    response={201: GateRow},
    operation_id="create_gate",
    summary="Create a gate",
    openapi_extra=creation.openapi_extra(),
)
def create_gate(request: HttpRequest, program_id: int, gate: GateIn) -> HttpResponse:
    """An entrance, an exit or both, of one zone."""
    create = partial(
        programs.create_gate, workspace_id=own(request), program_id=program_id, **gate.model_dump()
    )
    return creation.created(request, lambda: _gate(create()))


@router.patch(
    "/{int:program_id}/gates/{int:gate_id}",
    auth=MANAGE,
    response=GateRow,
    operation_id="update_gate",
    summary="Change a gate",
)
def update_gate(request: HttpRequest, program_id: int, gate_id: int, gate: GatePatch) -> GateRow:
    """A closed gate lets nobody in, and everybody out."""
    belongs(request, Gate, program_id, gate_id)
    return _gate(programs.update_gate(workspace_id=own(request), gate_id=gate_id, **changes(gate)))


@router.delete(
    "/{int:program_id}/gates/{int:gate_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_gate",
    summary="Delete a gate",
)
def delete_gate(request: HttpRequest, program_id: int, gate_id: int) -> HttpResponse:
    """What happened there stays on record."""
    belongs(request, Gate, program_id, gate_id)
    programs.delete_gate(workspace_id=own(request), gate_id=gate_id)
    return creation.nothing()


# Devices


@router.get(
    "/{int:program_id}/devices",
    auth=READ,
    response=DeviceList,
    operation_id="list_devices",
    summary="List devices",
)
def list_devices(request: HttpRequest, program_id: int) -> DeviceList:
    """Those that were not removed, with when each was last seen."""
    programs.get_program(workspace_id=own(request), program_id=program_id)
    rows = devices.list_devices(workspace_id=own(request), program_id=program_id)
    return DeviceList(data=[_device(row, [gate.pk for gate in row.at]) for row in rows])  # type: ignore[attr-defined]


@router.post(
    "/{int:program_id}/devices",
    auth=MANAGE,
    response={201: NewDeviceOut},
    operation_id="create_device",
    summary="Add a device",
    openapi_extra=creation.openapi_extra(),
)
def create_device(request: HttpRequest, program_id: int, device: DeviceIn) -> HttpResponse:
    """The answer has the code that pairs it, once."""

    def create() -> NewDeviceOut:
        made = devices.create_device(workspace_id=own(request), program_id=program_id, **device.model_dump())
        return NewDeviceOut(
            **_device(made.device, sorted(set(device.gate_ids))).model_dump(),
            pairing_code=made.code,
            pairing_url=f"{settings.CONFIG.console_url.geturl()}/gate/#{made.code}",
        )

    return creation.created(request, create)


@router.patch(
    "/{int:program_id}/devices/{int:device_id}",
    auth=MANAGE,
    response=DeviceRow,
    operation_id="update_device",
    summary="Change a device",
)
def update_device(request: HttpRequest, program_id: int, device_id: int, device: DevicePatch) -> DeviceRow:
    """Its name, its role, the gates where it may be used. It stays paired."""
    belongs(request, Device, program_id, device_id)
    one = {"workspace_id": own(request), "device_id": device_id}
    return _device(devices.update_device(**one, **changes(device)), devices.gate_ids(**one))


@router.delete(
    "/{int:program_id}/devices/{int:device_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_device",
    summary="Remove a device",
)
def delete_device(request: HttpRequest, program_id: int, device_id: int) -> HttpResponse:
    """Its key redeems nothing any more, at once."""
    belongs(request, Device, program_id, device_id)
    devices.revoke_device(workspace_id=own(request), device_id=device_id)
    return creation.nothing()


def _zone(row: Zone) -> ZoneOut:
    return ZoneOut(
        id=row.pk,
        name=row.name,
        inside=row.inside,
        leased=row.leased,
        capacity=row.capacity,
        level=occupancy.level(row.inside, row.capacity, row.leased),
        program_id=row.program_id,
        parent_id=row.parent_id,
    )


def _gate(row: Gate) -> GateRow:
    return GateRow.from_orm(row)


def _device(row: Device, gate_ids: list[int]) -> DeviceRow:
    return DeviceRow(
        id=row.pk,
        program_id=row.program_id,
        name=row.name,
        role=row.role,
        gate_ids=gate_ids,
        is_paired=row.is_paired,
        seen_at=row.seen_at,
        battery=row.battery,
    )
