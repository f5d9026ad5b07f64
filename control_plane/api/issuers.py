"""Who issues passes of a program: vendors, organisers, partners."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from ninja import Router

from control_plane.api import creation
from control_plane.api.program_schemas import (
    IssuerDayIn,
    IssuerIn,
    IssuerList,
    IssuerOut,
    IssuerPatch,
)
from control_plane.api.programs import READ, WRITE, belongs, own
from control_plane.api.schemas import changes
from control_plane.passes import issuers, programs
from control_plane.passes.models import Issuer

router = Router(tags=["Programs"])


@router.get(
    "/{int:program_id}/issuers",
    auth=READ,
    response=IssuerList,
    operation_id="list_issuers",
    summary="List issuers",
)
def list_issuers(request: HttpRequest, program_id: int) -> IssuerList:
    """By name, with how many passes each has issued and how many of them were used."""
    programs.get_program(workspace_id=own(request), program_id=program_id)
    rows = issuers.list_issuers(workspace_id=own(request), program_id=program_id)
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
        issuers.create_issuer, workspace_id=own(request), program_id=program_id, **changes(issuer)
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
    belongs(request, Issuer, program_id, issuer_id)
    return _issuer(issuers.update_issuer(workspace_id=own(request), issuer_id=issuer_id, **changes(issuer)))


@router.put(
    "/{int:program_id}/issuers/{int:issuer_id}/day",
    auth=WRITE,
    response={204: None},
    operation_id="set_issuer_day",
    summary="Switch an issuer for a day",
)
def set_issuer_day(request: HttpRequest, program_id: int, issuer_id: int, day: IssuerDayIn) -> HttpResponse:
    """Of the program's time zone."""
    belongs(request, Issuer, program_id, issuer_id)
    issuers.set_day(workspace_id=own(request), issuer_id=issuer_id, day=day.day, is_active=day.is_active)
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
    belongs(request, Issuer, program_id, issuer_id)
    issuers.delete_issuer(workspace_id=own(request), issuer_id=issuer_id)
    return creation.nothing()


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
