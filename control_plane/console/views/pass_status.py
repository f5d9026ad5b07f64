"""The page that any phone's camera opens from a printed pass: what it is worth, and the code, large enough to
be scanned from the screen."""

import base64
import io

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from control_plane.console.visits import limited
from control_plane.passes import issuing
from control_plane.passes.status import status

VISITS = 600
"""A minute and address: phones of one provider share one."""
WORDS = {
    "valid": ("Valid", "Show this code at the entrance."),
    "used": ("Used", "This pass has been used. It admits nobody else."),
    "not_yet_valid": ("Not yet valid", "It will be from the time below."),
    "expired": ("Expired", "Its time is over."),
    "held": ("On hold", "Please ask the organiser, or a supervisor at the entrance."),
    "cancelled": ("Cancelled", "The organiser has cancelled this pass. It admits nobody."),
    "replaced": ("Replaced", "A new pass was made instead of this one. Use the new one."),
}


@require_safe
@limited("pass", VISITS)
def pass_status(request: HttpRequest, text: str) -> HttpResponse:
    """Never a name: whoever finds a ticket learns nothing about who lost it."""
    found = status(text)
    if found is None:
        response = render(request, "console/pass_status.html", {"found": None}, status=404)
    else:
        with timezone.override(found.time_zone):
            word, sentence = WORDS[found.state]
            response = render(
                request,
                "console/pass_status.html",
                {
                    "found": found,
                    "word": word,
                    "sentence": sentence,
                    "qr": "" if found.rotating else _image(found.data),
                },
            )
    # The address is the pass: it goes to no other site, and into no shared cache.
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def _image(data: bytes) -> str:
    out = io.BytesIO()
    segno.make_qr(issuing.printed_text(data), error="m", boost_error=False).save(
        out, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, svgns=True
    )
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()
