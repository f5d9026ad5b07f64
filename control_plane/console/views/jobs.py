"""Many passes at once: a table is uploaded, looked at and confirmed; a job goes on, stops, goes on again."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console.job_form import ConfirmForm, TableForm
from control_plane.console.job_page import EXAMPLE, errors_csv, preview, shown
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.passes import drafts
from control_plane.passes import jobs as services
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.issuers import list_issuers
from control_plane.passes.models import Job

MOST_SHOWN = 200


@require_GET
@program_view(Permission.PASSES_READ)
def jobs_list(request: ProgramRequest) -> HttpResponse:
    """The newest ones."""
    found = services.list_jobs(workspace_id=request.workspace.pk, program_id=request.program.pk)
    rows = [shown(job) for job in found[:MOST_SHOWN]]
    return program_page(request, "console/jobs/list.html", tab="passes", rows=rows)


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def upload(request: ProgramRequest) -> HttpResponse:
    own = {"workspace_id": request.workspace.pk, "program_id": request.program.pk}
    given = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = TableForm(*given, issuers=list_issuers(**own))
    if form.is_valid():
        try:
            job = drafts.draft_job(**own, by=request.user, **form.values())
        except PassesError as error:
            form.refuse(error)
        else:
            return _to(request, job)
    status = 422 if form.is_bound else 200
    return program_page(request, "console/jobs/upload.html", tab="passes", status=status, form=form)


@require_GET
@program_view(Permission.PASSES_READ)
def example(request: ProgramRequest) -> HttpResponse:
    """A table as it may look like."""
    return _csv(EXAMPLE, "passes.csv")


@require_GET
@program_view(Permission.PASSES_READ)
def show(request: ProgramRequest, job_id: int) -> HttpResponse:
    """How far it is; of a table that waits to be confirmed: what is in it."""
    return _show(request, _own(request, job_id))


@require_GET
@program_view(Permission.PASSES_READ)
def progress(request: ProgramRequest, job_id: int) -> JsonResponse:
    """The live part of the page, which asks every second while the job goes on."""
    one = shown(_own(request, job_id))
    html = render_to_string("console/jobs/progress.html", {"one": one, "job": one.job})
    response = JsonResponse({"state": one.job.state, "percent": one.percent, "html": html})
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@program_view(Permission.PASSES_READ)
def errors(request: ProgramRequest, job_id: int) -> HttpResponse:
    job = _own(request, job_id)
    if not services.is_draft(job):
        raise Http404("This table was confirmed already.")
    return _csv(errors_csv(job), "errors.csv")


@require_POST
@program_view(Permission.PASSES_WRITE)
def confirm(request: ProgramRequest, job_id: int) -> HttpResponse:
    job, form = _own(request, job_id), ConfirmForm(request.POST)
    if form.is_valid():
        try:
            drafts.confirm(
                workspace_id=request.workspace.pk,
                job_id=job.pk,
                repeats=bool(form.cleaned_data["repeats"]),
                by=request.user,
            )
        except PassesError as error:
            # As it is now: somebody else may have confirmed it meanwhile.
            job = _own(request, job_id)
            if not services.is_draft(job):
                messages.error(request, error.message)
                return _to(request, job)
            form.refuse(error)
        else:
            return _to(request, job)
    return _show(request, job, form)


@require_POST
@program_view(Permission.PASSES_WRITE)
def discard(request: ProgramRequest, job_id: int) -> HttpResponse:
    job = _own(request, job_id)
    try:
        drafts.discard(workspace_id=request.workspace.pk, job_id=job.pk)
    except PassesError as error:
        messages.error(request, error.message)
        return _to(request, job)
    messages.success(request, "The table is discarded. No pass was issued.")
    return redirect("console:job_upload", request.workspace.slug, request.program.pk)


@require_POST
@program_view(Permission.PASSES_WRITE)
def cancel(request: ProgramRequest, job_id: int) -> HttpResponse:
    return _change(request, job_id, services.cancel_job)


@require_POST
@program_view(Permission.PASSES_WRITE)
def resume(request: ProgramRequest, job_id: int) -> HttpResponse:
    return _change(request, job_id, services.resume_job)


def _change(request: ProgramRequest, job_id: int, change: Any) -> HttpResponse:
    job = _own(request, job_id)
    try:
        change(workspace_id=request.workspace.pk, job_id=job.pk)
    except PassesError as error:
        messages.error(request, error.message)
    return _to(request, job)


def _show(request: ProgramRequest, job: Job, form: ConfirmForm | None = None) -> HttpResponse:
    one = shown(job)
    context: dict[str, Any] = {"job": job, "one": one}
    if one.is_draft:
        context |= {"preview": preview(job), "form": form or ConfirmForm(initial={"repeats": ""})}
    template = "console/jobs/check.html" if one.is_draft else "console/jobs/show.html"
    return program_page(request, template, tab="passes", status=422 if form else 200, **context)


def _own(request: ProgramRequest, job_id: int) -> Job:
    """Raises Http404."""
    try:
        return services.get_job(
            workspace_id=request.workspace.pk, program_id=request.program.pk, job_id=job_id
        )
    except NotFound as error:
        raise Http404(error.message) from error


def _to(request: ProgramRequest, job: Job) -> HttpResponse:
    return redirect("console:job", request.workspace.slug, request.program.pk, job.pk)


def _csv(text: str, name: str) -> HttpResponse:
    # With its mark a spreadsheet takes it for UTF-8.
    response = HttpResponse(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
