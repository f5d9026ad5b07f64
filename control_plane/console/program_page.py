"""What all pages of a program share: the program of the address, its time zone, its tabs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import Http404, HttpResponse
from django.utils import timezone

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.models import TenantModel
from control_plane.accounts.permissions import Permission
from control_plane.console.shell import View, page, page_view
from control_plane.passes import conflicts, programs
from control_plane.passes.errors import NotFound
from control_plane.passes.models import Program

Row = TypeVar("Row", bound=TenantModel)


class ProgramRequest(WorkspaceRequest):
    """What a view behind `program_view` gets."""

    program: Program


def program_view(permission: Permission) -> Callable[[View], View]:
    """`page_view` of a program: what is read and shown is in its time zone. 404 where there is none."""

    def decorate(view: View) -> View:
        @wraps(view)
        def of_program(request: ProgramRequest, program_id: int, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                request.program = programs.get_program(
                    workspace_id=request.workspace.pk, program_id=program_id
                )
            except NotFound as error:
                raise Http404(error.message) from error
            with timezone.override(request.program.time_zone):
                return view(request, *args, **kwargs)

        return page_view(permission)(of_program)

    return decorate


def program_page(
    request: ProgramRequest, template: str, *, tab: str, status: int = 200, **context: Any
) -> HttpResponse:
    """The template below the program's header; `tab` is the one that is shown."""
    found = conflicts.count(workspace_id=request.workspace.pk, program_id=request.program.pk)
    return page(
        request, template, section="passes", status=status, program=request.program, tab=tab,
        conflict_count=found, **context,
    )  # fmt: skip


def own(request: ProgramRequest, model: type[Row], row_id: int) -> Row:
    """The program's row with this number. Raises Http404, also for a row of another program."""
    found = model.objects.filter(id=row_id, program=request.program).first()  # type: ignore[attr-defined]
    if found is None:
        raise Http404("There is nothing with this number in this program.")
    return found  # type: ignore[no-any-return]
