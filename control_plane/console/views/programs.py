"""Programs: the list, a new one, its overview with live counts, its settings and its states."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.console import names, program_live
from control_plane.console.program_form import FirstPlaceForm, ProgramForm
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.console.shell import frame, page, page_view
from control_plane.passes import occupancy, programs, room
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Program

PARTS = ("zones", "today", "devices")
_SAID = {
    "active": "{} is active again.",
    "paused": "{} is paused. Gates refuse everybody who wants in until you resume it.",
    "ended": "{} has ended. Its passes are no longer valid.",
}
_NOW_ROTATING = (
    "Codes change from now on: passes that were printed, sent as a picture or put into a wallet admit "
    "nobody. Send their holders the link."
)


@require_GET
@page_view(Permission.PASSES_READ)
def programs_list(request: WorkspaceRequest) -> HttpResponse:
    found = programs.list_programs(workspace_id=request.workspace.pk)
    rows = [
        {
            "program": one,
            "percent": room.percent(one.inside, one.capacity),
            "level": occupancy.level(one.inside, one.capacity),
        }
        for one in found
    ]
    return page(request, "console/programs/list.html", section="passes", rows=rows)


@require_http_methods(["GET", "POST"])
@page_view(Permission.GATES_MANAGE)
def new(request: WorkspaceRequest) -> HttpResponse:
    zone = _posted_zone(request, request.workspace.time_zone)
    with timezone.override(zone):
        form = ProgramForm(request.POST or None, initial={"time_zone": zone})
        place = FirstPlaceForm(
            request.POST or None, initial={"zone_name": "Whole site", "gate_name": "Main entrance"}
        )
        if request.method == "POST" and form.is_valid() & place.is_valid():
            program = _create(request, form, place)
            if program is not None:
                messages.success(request, f"{program.name} is ready. Now issue passes and pair phones.")
                return redirect("console:program", request.workspace.slug, program.pk)
        return page(
            request,
            "console/programs/form.html",
            section="passes",
            status=422 if form.is_bound else 200,
            form=form,
            place=place,
        )


@require_GET
@program_view(Permission.PASSES_READ)
def show(request: ProgramRequest) -> HttpResponse:
    return program_page(
        request, "console/programs/show.html", tab="overview", **program_live.load(request.program)
    )


@require_GET
@program_view(Permission.PASSES_READ)
def counts(request: ProgramRequest) -> JsonResponse:
    """The live parts of the overview. Its page asks every 2 seconds while it is seen."""
    context = frame(request) | {"program": request.program} | program_live.load(request.program)
    parts = {name: render_to_string(f"console/programs/live_{name}.html", context) for name in PARTS}
    full = [one.zone.name for one in context["zones"] if one.level == "full"]
    warning = [one.zone.name for one in context["zones"] if one.level == "warning"]
    response = JsonResponse({"parts": parts, "full": full, "warning": warning})
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def edit(request: ProgramRequest) -> HttpResponse:
    program = request.program
    with timezone.override(_posted_zone(request, program.time_zone)):
        form = ProgramForm(request.POST or None, program=program)
        if request.method == "POST" and form.is_valid():
            try:
                programs.update_program(
                    workspace_id=request.workspace.pk,
                    program_id=program.pk,
                    expected_version=form.cleaned_data["version"],
                    **form.values(),
                )
            except NotFound as error:
                raise Http404(error.message) from error
            except PassesError as error:
                form.refuse(error)
            else:
                messages.success(request, "Saved. Gates follow your change within seconds.")
                if form.cleaned_data["rotating"] and not program.rotating and program.passes.exists():
                    messages.warning(request, _NOW_ROTATING)
                return redirect("console:program", request.workspace.slug, program.pk)
        return page(
            request,
            "console/programs/form.html",
            section="passes",
            status=422 if form.is_bound else 200,
            form=form,
            program=program,
        )


@require_POST
@program_view(Permission.GATES_MANAGE)
def state(request: ProgramRequest) -> HttpResponse:
    """`to`: active, paused or ended."""
    to = request.POST.get("to", "")
    try:
        programs.update_program(workspace_id=request.workspace.pk, program_id=request.program.pk, state=to)
    except NotFound as error:
        raise Http404(error.message) from error
    except PassesError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _SAID[to].format(request.program.name))
    return redirect("console:program", request.workspace.slug, request.program.pk)


@require_POST
@program_view(Permission.GATES_MANAGE)
def delete(request: ProgramRequest) -> HttpResponse:
    program = request.program
    try:
        programs.delete_program(workspace_id=request.workspace.pk, program_id=program.pk)
    except NotFound as error:
        raise Http404(error.message) from error
    except PassesError as error:
        messages.error(request, error.message)
        return redirect("console:program", request.workspace.slug, program.pk)
    messages.success(request, f"{program.name} is deleted.")
    return redirect("console:programs", request.workspace.slug)


def _create(request: WorkspaceRequest, form: ProgramForm, place: FirstPlaceForm) -> Program | None:
    """The program with its first zone and gate, or nothing of them and sentences at the fields."""
    own, given = request.workspace.pk, place.cleaned_data
    part = ""
    try:
        with transaction.atomic():
            program = programs.create_program(workspace_id=own, **form.values())
            if given["zone_name"]:
                part = "zone"
                zone = programs.create_zone(
                    workspace_id=own,
                    program_id=program.pk,
                    name=given["zone_name"],
                    capacity=given["zone_capacity"],
                )
                if given["gate_name"]:
                    part = "gate"
                    programs.create_gate(
                        workspace_id=own,
                        program_id=program.pk,
                        zone_id=zone.pk,
                        name=given["gate_name"],
                        way=given["gate_way"],
                    )
    except PassesError as error:
        if part:
            place.refuse_part(part, error)
        else:
            form.refuse(error)
        return None
    return program


def _posted_zone(request: WorkspaceRequest, otherwise: str) -> str:
    """The times in the form are in the zone that the same form names."""
    given: Any = request.POST.get("time_zone", "")
    return given if given in names.zones() else otherwise
