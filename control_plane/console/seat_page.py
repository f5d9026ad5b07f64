"""What an issuer's own pages share: whose phone it is, the issuer and the program, the time zone.

The phone is known by a cookie of its own, which has nothing to do with the console's session.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import seats
from control_plane.passes.errors import SeatRefused
from control_plane.passes.models import Issuer, Program, Seat


def cookie_name(https: bool) -> str:
    """A __Host- cookie is of this host alone, and comes over https alone: browsers refuse it otherwise."""
    return "__Host-scanway-issuer" if https else "scanway-issuer"


COOKIE: Final = cookie_name(settings.CONFIG.https)
KEEP: Final = timedelta(days=90)

View = Callable[..., HttpResponse]


class SeatRequest(HttpRequest):
    """What a view behind `seat_view` gets."""

    seat: Seat
    issuer: Issuer
    program: Program


def seat_view(view: View) -> View:
    """In the workspace's scope and the program's time zone. A phone that is not signed in gets a page that
    says so, and loses its cookie."""

    @wraps(view)
    def at_the_desk(request: SeatRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            seat = seats.authenticate(key=request.COOKIES.get(COOKIE, ""))
        except SeatRefused as refusal:
            had_one = bool(request.COOKIES.get(COOKIE))
            response = private(
                render(
                    request, "console/seat/signed_out.html", {"refusal": refusal, "was": had_one}, status=403
                )
            )
            if had_one:
                forget(response)
            return response
        request.seat, request.issuer, request.program = seat, seat.issuer, seat.issuer.program
        with workspace_scope(seat.workspace_id), timezone.override(request.program.time_zone):
            return private(view(request, *args, **kwargs))

    at_the_desk.of_seat = True  # type: ignore[attr-defined]
    return at_the_desk


def page(request: SeatRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    frame = {
        "seat": request.seat,
        "issuer": request.issuer,
        "program": request.program,
        "has_logo": Issuer.objects.filter(id=request.issuer.pk).exclude(logo=b"").exists(),
    }
    return render(request, f"console/seat/{template}.html", frame | context, status=status)


def private(response: HttpResponse) -> HttpResponse:
    """Codes that let people in, and addresses that sign in: kept nowhere, told to nobody."""
    response["Cache-Control"] = "no-store"
    # Not no-referrer: browsers then send forms with “Origin: null”, which the CSRF check refuses.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def remember(response: HttpResponse, key: str) -> None:
    response.set_cookie(
        COOKIE,
        key,
        max_age=KEEP,
        path="/",
        secure=settings.CONFIG.https,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    # delete_cookie knows by the name's prefix that it has to be Secure.
    response.delete_cookie(COOKIE, path="/", samesite="Lax")
