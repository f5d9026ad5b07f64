"""Alerts of a program: who is told when a zone fills, and which there were."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.console.room_form import KINDS, ContactForm
from control_plane.passes import alert_contacts, alert_services, alerts
from control_plane.passes.errors import NotFound, PassesError


@require_http_methods(["GET", "POST"])
@program_view(Permission.GATES_MANAGE)
def room_alerts(request: ProgramRequest) -> HttpResponse:
    own = {"workspace_id": request.workspace.pk, "program_id": request.program.pk}
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = alert_contacts.add(**own, **form.cleaned_data)
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.name} is added. Send a test message, to be sure.")
            return _back(request)
    return program_page(
        request,
        "console/room/alerts.html",
        tab="room",
        status=422 if form.is_bound else 200,
        form=form,
        contacts=[{"contact": one, "kind": KINDS[one.kind]} for one in alert_contacts.list_contacts(**own)],
        alerts=alerts.list_alerts(**own),
        services={
            title: [one for one in alert_services.SERVICES.values() if one.kind == kind]
            for kind, title in KINDS.items()
            if kind != "mail"
        },
    )


@require_POST
@program_view(Permission.GATES_MANAGE)
def contact_test(request: ProgramRequest, contact_id: int) -> HttpResponse:
    """Sends now, and says how it went."""
    try:
        found = alert_contacts.get(
            workspace_id=request.workspace.pk, program_id=request.program.pk, contact_id=contact_id
        )
    except NotFound as error:
        raise Http404(error.message) from error
    problem = alert_contacts.send(
        found,
        f"Test: {request.program.name}",
        "This is how scanway tells you that a zone is nearly full, or full. Nothing is full now.",
    )
    if problem:
        messages.error(request, f"{found.name} was not reached. {problem}")
    else:
        messages.success(request, f"A test message to {found.name} is on its way.")
    return _back(request)


@require_POST
@program_view(Permission.GATES_MANAGE)
def contact_remove(request: ProgramRequest, contact_id: int) -> HttpResponse:
    try:
        name = alert_contacts.remove(
            workspace_id=request.workspace.pk, program_id=request.program.pk, contact_id=contact_id
        )
    except NotFound as error:
        raise Http404(error.message) from error
    messages.success(request, f"{name} is told no longer.")
    return _back(request)


def _back(request: ProgramRequest) -> HttpResponse:
    return redirect("console:room_alerts", request.workspace.slug, request.program.pk)
