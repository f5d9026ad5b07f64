"""One pass on an issuer's phone: show it, share it, print it, or cancel it while nobody used it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from control_plane.console.seat_page import SeatRequest, page, seat_view
from control_plane.console.views import seat as pages
from control_plane.passes import desk
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Pass, PassState

_SHOWN = (PassState.ACTIVE, PassState.HELD)


@require_GET
@seat_view
def show(request: SeatRequest, pass_id: int) -> HttpResponse:
    row = _own(request, pass_id)
    has_code = row.state in _SHOWN
    return page(
        request,
        "pass",
        row=row,
        one=pages.code(request, row) if has_code else pages.line(request, row),
        has_code=has_code,
        when=pages.when(row),
        can_cancel=has_code and not row.uses and row.inside_zone_id is None,
        is_new="new" in request.GET,
        is_again="again" in request.GET,
    )


@require_GET
@seat_view
def full(request: SeatRequest, pass_id: int) -> HttpResponse:
    """Nothing but the code, as large as the screen: for another phone's camera."""
    row = _own(request, pass_id)
    if row.state not in _SHOWN:
        return redirect("seat:pass", row.pk)
    return page(request, "full", row=row, one=pages.code(request, row), when=pages.when(row))


@require_POST
@seat_view
def cancel(request: SeatRequest, pass_id: int) -> HttpResponse:
    try:
        row = desk.cancel(seat=request.seat, pass_id=pass_id)
    except NotFound as error:
        raise Http404(error.message) from error
    except PassesError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"No. {row.number:,} is cancelled. It admits nobody.")
    return redirect("seat:pass", pass_id)


def _own(request: SeatRequest, pass_id: int) -> Pass:
    try:
        return desk.own_pass(seat=request.seat, pass_id=pass_id)
    except NotFound as error:
        raise Http404(error.message) from error
