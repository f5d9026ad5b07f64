"""Signing a phone in by a link, and out again."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from control_plane.console.seat_page import COOKIE, SeatRequest, forget, private, remember, seat_view
from control_plane.passes import guesses, seats
from control_plane.passes.errors import SeatRefused, TooManyGuesses
from control_plane.passes.models import Seat
from control_plane.proxies import client_ip


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, code: str) -> HttpResponse:
    """A GET asks, a POST signs in: previews of links and scanners of mail only ever look."""
    address = client_ip(request)
    try:
        guesses.check(address)
        if request.method == "POST":
            made = seats.sign_in(code=code)
        else:
            offered = seats.offered(code=code)
    except TooManyGuesses as refusal:
        return _refused(request, refusal.message, 429)
    except SeatRefused as refusal:
        guesses.wrong(address)
        return _refused(request, refusal.message, 410)
    now = _here(request)
    if request.method != "POST":
        context = {"seat": offered, "now": now, "same": now is not None and now.pk == offered.pk}
        return private(render(request, "console/seat/sign_in.html", context))
    if now is not None and now.pk != made.seat.pk:
        seats.sign_out(seat=now)
    rotate_token(request)
    response = private(redirect("seat:home"))
    remember(response, made.key)
    return response


@require_POST
@seat_view
def sign_out(request: SeatRequest) -> HttpResponse:
    seats.sign_out(seat=request.seat)
    response = render(request, "console/seat/signed_out.html", {"by_hand": True})
    forget(response)
    return response


def _here(request: HttpRequest) -> Seat | None:
    """Who is signed in on this phone already."""
    try:
        return seats.authenticate(key=request.COOKIES.get(COOKIE, ""))
    except SeatRefused:
        return None


def _refused(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    context = {"sentence": sentence, "now": _here(request)}
    return private(render(request, "console/seat/link_refused.html", context, status=status))
