"""Zones and gates of a program: what is counted, and where passes are scanned."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console import program_live
from control_plane.console.place_form import CorrectForm, GateForm, ZoneForm
from control_plane.console.program_page import ProgramRequest, own, program_page, program_view
from control_plane.passes import occupancy, programs
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Gate, Zone


@require_GET
@program_view(Permission.PASSES_READ)
def zones(request: ProgramRequest) -> HttpResponse:
    return _tree(request)


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def zone_new(request: ProgramRequest) -> HttpResponse:
    form = ZoneForm(request.POST or None, zones=_zones(request), auto_id="zone_%s")
    if form.is_valid():
        try:
            made = programs.create_zone(
                workspace_id=request.workspace.pk,
                program_id=request.program.pk,
                name=form.cleaned_data["name"],
                capacity=form.cleaned_data["capacity"],
                parent_id=form.cleaned_data.get("parent"),
            )
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.name} is added.")
            return _back(request)
    return _tree(request, zone_form=form)


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def zone(request: ProgramRequest, zone_id: int) -> HttpResponse:
    found = own(request, Zone, zone_id)
    form = ZoneForm(request.POST or None, zone=found)
    if request.method == "POST" and form.is_valid():
        try:
            programs.update_zone(workspace_id=request.workspace.pk, zone_id=found.pk, **form.cleaned_data)
        except NotFound as error:
            raise Http404(error.message) from error
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved.")
            return _back(request)
    return _edit(request, form, f"Edit {found.name}")


@require_POST
@program_view(Permission.GATES_MANAGE)
def zone_delete(request: ProgramRequest, zone_id: int) -> HttpResponse:
    found = own(request, Zone, zone_id)
    return _delete(request, found.name, programs.delete_zone, zone_id=found.pk)


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def correct(request: ProgramRequest, zone_id: int) -> HttpResponse:
    found = own(request, Zone, zone_id)
    form = CorrectForm(request.POST or None, initial={"inside": found.inside})
    if request.method == "POST" and form.is_valid():
        try:
            now = occupancy.correct(
                workspace_id=request.workspace.pk, zone_id=found.pk, by=request.user, **form.cleaned_data
            )
        except NotFound as error:
            raise Http404(error.message) from error
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{now.name} has {now.inside:,} inside now.")
            return _back(request)
    return _edit(request, form, f"Correct the count of {found.name}", counted=found)


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def gate_new(request: ProgramRequest) -> HttpResponse:
    form = GateForm(request.POST or None, zones=_zones(request), auto_id="gate_%s")
    if form.is_valid():
        try:
            made = programs.create_gate(
                workspace_id=request.workspace.pk, program_id=request.program.pk, **form.values()
            )
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.name} is added. Pair a phone to scan there.")
            return _back(request)
    return _tree(request, gate_form=form)


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def gate(request: ProgramRequest, gate_id: int) -> HttpResponse:
    found = own(request, Gate, gate_id)
    form = GateForm(request.POST or None, zones=_zones(request), gate=found)
    if request.method == "POST" and form.is_valid():
        try:
            programs.update_gate(workspace_id=request.workspace.pk, gate_id=found.pk, **form.values())
        except NotFound as error:
            raise Http404(error.message) from error
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved.")
            return _back(request)
    return _edit(request, form, f"Edit {found.name}")


@require_POST
@program_view(Permission.GATES_MANAGE)
def gate_switch(request: ProgramRequest, gate_id: int) -> HttpResponse:
    """`open`: 1 opens it, anything else closes it."""
    found = own(request, Gate, gate_id)
    is_open = request.POST.get("open") == "1"
    programs.update_gate(workspace_id=request.workspace.pk, gate_id=found.pk, is_open=is_open)
    said = "is open." if is_open else "is closed. It lets people out, and nobody in."
    messages.success(request, f"{found.name} {said}")
    return _back(request)


@require_POST
@program_view(Permission.GATES_MANAGE)
def gate_delete(request: ProgramRequest, gate_id: int) -> HttpResponse:
    found = own(request, Gate, gate_id)
    return _delete(request, found.name, programs.delete_gate, gate_id=found.pk)


def _zones(request: ProgramRequest) -> list[Zone]:
    return programs.list_zones(workspace_id=request.workspace.pk, program_id=request.program.pk)


def _tree(request: ProgramRequest, **given: Any) -> HttpResponse:
    found = _zones(request)
    # Two forms on one page: their ids must differ.
    forms = {
        "zone_form": ZoneForm(zones=found, auto_id="zone_%s"),
        "gate_form": GateForm(zones=found, auto_id="gate_%s"),
    } | given
    return program_page(
        request,
        "console/programs/zones.html",
        tab="zones",
        status=422 if any(form.is_bound for form in given.values()) else 200,
        zones=program_live.zones(request.program),
        correct_form=CorrectForm(auto_id=False),
        **forms,
    )


def _edit(request: ProgramRequest, form: Any, heading: str, **context: Any) -> HttpResponse:
    return program_page(
        request,
        "console/programs/place.html",
        tab="zones",
        status=422 if form.is_bound else 200,
        form=form,
        title=heading,
        **context,
    )


def _delete(request: ProgramRequest, name: str, service: Any, **row: int) -> HttpResponse:
    try:
        service(workspace_id=request.workspace.pk, **row)
    except NotFound as error:
        raise Http404(error.message) from error
    except PassesError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{name} is deleted.")
    return _back(request)


def _back(request: ProgramRequest) -> HttpResponse:
    return redirect("console:zones", request.workspace.slug, request.program.pk)
