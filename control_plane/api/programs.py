"""Programs: events, car parks, seasons. What belongs to each is in `places` and `issuers`."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import creation, pagination, versions
from control_plane.api.auth import ApiKey
from control_plane.api.program_schemas import (
    ProgramIn,
    ProgramOut,
    ProgramPage,
    ProgramPatch,
)
from control_plane.api.schemas import PageQuery, changes
from control_plane.passes import programs
from control_plane.passes.models import Program

router = Router(tags=["Programs"])
READ, WRITE, MANAGE = (
    ApiKey(scope) for scope in (KeyScope.PASSES_READ, KeyScope.PASSES_WRITE, KeyScope.GATES_MANAGE)
)


@router.get("", auth=READ, response=ProgramPage, operation_id="list_programs", summary="List programs")
def list_programs(request: HttpRequest, where: Query[PageQuery]) -> ProgramPage:
    """Newest first."""
    with workspace_scope(own(request)):
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
    create = partial(programs.create_program, workspace_id=own(request), **changes(program))
    return creation.created(request, lambda: _program(create()))


@router.get(
    "/{int:program_id}", auth=READ, response=ProgramOut, operation_id="get_program", summary="Get a program"
)
def get_program(request: HttpRequest, response: HttpResponse, program_id: int) -> ProgramOut:
    """One program, with its version as ETag."""
    return _tagged(response, programs.get_program(workspace_id=own(request), program_id=program_id))


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
    save = partial(programs.update_program, workspace_id=own(request), program_id=program_id)
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
    programs.delete_program(workspace_id=own(request), program_id=program_id)
    return creation.nothing()


def own(request: HttpRequest) -> int:
    """The workspace whose key it is."""
    return int(request.auth.workspace_id)  # type: ignore[attr-defined]


def belongs(request: HttpRequest, model: Any, program_id: int, row_id: int) -> None:
    """Raises NotFound where the row is of another program, or of nobody."""
    programs.check_belongs(workspace_id=own(request), model=model, program_id=program_id, row_id=row_id)


def _tagged(response: HttpResponse, program: Program) -> ProgramOut:
    versions.tag(response, program.version)
    return _program(program)


def _program(row: Program) -> ProgramOut:
    return ProgramOut.from_orm(row)
