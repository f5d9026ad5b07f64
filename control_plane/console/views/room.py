"""The control room of a program: a page for phone and office, and a screen for the wall."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from control_plane.accounts.permissions import Permission
from control_plane.console import room_page
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.console.shell import frame

PARTS = ("alerts", "zones", "flow", "hours", "refused", "issuers", "gates", "devices")


@require_GET
@program_view(Permission.PASSES_READ)
def room(request: ProgramRequest) -> HttpResponse:
    return program_page(request, "console/room/show.html", tab="room", **room_page.load(request.program))


@require_GET
@program_view(Permission.PASSES_READ)
def counts(request: ProgramRequest) -> JsonResponse:
    """The live parts of the room's page, or with `?tv=1` of the wall's."""
    context = frame(request) | {"program": request.program} | room_page.load(request.program)
    if request.GET.get("tv") == "1":
        parts = {"wall": _wall(context)}
    else:
        parts = {name: render_to_string(f"console/room/live_{name}.html", context) for name in PARTS}
    response = JsonResponse({"parts": parts} | room_page.levels(context["room"]))
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@program_view(Permission.PASSES_READ)
def tv(request: ProgramRequest) -> HttpResponse:
    """A full screen without navigation. Behind sign-in like everything else."""
    context = frame(request) | {"program": request.program} | room_page.load(request.program)
    context["wall"] = room_page.wall(context["room"])
    return render(request, "console/room/tv.html", context)


def _wall(context: dict[str, Any]) -> str:
    context["wall"] = room_page.wall(context["room"])
    return render_to_string("console/room/live_wall.html", context)
