"""A report on paper: A4, with its chart, and tables that go on over pages."""

import io
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, LongTable, PageTemplate, Paragraph, Spacer

from control_plane.passes.report import Report
from control_plane.passes.report_csv import Cell, Table
from control_plane.passes.report_tables import tables
from control_plane.passes.sheet_text import ASIAN, BOLD, REGULAR, font, printable, visual

INK, MUTED, ACCENT, BLUE = (HexColor(one) for one in ("#171815", "#575852", "#0a7352", "#1f5fa8"))
LINE, SOFT = HexColor("#d3d3cc"), HexColor("#f3f3f0")
MOST_ROWS: Final = 300
"""Of one table; the CSV files have the rest."""
_MARGIN: Final = 16 * mm
_WIDTH: Final = A4[0] - 2 * _MARGIN


def write_pdf(report: Report) -> bytes:
    for name in (REGULAR, BOLD):
        font(name)
    out = io.BytesIO()
    document = BaseDocTemplate(
        out, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=18 * mm, bottomMargin=18 * mm,
        title=f"Report: {report.program.name}", author="scanway", creator="scanway",
    )  # fmt: skip
    frame = Frame(_MARGIN, 18 * mm, _WIDTH, A4[1] - 36 * mm, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda canvas, _: _foot(canvas, report)))
    document.build(list(_story(report)))
    return out.getvalue()


def _story(report: Report) -> Iterator[Flowable]:
    program, period = report.program, report.period
    yield _text(program.name, 20, bold=True, after=3)
    days = f"{period.first:%-d %B %Y}"
    if period.last != period.first:
        days += f" – {period.last:%-d %B %Y}"
    place = f"{program.place} · " if program.place else ""
    yield _text(f"{place}{days} · {period.time_zone}", 10, colour=MUTED, after=10)
    for table in tables(report, short=True):
        if table.name == "hours" and report.hours:
            yield _text("Entries and exits", 13, bold=True, before=10, after=4, keep=True)
            yield HourChart(report)
        yield _text(table.title, 13, bold=True, before=12, after=3, keep=True)
        if table.about:
            yield _text(table.about, 8.5, colour=MUTED, after=4, keep=True)
        if not table.rows:
            yield _text(table.empty, 9, colour=MUTED)
            continue
        yield _table(table)
        left = table.more + max(len(table.rows) - MOST_ROWS, 0)
        if left:
            yield _text(f"and {left:,} more", 8.5, colour=MUTED, before=3)
    yield Spacer(1, 1)


def _table(table: Table) -> LongTable:
    size = 6.2 if len(table.columns) > 20 else 7.2 if len(table.columns) > 8 else 8.5
    head = [
        _cell(name, size, number in table.numbers, head=True) for number, name in enumerate(table.columns)
    ]
    rows = [
        [_cell(_written(cell), size, number in table.numbers) for number, cell in enumerate(row)]
        for row in table.rows[:MOST_ROWS]
    ]
    made = LongTable([head, *rows], colWidths=_widths(table), repeatRows=1, hAlign="LEFT")
    pad = 1.2 if len(table.columns) > 20 else 3
    made.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.75, INK),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), pad),
            ("RIGHTPADDING", (0, 0), (-1, -1), pad),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return made


def _widths(table: Table) -> list[float]:
    """By what stands in the columns, the longest of the first rows, none below a 24th of the page."""
    sample = [table.columns, *(tuple(map(_written, row)) for row in table.rows[:100])]
    needs = [
        min(max(len(str(row[number])) for row in sample), 36) + 2 for number in range(len(table.columns))
    ]
    whole = _WIDTH if sum(needs) > 60 else _WIDTH * 0.62
    return [whole * need / sum(needs) for need in needs]


def _written(cell: Cell) -> str:
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell


def _cell(text: str, size: float, right: bool, *, head: bool = False) -> Paragraph:
    return _text(text, size, bold=head, colour=MUTED if head else INK, right=right)


def _text(
    text: str,
    size: float,
    *,
    bold: bool = False,
    colour: Any = INK,
    before: float = 0,
    after: float = 0,
    right: bool = False,
    keep: bool = False,
) -> Paragraph:
    main = BOLD if bold else REGULAR
    style = ParagraphStyle(
        "text", fontName=main, fontSize=size, leading=size * 1.3, textColor=colour, spaceBefore=before,
        spaceAfter=after, keepWithNext=keep, splitLongWords=True,
    )  # fmt: skip
    if right:
        style.alignment = TA_RIGHT
    known = font(main).face.charToGlyph
    marked = ""
    for is_known, chars in groupby(visual(printable(text)), lambda char: ord(char) in known):
        part = escape("".join(chars))
        marked += part if is_known else f'<font name="{font(ASIAN).fontName}">{part}</font>'
    return Paragraph(marked, style)


class HourChart(Flowable):  # type: ignore[misc]
    """Bars of who came above the line, who left below it; days where there are more than 14 of them."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.width, self.height = _WIDTH, 46 * mm
        self.report = report

    def draw(self) -> None:
        canvas: Canvas = self.canv
        period = self.report.period
        zone = ZoneInfo(period.time_zone)
        start, end = period.since.timestamp(), period.until.timestamp()
        step = 3600.0 if end - start <= 14 * 86_400 else 86_400.0
        bars: dict[int, list[int]] = {}
        for one in self.report.hours:
            bar = bars.setdefault(int((one.at.timestamp() - start) // step), [0, 0])
            bar[0] += one.came
            bar[1] += one.left
        first, last = min(bars), max(bars)
        most_in, most_out = (max(bar[way] for bar in bars.values()) for way in (0, 1))
        low, high = 10.0, self.height - 12
        scale = (high - low) / max(most_in + most_out, 1)
        line = low + most_out * scale
        wide = self.width / (last - first + 1)
        for number, (came, left) in bars.items():
            x = (number - first) * wide + wide * 0.12
            canvas.setFillColor(ACCENT)
            canvas.rect(x, line, wide * 0.76, came * scale, stroke=0, fill=1)
            canvas.setFillColor(BLUE)
            canvas.rect(x, line - left * scale, wide * 0.76, left * scale, stroke=0, fill=1)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.5)
        canvas.line(0, line, self.width, line)
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 7)
        unit = "hour" if step == 3600 else "day"
        each = "an hour" if unit == "hour" else "a day"
        said = f"People {each}, {period.time_zone} time: at most {most_in:,} came (up), {most_out:,} left"
        canvas.drawString(0, self.height - 7, said)
        form = "%-d %b %H:%M" if unit == "hour" else "%-d %b"
        for number, place in ((first, "left"), (last + 1, "right")):
            at = self.report.period.since.fromtimestamp(start + number * step, tz=zone)
            draw = canvas.drawString if place == "left" else canvas.drawRightString
            draw(0 if place == "left" else self.width, 0, at.strftime(form))


def _foot(canvas: Canvas, report: Report) -> None:
    zone = ZoneInfo(report.period.time_zone)
    canvas.setFont(REGULAR, 7.5)
    canvas.setFillColor(MUTED)
    made = f"scanway · made {report.made_at.astimezone(zone):%-d %B %Y, %H:%M} ({report.period.time_zone})"
    canvas.drawString(_MARGIN, 10 * mm, made)
    canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, f"page {canvas.getPageNumber()}")
