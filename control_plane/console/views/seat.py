"""An issuer's own pages: its numbers, and passes in three taps."""

import io
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from control_plane.console import pass_state
from control_plane.console.print_form import LAYOUTS
from control_plane.console.seat_form import MakeForm
from control_plane.console.seat_page import SeatRequest, page, seat_view
from control_plane.passes import access, desk, printing, symbols
from control_plane.passes import holder as holders
from control_plane.passes.errors import PassesError
from control_plane.passes.models import Pass, PassState
from control_plane.passes.sheets import SheetStyle


@require_GET
@seat_view
def home(request: SeatRequest) -> HttpResponse:
    seat = request.seat
    return page(
        request,
        "home",
        numbers=desk.numbers(seat),
        rows=[line(request, row) for row in desk.latest(seat=seat)],
    )


@require_http_methods(["GET", "POST"])
@seat_view
def new(request: SeatRequest) -> HttpResponse:
    """The form of the second tap; what is sent twice makes nothing twice."""
    seat = request.seat
    numbers, days = desk.numbers(seat), desk.days(seat)
    if numbers.closed:
        return page(request, "closed", status=409 if request.method == "POST" else 200, numbers=numbers)
    form = MakeForm(
        request.POST if request.method == "POST" else None,
        program=request.program,
        today=timezone.localdate(),
        days=days,
        usual=desk.usual_day(seat, days),
        most=numbers.most,
    )
    if form.is_valid():
        try:
            made = desk.make(seat=seat, **form.wishes())
        except PassesError as error:
            form.refuse(error)
        else:
            again = "?again" if made.replayed else "?new"
            if made.first == made.last:
                (row,) = desk.own_range(seat=seat, first=made.first, last=made.last)
                there = redirect("seat:pass", row.pk)
            else:
                there = redirect("seat:made", made.first, made.last)
            there["Location"] += again
            return there
    return page(request, "new", status=422 if form.is_bound else 200, form=form, numbers=numbers)


@require_GET
@seat_view
def made(request: SeatRequest, first: int, last: int) -> HttpResponse:
    """Several passes at once, each with its code."""
    rows = _range(request, first, last)
    shown = [code(request, row) for row in rows if row.state in (PassState.ACTIVE, PassState.HELD)]
    return page(
        request,
        "made",
        rows=shown,
        first=rows[0],
        last=rows[-1],
        left_out=len(rows) - len(shown),
        when=_shared(rows),
        is_new="new" in request.GET,
        is_again="again" in request.GET,
    )


@require_GET
@seat_view
def sheet(request: SeatRequest, first: int, last: int) -> HttpResponse:
    """The PDF of one's own passes: for a receipt printer, or `?layout=2x4` for paper."""
    if request.program.rotating:
        raise Http404("A code that changes cannot be printed.")
    rows = _range(request, first, last)
    layout = request.GET.get("layout", "receipt")
    texts = printing.texts(request.program)
    style = SheetStyle(
        layout=layout if layout in LAYOUTS else "receipt",
        title=texts["title"],
        lines=tuple(filter(None, (_shared(rows), request.program.place))),
    )
    out = io.BytesIO()
    try:
        printing.write(out, request.program, numbers=[row.number for row in rows], style=style, branded=True)
    except PassesError as error:
        raise Http404(error.message) from error
    response = HttpResponse(out.getvalue(), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="passes-{rows[0].number}-{rows[-1].number}.pdf"'
    return response


@require_GET
@seat_view
def logo(request: SeatRequest) -> HttpResponse:
    found = desk.logo(request.seat)
    if not found:
        raise Http404("This issuer has no logo.")
    return HttpResponse(found, content_type="image/png")


def line(request: SeatRequest, row: Pass) -> dict[str, Any]:
    """A pass in a list."""
    holder = holders.opened(row.holder, row.workspace_id)
    return {
        "pass": row,
        "holder": holder.get("plate") or holder.get("name", ""),
        "state": pass_state.shown_state(row, request.program),
    }


def code(request: SeatRequest, row: Pass) -> dict[str, Any]:
    """A pass with its address and its code as an image. A code that changes is on its holder's phone only:
    what is shown leads there."""
    link = access.web_link(row) if request.program.rotating else symbols.text_of(row, request.program)
    return line(request, row) | {"link": link, "qr": symbols.data_uri(link)}


def when(row: Pass) -> str:
    """When it is valid, in the program's time zone."""
    return printing.window(row.valid_from, row.valid_until) or "without an end"


def _shared(rows: list[Pass]) -> str:
    """When all of them are valid, or "" where they differ: what was made at once does not."""
    windows = {when(row) for row in rows}
    return windows.pop() if len(windows) == 1 else ""


def _range(request: SeatRequest, first: int, last: int) -> list[Pass]:
    rows = desk.own_range(seat=request.seat, first=first, last=last)
    if not rows:
        raise Http404("There are no such passes of yours.")
    return rows
