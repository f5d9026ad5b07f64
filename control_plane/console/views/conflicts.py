"""Conflicts: what devices admitted while they were offline, and would not have had they known all."""

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from control_plane.accounts.permissions import Permission
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.passes import conflicts as services

PAGE_SIZE: Final = 50


@require_GET
@program_view(Permission.PASSES_READ)
def conflicts(request: ProgramRequest) -> HttpResponse:
    """Newest first."""
    found = services.rows(workspace_id=request.workspace.pk, program_id=request.program.pk)
    page = Paginator(found.order_by("-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = services.explained(list(page))
    return program_page(request, "console/programs/conflicts.html", tab="conflicts", page=page, rows=rows)
