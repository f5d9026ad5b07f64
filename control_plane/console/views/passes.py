"""The passes of a program: search, issue, print."""

import io
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from control_plane.accounts.permissions import Permission
from control_plane.console.job_page import shown
from control_plane.console.pass_form import IssueForm
from control_plane.console.pass_state import entries, shown_state
from control_plane.console.print_form import PrintForm
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.passes import holder as holders
from control_plane.passes import issuing, jobs, printing
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.issuers import list_issuers
from control_plane.passes.models import Job
from control_plane.passes.numbers import Numbers

PAGE = 50
STATES = [
    ("", "All states"),
    ("inside", "Inside now"),
    ("active", "Active"),
    ("held", "On hold"),
    ("revoked", "Cancelled"),
    ("replaced", "Replaced"),
]


@dataclass(frozen=True)
class Filters:
    """The query string, with everything unknown left out."""

    q: str
    state: str
    after: int | None
    job: int | None

    def query(self, after: int | None = None) -> str:
        given = {"q": self.q, "state": self.state, "job": self.job, "after": after}
        return urlencode({name: value for name, value in given.items() if value not in ("", None)})


def read_filters(request: ProgramRequest) -> Filters:
    get = request.GET.get
    return Filters(
        q=get("q", "").strip()[:200],
        state=get("state", "") if get("state", "") in dict(STATES) else "",
        after=_row(get("after", "")),
        job=_row(get("job", "")),
    )


def _row(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


@require_GET
@program_view(Permission.PASSES_READ)
def passes(request: ProgramRequest) -> HttpResponse:
    filters, own = read_filters(request), request.workspace.pk
    job = _job(request, filters.job)
    found = issuing.search(
        workspace_id=own,
        program_id=request.program.pk,
        job_id=filters.job,
        text=filters.q,
        state=filters.state,
    ).select_related("inside_zone")
    if filters.after is not None:
        found = found.filter(id__lt=filters.after)
    page = list(found[: PAGE + 1])
    rows = [
        {
            "pass": row,
            "holder": holders.opened(row.holder, own),
            "state": shown_state(row, request.program),
            "entries": entries(row, request.program),
        }
        for row in page[:PAGE]
    ]
    return program_page(
        request,
        "console/passes/list.html",
        tab="passes",
        rows=rows,
        filters=filters,
        filtered=bool(filters.q or filters.state or filters.after or filters.job),
        job=job and shown(job),
        has_jobs=jobs.list_jobs(workspace_id=own, program_id=request.program.pk).exists(),
        states=STATES,
        first_query=filters.query(),
        next_query=filters.query(page[PAGE - 1].pk) if len(page) > PAGE else "",
    )


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def issue(request: ProgramRequest) -> HttpResponse:
    own, program = request.workspace.pk, request.program
    form = IssueForm(request.POST or None, issuers=list_issuers(workspace_id=own, program_id=program.pk))
    if request.method == "POST" and form.is_valid():
        try:
            if form.needs_a_job:
                job = jobs.create_job(
                    workspace_id=own,
                    program_id=program.pk,
                    count=form.cleaned_data["count"],
                    by=request.user,
                    **form.shared(),
                )
                return redirect("console:job", request.workspace.slug, program.pk, job.pk)
            made = issuing.issue(
                workspace_id=own, program_id=program.pk, created_by=request.user, **form.values()
            )
        except PassesError as error:
            form.refuse(error)
        else:
            first, last = made[0].number, made[-1].number
            if len(made) == 1:
                messages.success(request, f"Pass No. {first:,} is issued.")
                return redirect("console:pass", request.workspace.slug, program.pk, made[0].pk)
            messages.success(
                request,
                f"{len(made):,} passes are issued: No. {first:,} to {last:,}. Print them now, or later.",
            )
            there = redirect("console:passes_print", request.workspace.slug, program.pk)
            there["Location"] += f"?{urlencode({'numbers': f'{first}-{last}'})}"
            return there
    return program_page(
        request,
        "console/passes/issue.html",
        tab="passes",
        status=422 if form.is_bound else 200,
        form=form,
    )


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def sheet(request: ProgramRequest) -> HttpResponse:
    """The print dialog; a POST answers with the PDF. `?job=7`: of the passes of a job."""
    job = _job(request, _row(request.GET.get("job", "")))
    if request.method == "POST":
        form = PrintForm(request.POST, request.FILES, job=job)
        if form.is_valid():
            out = io.BytesIO()
            try:
                style, branded = form.style(), form.cleaned_data["branded"]
                if job is not None:
                    part = form.cleaned_data["part"]
                    printing.write_job(out, request.program, job=job, part=part, style=style, branded=branded)
                else:
                    numbers = form.cleaned_data["numbers"]
                    printing.write(out, request.program, numbers=numbers, style=style, branded=branded)
            except PassesError as error:
                form.refuse(error)
            else:
                response = HttpResponse(out.getvalue(), content_type="application/pdf")
                name = slugify(request.program.name) or "program"
                response["Content-Disposition"] = f'attachment; filename="{name}-passes.pdf"'
                response["Cache-Control"] = "no-store"
                return response
    else:
        form = PrintForm(initial=_print_initial(request), job=job)
    return program_page(
        request,
        "console/passes/print.html",
        tab="passes",
        status=422 if form.is_bound else 200,
        form=form,
        job=job and shown(job),
    )


def _job(request: ProgramRequest, job_id: int | None) -> Job | None:
    """Raises Http404."""
    if job_id is None:
        return None
    try:
        return jobs.get_job(workspace_id=request.workspace.pk, program_id=request.program.pk, job_id=job_id)
    except NotFound as error:
        raise Http404(error.message) from error


def _print_initial(request: ProgramRequest) -> dict[str, str]:
    return printing.texts(request.program) | {"numbers": ticked(request)}


def ticked(request: ProgramRequest) -> str:
    """`?numbers=1-100`, or `?n=1&n=2` of the boxes that were ticked in the list."""
    given = request.GET.getlist("n")
    found = [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 10]
    return Numbers.write(found) if found else request.GET.get("numbers", "")[:10_000]
