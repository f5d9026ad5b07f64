"""From passes to paper: what their sheet says, and the codes themselves."""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import segno
from django.utils import timezone
from django.utils.formats import date_format

from control_plane.passes import holder as holders
from control_plane.passes import issuing
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Pass, PassState, Program
from control_plane.passes.sheets import Printed, SheetStyle, write_pdf

_PRINTABLE: Final = (PassState.ACTIVE, PassState.HELD)
_PIXELS: Final = 12
"""A module's side in a PNG: some 700 pixels a code, sharp on a phone and at 5 cm on paper."""


def texts(program: Program) -> dict[str, str]:
    """What is proposed for the sheet of a program's passes."""
    return {"title": program.name, "lines": "\n".join(filter(None, (_when(program), program.place)))}


def write(out: Any, program: Program, *, numbers: list[int], style: SheetStyle) -> int:
    """The PDF of these passes, in the order of their numbers. Returns its pages. Raises Invalid."""
    rows = Pass.objects.filter(program=program, number__in=numbers, state__in=_PRINTABLE).order_by("number")
    if not rows.exists():
        raise Invalid("numbers", "None of these numbers is a pass that can be printed.")
    return write_pdf(out, style, _printed(rows.iterator(chunk_size=200), program))


def text_of(row: Pass, program: Program) -> str:
    """What the code of a pass says. Raises Invalid."""
    return issuing.printed_text(issuing.signed(row, program, issuing.signing_key(program)))


def symbol(text: str, kind: str) -> bytes:
    """The QR code as svg, png or pdf, with the quiet zone it needs."""
    out: BinaryIO = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    if kind == "svg":
        code.save(out, kind="svg", border=4, light="#fff", scale=4, title="QR code")
    else:
        code.save(out, kind=kind, border=4, light="#fff", scale=_PIXELS if kind == "png" else 4)
    out.seek(0)
    return out.read()


def _printed(rows: Iterator[Pass], program: Program) -> Iterator[Printed]:
    key = issuing.signing_key(program)
    for row in rows:
        holder = holders.opened(row.holder, row.workspace_id)
        yield Printed(
            text=issuing.printed_text(issuing.signed(row, program, key)),
            number=f"No. {row.number}",
            holder=holder.get("name", ""),
            detail=holder.get("plate", ""),
        )


def _when(program: Program) -> str:
    """From when to when, in the program's time zone."""
    ends = [timezone.localtime(one) if one else None for one in (program.starts_at, program.ends_at)]
    first, last = (date_format(one, "j M Y, H:i") if one else "" for one in ends)
    if first and last:
        if ends[0].date() == ends[1].date():  # type: ignore[union-attr]
            return f"{first} – {date_format(ends[1], 'H:i')}"  # type: ignore[arg-type]
        return f"{first} – {last}"
    return f"from {first}" if first else f"until {last}" if last else ""
