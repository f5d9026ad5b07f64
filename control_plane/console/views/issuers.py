"""Who issues passes of a program: quotas, and on which days they may."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from control_plane.accounts.permissions import Permission, allows
from control_plane.console.pass_form import DayForm, IssuerForm, LogoForm, PersonForm
from control_plane.console.program_page import ProgramRequest, own, program_page, program_view
from control_plane.passes import issuers as services
from control_plane.passes import seats
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.issuing import is_on
from control_plane.passes.models import Issuer, IssuerDay, Pass, PassState
from control_plane.passes.room import percent


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_READ)
def issuers(request: ProgramRequest) -> HttpResponse:
    """The list; a POST adds one, for those who may issue passes."""
    adds = request.method == "POST"
    if adds and not allows(request.membership.role, Permission.PASSES_WRITE):
        raise PermissionDenied("Your role does not allow this. Ask an editor of the workspace.")
    form = IssuerForm(request.POST if adds else None)
    if form.is_valid():
        try:
            made = services.create_issuer(
                workspace_id=request.workspace.pk, program_id=request.program.pk, **form.cleaned_data
            )
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.name} may issue passes now.")
            return _back(request)
    status = 422 if form.is_bound else 200
    return program_page(
        request, "console/programs/issuers.html", tab="issuers", status=status, form=form, rows=_rows(request)
    )


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def issuer(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    found = own(request, Issuer, issuer_id)
    form = IssuerForm(request.POST or None, issuer=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_issuer(workspace_id=request.workspace.pk, issuer_id=found.pk, **form.cleaned_data)
        except NotFound as error:
            raise Http404(error.message) from error
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved.")
            return _back(request)
    return one(request, found, form=form)


@require_POST
@program_view(Permission.PASSES_WRITE)
def switch(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    """`on`: 1 switches the issuer on, anything else off."""
    found = own(request, Issuer, issuer_id)
    on = request.POST.get("on") == "1"
    services.update_issuer(workspace_id=request.workspace.pk, issuer_id=found.pk, is_active=on)
    said = "is on again." if on else "is off. Its passes are refused until it is on again."
    messages.success(request, f"{found.name} {said}")
    return _back(request)


@require_POST
@program_view(Permission.PASSES_WRITE)
def day(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    """On or off on one day of the program's time zone."""
    found = own(request, Issuer, issuer_id)
    form = DayForm(request.POST)
    if not form.is_valid():
        return one(request, found, day_form=form)
    services.set_day(
        workspace_id=request.workspace.pk,
        issuer_id=found.pk,
        day=form.cleaned_data["day"],
        is_active=form.is_active(),
    )
    messages.success(request, "Saved.")
    return redirect("console:issuer", request.workspace.slug, request.program.pk, found.pk)


@require_POST
@program_view(Permission.PASSES_WRITE)
def delete(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    found = own(request, Issuer, issuer_id)
    try:
        services.delete_issuer(workspace_id=request.workspace.pk, issuer_id=found.pk)
    except PassesError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found.name} is deleted.")
    return _back(request)


def _rows(request: ProgramRequest) -> list[dict[str, Any]]:
    """Each issuer with what it issued, as the quota counts it, and whether it is on today."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Pass.objects.filter(program=request.program).exclude(issuer=None).exclude(state=PassState.REPLACED)
    counted = mine.values("issuer_id").annotate(
        all=Count("id"), today=Count("id", filter=Q(created_at__gte=midnight))
    )
    counts = {row["issuer_id"]: row for row in counted.order_by()}
    return [
        {
            "issuer": one,
            "on": is_on(one, timezone.localdate()),
            "all": counts.get(one.pk, {}).get("all", 0),
            "today": counts.get(one.pk, {}).get("today", 0),
            "percent": percent(counts.get(one.pk, {}).get("all", 0), one.quota_total),
        }
        for one in services.list_issuers(workspace_id=request.workspace.pk, program_id=request.program.pk)
    ]


def one(
    request: ProgramRequest,
    issuer: Issuer,
    *,
    form: IssuerForm | None = None,
    day_form: DayForm | None = None,
    person_form: PersonForm | None = None,
    logo_form: LogoForm | None = None,
) -> HttpResponse:
    """The issuer's page, with the form that was refused."""
    today = timezone.localdate()
    bound = any(given is not None and given.is_bound for given in (form, day_form, person_form, logo_form))
    people = seats.list_seats(workspace_id=request.workspace.pk, issuer_id=issuer.pk)
    return program_page(
        request,
        "console/programs/issuer.html",
        tab="issuers",
        status=422 if bound else 200,
        issuer=issuer,
        form=form or IssuerForm(issuer=issuer),
        day_form=day_form or DayForm(initial={"day": today}),
        person_form=person_form or PersonForm(),
        logo_form=logo_form or LogoForm(),
        people=[{"seat": seat, "state": seats.state(seat)} for seat in people],
        days=list(IssuerDay.objects.filter(issuer=issuer, day__gte=today).order_by("day")),
        is_on=is_on(issuer, today),
    )


def _back(request: ProgramRequest) -> HttpResponse:
    return redirect("console:issuers", request.workspace.slug, request.program.pk)
