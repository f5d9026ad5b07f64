"""Which passes go onto paper, and what is proposed to stand there; `sheets` draws them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format

from control_plane.passes import holder as holders
from control_plane.passes import issuing, rotating
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Issuer, Job, Pass, PassState, Program
from control_plane.passes.sheets import Brand, Printed, SheetStyle, write_pdf

MOST_OF_A_JOB: Final = 10_000
"""Of a job in one file: some 20 s. A larger job has several parts."""

_PRINTABLE: Final = (PassState.ACTIVE, PassState.HELD)


def parts(job: Job) -> list[tuple[int, int]]:
    """First and last pass of each file that the job's passes fill, counted within the job from 1."""
    return [(start + 1, min(start + MOST_OF_A_JOB, job.done)) for start in range(0, job.done, MOST_OF_A_JOB)]


def texts(program: Program) -> dict[str, str]:
    """What is proposed for the sheet of a program's passes."""
    return {"title": program.name, "lines": "\n".join(filter(None, (_when(program), program.place)))}


def write(out: Any, program: Program, *, numbers: list[int], style: SheetStyle, branded: bool = False) -> int:
    """The PDF of these passes, in the order of their numbers. Returns its pages. Raises Invalid.

    `branded`: name and logo of each one's issuer, where the style has none.
    """
    rows = Pass.objects.filter(program=program, number__in=numbers)
    none = "None of these numbers is a pass that can be printed."
    return _write(out, program, rows, style, branded, none, "numbers")


def write_job(
    out: Any, program: Program, *, job: Job, part: int, style: SheetStyle, branded: bool = False
) -> int:
    """The PDF of one of the job's `parts`, counted from 1. Returns its pages. Raises Invalid."""
    count = len(parts(job))
    if not 1 <= part <= count:
        there_are = (
            f"It has {count} of at most {MOST_OF_A_JOB:,} passes." if count else "It has no passes yet."
        )
        raise Invalid("part", f"This job has no part {part}. {there_are}")
    ids = Pass.objects.filter(program=program, job=job).order_by("number").values_list("id", flat=True)
    rows = Pass.objects.filter(id__in=list(ids[(part - 1) * MOST_OF_A_JOB : part * MOST_OF_A_JOB]))
    none = "All passes of this part are cancelled or replaced."
    return _write(out, program, rows, style, branded, none, "part")


def _write(
    out: Any, program: Program, rows: Any, style: SheetStyle, branded: bool, none: str, field: str
) -> int:
    rotating.check_printable(program)
    rows = rows.filter(state__in=_PRINTABLE).order_by("number")
    if not rows.exists():
        raise Invalid(field, none)
    return write_pdf(out, style, _printed(rows.iterator(chunk_size=200), program, branded))


def _printed(rows: Iterator[Pass], program: Program, branded: bool) -> Iterator[Printed]:
    key = issuing.signing_key(program)
    brands: dict[int | None, Brand | None] = {}
    for row in rows:
        holder = holders.opened(row.holder, row.workspace_id)
        if branded and row.issuer_id not in brands:
            brands[row.issuer_id] = _brand(row.issuer_id)
        yield Printed(
            text=issuing.printed_text(issuing.signed(row, program, key)),
            number=f"No. {row.number}",
            holder=holder.get("name", ""),
            detail=holder.get("plate", ""),
            brand=brands.get(row.issuer_id),
        )


def _brand(issuer_id: int | None) -> Brand | None:
    issuer = Issuer.objects.filter(id=issuer_id).first()
    return Brand(issuer.name, bytes(issuer.logo) or None) if issuer else None


def _when(program: Program) -> str:
    return window(program.starts_at, program.ends_at)


def window(start: datetime | None, end: datetime | None) -> str:
    """From when to when, in the current time zone, which is the program's."""
    begins, ends = (timezone.localtime(one) if one else None for one in (start, end))
    first, last = (date_format(one, "j M Y, H:i") if one else "" for one in (begins, ends))
    if begins is None or ends is None:
        return f"from {first}" if first else f"until {last}" if last else ""
    midnight = ends.hour == ends.minute == 0 and (ends.date() - begins.date()).days == 1
    if midnight and begins.hour == begins.minute == 0:
        return date_format(begins, "D j M Y")
    if midnight or begins.date() == ends.date():
        return f"{first} – {'24:00' if midnight else date_format(ends, 'H:i')}"
    return f"{first} – {last}"
