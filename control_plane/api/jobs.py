"""Jobs: many passes at once, from a count, a list or a table; and the passes of a job on paper."""

import io
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import body, creation, pagination
from control_plane.api.auth import ApiKey
from control_plane.api.job_schemas import (
    ColumnOut,
    CsvQuery,
    FaultOut,
    JobIn,
    JobOut,
    JobPage,
    SheetQuery,
    TableOut,
)
from control_plane.api.problem import FieldError, Problem, invalid
from control_plane.api.schemas import PageQuery
from control_plane.passes import drafts, jobs, printing, programs
from control_plane.passes.models import Job
from control_plane.passes.numbers import Numbers
from control_plane.passes.sheets import SheetStyle
from control_plane.passes.table import Fault, Table

router = Router(tags=["Jobs"])
READ, WRITE = ApiKey(KeyScope.PASSES_READ), ApiKey(KeyScope.PASSES_WRITE)

_MOST_FAULTS: Final = 1_000
_MOST_ERRORS: Final = 100
_CSV: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "name,e-mail\nAda,ada@example.com\n"}
        },
    }
}
_PDF: Final = {
    "responses": {
        200: {
            "description": "The sheet.",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


@router.get(
    "/{int:program_id}/jobs", auth=READ, response=JobPage, operation_id="list_jobs", summary="List jobs"
)
def list_jobs(request: HttpRequest, program_id: int, where: Query[PageQuery]) -> JobPage:
    """Newest first."""
    own = _program(request, program_id)
    with workspace_scope(own["workspace_id"]):
        rows, following = pagination.page(jobs.list_jobs(**own, drafts=False), where.cursor, where.limit)
    return JobPage(data=[_job(row) for row in rows], next=following)


@router.post(
    "/{int:program_id}/jobs",
    auth=WRITE,
    response={201: JobOut},
    operation_id="create_job",
    summary="Issue many passes",
    openapi_extra=creation.openapi_extra(),
)
def create_job(request: HttpRequest, program_id: int, job: JobIn) -> HttpResponse:
    """Up to 50,000, made in the background: the answer is the job. A body of up to 20 MB."""
    own = _program(request, program_id)
    given = job.model_dump()
    rows = given.pop("holders")
    if (given["count"] is None) == (rows is None):
        raise invalid(FieldError("count", "Give either count or holders."))
    return creation.created(request, lambda: _job(jobs.create_job(**own, rows=rows, **given)))


@router.post(
    "/{int:program_id}/jobs/csv",
    auth=WRITE,
    response={200: TableOut, 201: JobOut},
    operation_id="create_job_from_csv",
    summary="Issue passes from a table",
    openapi_extra=creation.openapi_extra() | _CSV,
)
def create_job_from_csv(request: HttpRequest, program_id: int, how: Query[CsvQuery]) -> Any:
    """The first line names the columns: name, e-mail, phone, plate, valid from, valid until, uses; others are
    fields of your own. `check=true` says what is in it and issues nothing. Without it, all rows are issued or
    none, unless `skip` or `repeats` say otherwise. UTF-8, UTF-16 or Windows-1252; comma, semicolon or tab."""
    own = _program(request, program_id)
    if (request.content_type or "").lower() != "text/csv":
        raise Problem("unsupported-media-type", "Send the table as it is, with Content-Type: text/csv.")
    data = body.whole(request)
    given = how.model_dump()
    check, skip, repeats = (given.pop(name) for name in ("check", "skip", "repeats"))
    if check:
        shared = {name: given[name] for name in ("valid_from", "valid_until", "max_uses")}
        return Status(200, _table(drafts.read_table(data, **own, **shared)))

    def create() -> JobOut:
        try:
            return _job(drafts.issue_unseen(**own, data=data, skip=skip, repeats=repeats, **given))
        except drafts.BadRows as error:
            raise Problem(
                "invalid", error.message, [_error(one) for one in error.faults[:_MOST_ERRORS]]
            ) from None

    answer = creation.created(request, create)
    answer["Location"] = answer["Location"].replace("/csv/", "/")
    return answer


@router.get(
    "/{int:program_id}/jobs/{int:job_id}",
    auth=READ,
    response=JobOut,
    operation_id="get_job",
    summary="Get a job",
)
def get_job(request: HttpRequest, program_id: int, job_id: int) -> JobOut:
    """How far it is."""
    return _job(_found(request, program_id, job_id))


@router.post(
    "/{int:program_id}/jobs/{int:job_id}/cancel",
    auth=WRITE,
    response=JobOut,
    operation_id="cancel_job",
    summary="Cancel a job",
)
def cancel_job(request: HttpRequest, program_id: int, job_id: int) -> JobOut:
    """It stops within some hundred passes; those that were made stay."""
    job = _found(request, program_id, job_id)
    return _job(jobs.cancel_job(workspace_id=job.workspace_id, job_id=job.pk))


@router.post(
    "/{int:program_id}/jobs/{int:job_id}/resume",
    auth=WRITE,
    response=JobOut,
    operation_id="resume_job",
    summary="Resume a job",
)
def resume_job(request: HttpRequest, program_id: int, job_id: int) -> JobOut:
    """One that was cancelled or failed goes on where it stopped, within 30 days."""
    job = _found(request, program_id, job_id)
    return _job(jobs.resume_job(workspace_id=job.workspace_id, job_id=job.pk))


@router.get(
    "/{int:program_id}/passes/sheet",
    auth=WRITE,
    operation_id="get_sheet",
    summary="Print passes",
    openapi_extra=_PDF,
)
def get_sheet(request: HttpRequest, program_id: int, how: Query[SheetQuery]) -> HttpResponse:
    """A PDF of the passes of a job, or of those with these numbers. 10,000 passes take some 20 s."""
    own = _program(request, program_id)
    if (how.job_id is None) == (not how.numbers):
        raise invalid(FieldError("job_id", "Give either job_id or numbers."))
    program, out = programs.get_program(**own), io.BytesIO()
    with workspace_scope(own["workspace_id"]), timezone.override(program.time_zone):
        proposed = printing.texts(program)
        style = SheetStyle(
            layout=how.layout,
            paper=how.paper,
            title=proposed["title"] if how.title is None else how.title,
            lines=tuple((proposed["lines"] if how.lines is None else how.lines).splitlines()),
            issuer=how.issuer,
            note=how.note,
            cut_marks=how.cut_marks,
        )
        if how.job_id is not None:
            job = jobs.get_job(**own, job_id=how.job_id)
            printing.write_job(out, program, job=job, part=how.part, style=style)
        else:
            printing.write(out, program, numbers=Numbers.read(how.numbers), style=style)
    return HttpResponse(
        out.getvalue(),
        content_type="application/pdf",
        headers={"Content-Disposition": 'attachment; filename="passes.pdf"', "Cache-Control": "no-store"},
    )


def _program(request: HttpRequest, program_id: int) -> dict[str, int]:
    """Both numbers. Raises NotFound."""
    own = {"workspace_id": int(request.auth.workspace_id), "program_id": program_id}  # type: ignore[attr-defined]
    programs.get_program(**own)
    return own


def _found(request: HttpRequest, program_id: int, job_id: int) -> Job:
    return jobs.get_job(**_program(request, program_id), job_id=job_id, drafts=False)


def _error(fault: Fault) -> FieldError:
    return FieldError(f"line {fault.line}{', ' if fault.column else ''}{fault.column}", fault.sentence)


def _job(job: Job) -> JobOut:
    left_out = job.settings.get("left_out", 0)
    return JobOut(left_out=left_out, **{name: getattr(job, name) for name in _SHOWN})


_SHOWN: Final = tuple(name for name in JobOut.model_fields if name != "left_out")


def _table(table: Table) -> TableOut:
    return TableOut(
        encoding=table.encoding,
        encoding_is_guess=table.is_guess,
        separator=table.separator,
        columns=[ColumnOut(**asdict(column)) for column in table.columns],
        rows=table.count,
        good=len(table.rows),
        bad=table.bad,
        repeated=len(table.repeats),
        first=[
            {"line": line} | row
            for line, row in islice(zip(table.lines, table.rows, strict=True), drafts.SHOWN)
        ],
        faults=[_fault(one) for one in table.faults[:_MOST_FAULTS]],
        repeats=[_fault(one) for one in islice(table.repeats.values(), _MOST_FAULTS)],
    )


def _fault(fault: Fault) -> FaultOut:
    return FaultOut(line=fault.line, column=fault.column, value=fault.value, message=fault.sentence)
