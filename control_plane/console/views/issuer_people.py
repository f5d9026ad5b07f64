"""People of an issuer: add one, sign their phone in by a link, remove them at once."""

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console.pass_form import PersonForm
from control_plane.console.program_page import ProgramRequest, own, program_page, program_view
from control_plane.console.views.issuers import one
from control_plane.passes import seats
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Issuer, Seat
from control_plane.passes.seats import NewLink


@require_POST
@program_view(Permission.GATES_MANAGE)
def add(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    """The link is in the answer to its own POST and nowhere else: not in a session, not in a URL of ours."""
    issuer = own(request, Issuer, issuer_id)
    form = PersonForm(request.POST)
    if form.is_valid():
        try:
            made = seats.create_seat(
                workspace_id=request.workspace.pk,
                issuer_id=issuer.pk,
                name=form.cleaned_data["name"],
                created_by=request.user,
            )
        except PassesError as error:
            form.refuse(error)
        else:
            return _shown(request, issuer, made)
    return one(request, issuer, person_form=form)


@require_POST
@program_view(Permission.GATES_MANAGE)
def link(request: ProgramRequest, issuer_id: int, seat_id: int) -> HttpResponse:
    """Another link, for another phone or the same one again."""
    issuer, seat = _own(request, issuer_id, seat_id)
    return _shown(request, issuer, seats.new_link(workspace_id=request.workspace.pk, seat_id=seat.pk))


@require_GET
@program_view(Permission.GATES_MANAGE)
def state(request: ProgramRequest, issuer_id: int, seat_id: int) -> JsonResponse:
    """Whether the link was used: the page that shows it asks while it is seen."""
    _, seat = _own(request, issuer_id, seat_id)
    response = JsonResponse({"paired": bool(seat.key_hash) and not seat.link_hash})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@program_view(Permission.GATES_MANAGE)
def remove(request: ProgramRequest, issuer_id: int, seat_id: int) -> HttpResponse:
    issuer, seat = _own(request, issuer_id, seat_id)
    seats.remove_seat(workspace_id=request.workspace.pk, seat_id=seat.pk)
    messages.success(request, f"{seat.name} is removed, and that phone is signed out. Their passes stay.")
    return redirect("console:issuer", request.workspace.slug, request.program.pk, issuer.pk)


def _own(request: ProgramRequest, issuer_id: int, seat_id: int) -> tuple[Issuer, Seat]:
    issuer = own(request, Issuer, issuer_id)
    try:
        seat = seats.get_seat(workspace_id=request.workspace.pk, issuer_id=issuer.pk, seat_id=seat_id)
    except NotFound as error:
        raise Http404(error.message) from error
    return issuer, seat


def _shown(request: ProgramRequest, issuer: Issuer, made: NewLink) -> HttpResponse:
    base = settings.CONFIG.console_url.geturl().rstrip("/")
    address = base + reverse("seat:sign_in", args=[made.code])
    symbol = segno.make(address, error="m", micro=False)
    response = program_page(
        request,
        "console/programs/person_link.html",
        tab="issuers",
        issuer=issuer,
        person=made.seat,
        address=address,
        symbol=symbol.svg_data_uri(border=4, light="#fff", scale=4),
    )
    response["Cache-Control"] = "no-store"
    return response
