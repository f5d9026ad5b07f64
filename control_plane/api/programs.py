"""Programs, and what belongs to each: zones, gates, devices, issuers."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import creation, pagination, versions
from control_plane.api.auth import ApiKey
from control_plane.api.program_schemas import (
    DeviceIn,
    DeviceList,
    DevicePatch,
    DeviceRow,
    GateIn,
    GateList,
    GatePatch,
    GateRow,
    IssuerDayIn,
    IssuerIn,
    IssuerList,
    IssuerOut,
    IssuerPatch,
    NewDeviceOut,
    ProgramIn,
    ProgramOut,
    ProgramPage,
    ProgramPatch,
    ZoneCorrectionIn,
    ZoneIn,
    ZoneList,
    ZoneOut,
    ZonePatch,
)
from control_plane.api.schemas import PageQuery, changes
from control_plane.passes import devices, issuers, occupancy, programs
from control_plane.passes.models import Device, Gate, Issuer, Program, Zone

router = Router(tags=["Programs"])
READ, WRITE, MANAGE = (
    ApiKey(scope) for scope in (KeyScope.PASSES_READ, KeyScope.PASSES_WRITE, KeyScope.GATES_MANAGE)
)


@router.get("", auth=READ, response=ProgramPage, operation_id="list_programs", summary="List programs")
def list_programs(request: HttpRequest, where: Query[PageQuery]) -> ProgramPage:
    """Newest first."""
    with workspace_scope(_own(request)):
        rows, following = pagination.page(Program.objects.all(), where.cursor, where.limit)
    return ProgramPage(data=[_program(row) for row in rows], next=following)


@router.post(
    "",
    auth=MANAGE,
    response={201: ProgramOut},
    operation_id="create_program",
    summary="Create a program",
    openapi_extra=creation.openapi_extra(),
)
def create_program(request: HttpRequest, program: ProgramIn) -> HttpResponse:
    """It needs a zone and a gate before anybody can enter."""
    create = partial(programs.create_program, workspace_id=_own(request), **changes(program))
    return creation.created(request, lambda: _program(create()))


@router.get(
    "/{int:program_id}", auth=READ, response=ProgramOut, operation_id="get_program", summary="Get a program"
)
def get_program(request: HttpRequest, response: HttpResponse, program_id: int) -> ProgramOut:
    """One program, with its version as ETag."""
    return _tagged(response, programs.get_program(workspace_id=_own(request), program_id=program_id))


@router.patch(
    "/{int:program_id}",
    auth=MANAGE,
    response=ProgramOut,
    operation_id="update_program",
    summary="Change a program",
    openapi_extra={"parameters": [versions.IF_MATCH]},
)
def update_program(
    request: HttpRequest, response: HttpResponse, program_id: int, program: ProgramPatch
) -> ProgramOut:
    """Fields left out stay as they are."""
    save = partial(programs.update_program, workspace_id=_own(request), program_id=program_id)
    return _tagged(response, versions.change(request, changes(program), save))


@router.delete(
    "/{int:program_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_program",
    summary="Delete a program",
)
def delete_program(request: HttpRequest, program_id: int) -> HttpResponse:
    """Only while no pass was issued for it."""
    programs.delete_program(workspace_id=_own(request), program_id=program_id)
    return creation.nothing()


# Zones


@router.get(
    "/{int:program_id}/zones", auth=READ, response=ZoneList, operation_id="list_zones", summary="List zones"
)
def list_zones(request: HttpRequest, program_id: int) -> ZoneList:
    """All of them, with how many are inside now."""
    rows = programs.list_zones(workspace_id=_own(request), program_id=program_id)
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
        programs.create_zone, workspace_id=_own(request), program_id=program_id, **zone.model_dump()
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
    _belongs(request, Zone, program_id, zone_id)
    return _zone(programs.update_zone(workspace_id=_own(request), zone_id=zone_id, **changes(zone)))


@router.delete(
    "/{int:program_id}/zones/{int:zone_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_zone",
    summary="Delete a zone",
)
def delete_zone(request: HttpRequest, program_id: int, zone_id: int) -> HttpResponse:
    """409 while people are in, or gates or other zones belong to it."""
    _belongs(request, Zone, program_id, zone_id)
    programs.delete_zone(workspace_id=_own(request), zone_id=zone_id)
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
    _belongs(request, Zone, program_id, zone_id)
    return _zone(occupancy.correct(workspace_id=_own(request), zone_id=zone_id, **correction.model_dump()))


# Gates


@router.get(
    "/{int:program_id}/gates", auth=READ, response=GateList, operation_id="list_gates", summary="List gates"
)
def list_gates(request: HttpRequest, program_id: int) -> GateList:
    """By name."""
    rows = programs.list_gates(workspace_id=_own(request), program_id=program_id)
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
        programs.create_gate, workspace_id=_own(request), program_id=program_id, **gate.model_dump()
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
    _belongs(request, Gate, program_id, gate_id)
    return _gate(programs.update_gate(workspace_id=_own(request), gate_id=gate_id, **changes(gate)))


@router.delete(
    "/{int:program_id}/gates/{int:gate_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_gate",
    summary="Delete a gate",
)
def delete_gate(request: HttpRequest, program_id: int, gate_id: int) -> HttpResponse:
    """What happened there stays on record."""
    _belongs(request, Gate, program_id, gate_id)
    programs.delete_gate(workspace_id=_own(request), gate_id=gate_id)
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
    programs.get_program(workspace_id=_own(request), program_id=program_id)
    rows = devices.list_devices(workspace_id=_own(request), program_id=program_id)
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
        made = devices.create_device(workspace_id=_own(request), program_id=program_id, **device.model_dump())
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
    _belongs(request, Device, program_id, device_id)
    own = {"workspace_id": _own(request), "device_id": device_id}
    return _device(devices.update_device(**own, **changes(device)), devices.gate_ids(**own))


@router.delete(
    "/{int:program_id}/devices/{int:device_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_device",
    summary="Remove a device",
)
def delete_device(request: HttpRequest, program_id: int, device_id: int) -> HttpResponse:
    """Its key redeems nothing any more, at once."""
    _belongs(request, Device, program_id, device_id)
    devices.revoke_device(workspace_id=_own(request), device_id=device_id)
    return creation.nothing()


# Issuers


@router.get(
    "/{int:program_id}/issuers",
    auth=READ,
    response=IssuerList,
    operation_id="list_issuers",
    summary="List issuers",
)
def list_issuers(request: HttpRequest, program_id: int) -> IssuerList:
    """By name, with how many passes each has issued and how many of them were used."""
    programs.get_program(workspace_id=_own(request), program_id=program_id)
    rows = issuers.list_issuers(workspace_id=_own(request), program_id=program_id)
    return IssuerList(data=[_issuer(row) for row in rows])


@router.post(
    "/{int:program_id}/issuers",
    auth=WRITE,
    response={201: IssuerOut},
    operation_id="create_issuer",
    summary="Create an issuer",
    openapi_extra=creation.openapi_extra(),
)
def create_issuer(request: HttpRequest, program_id: int, issuer: IssuerIn) -> HttpResponse:
    """With its quotas, where there are any."""
    create = partial(
        issuers.create_issuer, workspace_id=_own(request), program_id=program_id, **changes(issuer)
    )
    return creation.created(request, lambda: _issuer(create()))


@router.patch(
    "/{int:program_id}/issuers/{int:issuer_id}",
    auth=WRITE,
    response=IssuerOut,
    operation_id="update_issuer",
    summary="Change an issuer",
)
def update_issuer(request: HttpRequest, program_id: int, issuer_id: int, issuer: IssuerPatch) -> IssuerOut:
    """Passes of one that is switched off are refused at gates."""
    _belongs(request, Issuer, program_id, issuer_id)
    return _issuer(issuers.update_issuer(workspace_id=_own(request), issuer_id=issuer_id, **changes(issuer)))


@router.put(
    "/{int:program_id}/issuers/{int:issuer_id}/day",
    auth=WRITE,
    response={204: None},
    operation_id="set_issuer_day",
    summary="Switch an issuer for a day",
)
def set_issuer_day(request: HttpRequest, program_id: int, issuer_id: int, day: IssuerDayIn) -> HttpResponse:
    """Of the program's time zone."""
    _belongs(request, Issuer, program_id, issuer_id)
    issuers.set_day(workspace_id=_own(request), issuer_id=issuer_id, day=day.day, is_active=day.is_active)
    return creation.nothing()


@router.delete(
    "/{int:program_id}/issuers/{int:issuer_id}",
    auth=WRITE,
    response={204: None},
    operation_id="delete_issuer",
    summary="Delete an issuer",
)
def delete_issuer(request: HttpRequest, program_id: int, issuer_id: int) -> HttpResponse:
    """Only while it has issued nothing."""
    _belongs(request, Issuer, program_id, issuer_id)
    issuers.delete_issuer(workspace_id=_own(request), issuer_id=issuer_id)
    return creation.nothing()


def _own(request: HttpRequest) -> int:
    return int(request.auth.workspace_id)  # type: ignore[attr-defined]


def _belongs(request: HttpRequest, model: Any, program_id: int, row_id: int) -> None:
    """Raises NotFound where the row is of another program, or of nobody."""
    programs.check_belongs(workspace_id=_own(request), model=model, program_id=program_id, row_id=row_id)


def _tagged(response: HttpResponse, program: Program) -> ProgramOut:
    versions.tag(response, program.version)
    return _program(program)


def _program(row: Program) -> ProgramOut:
    return ProgramOut.from_orm(row)


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


def _issuer(row: Issuer) -> IssuerOut:
    return IssuerOut(
        id=row.pk,
        program_id=row.program_id,
        name=row.name,
        is_active=row.is_active,
        quota_total=row.quota_total,
        quota_daily=row.quota_daily,
        issued=getattr(row, "issued", 0),
        used=getattr(row, "used", 0),
    )
