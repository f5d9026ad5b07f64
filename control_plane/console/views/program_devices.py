"""Devices at a program's gates: pair a phone, see whether it is there, remove it."""

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console import program_live
from control_plane.console.place_form import DeviceForm
from control_plane.console.program_page import ProgramRequest, own, program_page, program_view
from control_plane.passes import devices as services
from control_plane.passes import leases, programs
from control_plane.passes.devices import NewDevice
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Device


@require_GET
@program_view(Permission.PASSES_READ)
def devices(request: ProgramRequest) -> HttpResponse:
    states = program_live.device_states(request.program)
    lent = leases.lent(workspace_id=request.workspace.pk, program_id=request.program.pk)
    for state in states:
        state.device.lent = lent.get(state.device.pk, 0)  # type: ignore[attr-defined]
    return program_page(request, "console/programs/devices.html", tab="devices", devices=states)


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def new(request: ProgramRequest) -> HttpResponse:
    """The pairing code is in the answer to its own POST and nowhere else: not in a session, not in a URL."""
    gates = programs.list_gates(workspace_id=request.workspace.pk, program_id=request.program.pk)
    form = DeviceForm(request.POST or None, gates=gates)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_device(
                workspace_id=request.workspace.pk,
                program_id=request.program.pk,
                name=form.cleaned_data["name"],
                role=form.cleaned_data["role"],
                gate_ids=form.cleaned_data["gates"],
                created_by=request.user,
            )
        except PassesError as error:
            form.refuse(error)
        else:
            return _pairing(request, made)
    return program_page(
        request,
        "console/programs/device_form.html",
        tab="devices",
        status=422 if form.is_bound else 200,
        form=form,
        gates=gates,
    )


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def edit(request: ProgramRequest, device_id: int) -> HttpResponse:
    """Name, role and gates; its phone stays paired."""
    found = own(request, Device, device_id)
    if found.revoked_at is not None:
        raise Http404("This device was removed.")
    gates = programs.list_gates(workspace_id=request.workspace.pk, program_id=request.program.pk)
    has = services.gate_ids(workspace_id=request.workspace.pk, device_id=found.pk)
    form = DeviceForm(request.POST or None, gates=gates, device=found, gate_ids=has)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.update_device(
                workspace_id=request.workspace.pk,
                device_id=found.pk,
                name=form.cleaned_data["name"],
                role=form.cleaned_data["role"],
                gate_ids=form.cleaned_data["gates"],
            )
        except NotFound as error:
            raise Http404(error.message) from error
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{changed.name} is changed. Its phone goes by it at once.")
            return redirect("console:devices", request.workspace.slug, request.program.pk)
    return program_page(
        request,
        "console/programs/device_form.html",
        tab="devices",
        status=422 if form.is_bound else 200,
        form=form,
        gates=gates,
        device=found,
    )


@require_POST
@program_view(Permission.GATES_MANAGE)
def code(request: ProgramRequest, device_id: int) -> HttpResponse:
    """Another pairing code, for another phone or the same one again."""
    found = own(request, Device, device_id)
    try:
        made = services.new_pairing_code(workspace_id=request.workspace.pk, device_id=found.pk)
    except NotFound as error:
        raise Http404(error.message) from error
    return _pairing(request, made)


@require_GET
@program_view(Permission.GATES_MANAGE)
def state(request: ProgramRequest, device_id: int) -> JsonResponse:
    """Whether the phone has used its code: the pairing page asks while it is seen."""
    found = own(request, Device, device_id)
    response = JsonResponse({"paired": found.is_paired and not found.pairing_hash})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@program_view(Permission.GATES_MANAGE)
def remove(request: ProgramRequest, device_id: int) -> HttpResponse:
    found = own(request, Device, device_id)
    try:
        services.revoke_device(workspace_id=request.workspace.pk, device_id=found.pk)
    except NotFound as error:
        raise Http404(error.message) from error
    messages.success(request, f"{found.name} is removed. Its key works no longer.")
    return redirect("console:devices", request.workspace.slug, request.program.pk)


@require_POST
@program_view(Permission.GATES_MANAGE)
def take_back(request: ProgramRequest, device_id: int) -> HttpResponse:
    """Places that are lent to a device which is not coming back."""
    found = own(request, Device, device_id)
    try:
        places = leases.take_back(workspace_id=request.workspace.pk, device_id=found.pk)
    except NotFound as error:
        raise Http404(error.message) from error
    noun = "place is" if places == 1 else "places are"
    messages.success(request, f"{places:,} {noun} free again.")
    return redirect("console:devices", request.workspace.slug, request.program.pk)


def _pairing(request: ProgramRequest, made: NewDevice) -> HttpResponse:
    address = f"{settings.CONFIG.console_url.geturl().rstrip('/')}/gate/#{made.code}"
    symbol = segno.make(address, error="m", micro=False)
    response = program_page(
        request,
        "console/programs/pairing.html",
        tab="devices",
        device=made.device,
        code=made.code,
        address=address,
        symbol=symbol.svg_data_uri(border=4, light="#fff", scale=4),
    )
    response["Cache-Control"] = "no-store"
    return response
