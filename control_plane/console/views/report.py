"""The report of a program: a page, and the same as CSV files and as PDF."""

import re
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from control_plane.accounts.permissions import Permission
from control_plane.console.forms import ConsoleForm
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.console.report_page import shown
from control_plane.passes import report as reports
from control_plane.passes.errors import PassesError
from control_plane.passes.report import Report
from control_plane.passes.report_csv import write_zip
from control_plane.passes.report_pdf import write_pdf
from control_plane.passes.report_tables import tables


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        error_messages={"invalid": "Give a day, such as 2030-01-31."},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class DaysForm(ConsoleForm):
    """Which days; those of the program where nothing is given."""

    first = _day("First day")
    last = _day("Last day")


@require_GET
@program_view(Permission.PASSES_READ)
def report(request: ProgramRequest) -> HttpResponse:
    form = DaysForm(request.GET) if request.GET else DaysForm()
    made = _made(request, form)
    refused = form.is_bound and bool(form.errors)
    if not form.is_bound:
        form.initial = {"first": made.period.first, "last": made.period.last}
    days = {"first": made.period.first.isoformat(), "last": made.period.last.isoformat()}
    return program_page(
        request,
        "console/room/report.html",
        tab="room",
        status=422 if refused else 200,
        form=form,
        report=made,
        query=urlencode(days),
        **shown(made),
    )


@require_GET
@program_view(Permission.PASSES_READ)
def pdf(request: ProgramRequest) -> HttpResponse:
    return _file(request, "pdf", "application/pdf", write_pdf)


@require_GET
@program_view(Permission.PASSES_READ)
def archive(request: ProgramRequest) -> HttpResponse:
    """All tables as CSV files."""
    return _file(request, "zip", "application/zip", lambda made: write_zip(tables(made)))


def _file(request: ProgramRequest, kind: str, content_type: str, write: Any) -> HttpResponse:
    form = DaysForm(request.GET)
    made = _made(request, form)
    if form.errors:
        # The page says at the field what is wrong.
        address = redirect("console:report", request.workspace.slug, request.program.pk)
        address["Location"] += f"?{request.GET.urlencode()}"
        return address
    days = f"{made.period.first}-{made.period.last}"
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.program.name).strip("-").lower()[:60] or "program"
    return HttpResponse(
        write(made),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{days}.{kind}"',
            "Cache-Control": "no-store",
        },
    )


def _made(request: ProgramRequest, form: DaysForm) -> Report:
    """Of the days in the form; of the program's own where those cannot be used."""
    if form.is_valid():
        try:
            return reports.load(program=request.program, **form.cleaned_data)
        except PassesError as error:
            form.refuse(error)
    return reports.load(program=request.program)
