"""Plates that were read at a program's gates: how many in each hour, and which, where it keeps them."""

from datetime import date, timedelta

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from control_plane.accounts.permissions import Permission
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.passes import plates as services


@require_GET
@program_view(Permission.PASSES_READ)
def plates(request: ProgramRequest) -> HttpResponse:
    """`day`: another one than today, where plates are kept."""
    program, today = request.program, timezone.localdate()
    day = _day(request.GET.get("day", ""), today) if program.keep_plates else today
    hours = services.hours(program, day)
    return program_page(
        request,
        "console/programs/plates.html",
        tab="devices",
        day=day,
        before=day - timedelta(days=1) if program.keep_plates else None,
        after=day + timedelta(days=1) if day < today else None,
        hours=hours,
        entries=sum(one.entries for one in hours),
        exits=sum(one.exits for one in hours),
        seen=services.seen(program, day),
    )


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if date(2021, 1, 1) <= day <= today else today
