"""Passes on paper: a PDF of tickets, labels, badges or receipts, each with its QR code. Works without Django.

Pages are written as they are finished, so that memory does not grow with the number of passes.
"""

import io
import itertools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

import zxingcpp
from PIL import Image
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas

from control_plane.passes.errors import Invalid
from control_plane.passes.sheet_layouts import (
    INK,
    LAYOUTS,
    PAPERS,
    Code,
    Grid,
    Plan,
    Slot,
    Stack,
    compose,
    grid,
)
from control_plane.passes.sheet_text import CAP_HEIGHT, LEADING, REGULAR, Block, draw, font

__all__ = ["LAYOUTS", "PAPERS", "Brand", "InvalidSheet", "Printed", "SheetStyle", "check_style", "write_pdf"]

MIN_MODULE_MM: Final = 0.25
"""A phone at reading distance resolves this; office printers blur anything finer."""

MOST_LOGO_BYTES: Final = 512 * 1024
MOST_LOGO_PIXELS: Final = 3000
"""A side. The picture is unpacked in memory: 36 MB at most."""

_QUIET_ZONE: Final = 4
_LASER_DOT: Final = 72 / 600
_RECEIPT_DOT: Final = 72 / 203
"""Points. Modules are whole dots wide, so that all of them come out equally wide."""

_run = re.compile(rb"\x00+")
_header = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR(.{4})(.{4})", re.DOTALL)


class _Rectangles(dict[tuple[int, int], str]):
    """(start, end) of a run in a row to PDF's words for it, where y stands for the row's number."""

    def __missing__(self, run: tuple[int, int]) -> str:
        self[run] = f"{run[0]} y {run[1] - run[0]} 1 re "
        return self[run]


_rectangles = _Rectangles()


class InvalidSheet(Invalid):
    """Passes cannot be printed like this; `field` names the option, `message` says why and what to do."""


@dataclass(frozen=True, slots=True)
class SheetStyle:
    """What all passes of a print have in common. `check_style` tells whether it can be printed.

    layout: "1" a page each, "2x4" cards, "3x8" labels, "badge" 90 × 60 mm, "lanyard" A6, "receipt" 80 mm.
    paper: "a4" or "letter"; a receipt has neither.
    title: the program's name. lines: what, when and where, the most important first.
    issuer: who issues them. logo: a PNG. note: small print. "3x8" has no room for these three, "badge" none
    for the note; the others shorten what is too long. Where issuer or logo is empty, the brand of each pass
    fills it in.
    cut_marks: crosses at the corners of the cells, where there are several on a page.
    """

    layout: str = "2x4"
    paper: str = "a4"
    title: str = ""
    lines: tuple[str, ...] = ()
    issuer: str = ""
    logo: bytes | None = None
    note: str = ""
    cut_marks: bool = True


@dataclass(frozen=True, slots=True)
class Brand:
    """Who issued a pass: a name, and a logo as PNG. Passes of one issuer share one object."""

    issuer: str = ""
    logo: bytes | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """One pass. text: what the code says, upper-case for the smaller code; detail: such as a number plate."""

    text: str
    number: str
    holder: str = ""
    detail: str = ""
    brand: Brand | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """What passes of one brand have in common: its name in the file, and where everything stands."""

    name: str
    plan: Plan


def check_style(style: SheetStyle) -> None:
    """Raises InvalidSheet."""
    if style.layout not in LAYOUTS:
        raise InvalidSheet("layout", f"Choose one of these layouts: {', '.join(LAYOUTS)}.")
    if style.paper not in PAPERS:
        raise InvalidSheet("paper", "Choose a4 or letter as paper.")
    if not style.title.strip():
        raise InvalidSheet("title", "Write a title.")
    if len(style.lines) > 4:
        raise InvalidSheet("lines", f"Write at most 4 lines; these are {len(style.lines)}.")
    texts = [("title", style.title, 120), *(("lines", line, 120) for line in style.lines)]
    for field, text, most in (*texts, ("issuer", style.issuer, 120), ("note", style.note, 300)):
        if len(text) > most:
            raise InvalidSheet(field, f"Use at most {most} characters; this has {len(text)}: “{text[:30]}…”.")
    if style.logo is not None:
        _logo_size(style.logo)


def write_pdf(
    out: BinaryIO,
    style: SheetStyle,
    passes: Iterable[Printed],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the passes in their order and return the number of pages.

    `progress` is called after each page with the number of passes written so far. Raises InvalidSheet; what
    `out` has got by then is no whole file. `out` need not be seekable.
    """
    check_style(style)
    left = iter(passes)
    first = next(left, None)
    if first is None:
        raise InvalidSheet("passes", "There are no passes to print. Issue some first.")
    left = itertools.chain([first], left)
    paper = grid(style.layout, style.paper)
    canvas = _canvas(out, style, paper)
    looks: dict[Brand | None, _Look] = {}
    cells = paper.cells()
    marks = style.cut_marks and len(cells) > 1
    if marks:
        _draw_cut_marks(canvas, paper)
    done = pages = 0
    while page := list(itertools.islice(left, len(cells))):
        if marks:
            canvas.doForm("marks")
        for (x, y), printed in zip(cells, page, strict=False):
            if printed.brand not in looks:
                looks[printed.brand] = _look(canvas, style, printed.brand, len(looks))
            _draw_pass(canvas, style, looks[printed.brand], printed, x, paper.page[1] - y)
        canvas.showPage()
        done += len(page)
        pages += 1
        if progress is not None:
            progress(done)
    canvas.save()
    return pages


def _logo_size(logo: bytes) -> tuple[int, int]:
    """Pixels. Raises InvalidSheet unless it is a whole PNG of a size that we can unpack."""
    if len(logo) > MOST_LOGO_BYTES:
        raise InvalidSheet("logo", f"Choose a logo of at most {MOST_LOGO_BYTES // 1024} kB.")
    size = _header.match(logo)
    if size is None:
        raise InvalidSheet("logo", "Choose a PNG image as logo.")
    wide, high = (int.from_bytes(number) for number in size.groups())
    if not (1 <= wide <= MOST_LOGO_PIXELS and 1 <= high <= MOST_LOGO_PIXELS):
        raise InvalidSheet("logo", f"Choose a logo of at most {MOST_LOGO_PIXELS} pixels a side.")
    try:
        _on_white(logo)
    except (OSError, ValueError, SyntaxError):
        raise InvalidSheet("logo", "This logo is damaged. Export it again as PNG.") from None
    return wide, high


def _canvas(out: BinaryIO, style: SheetStyle, paper: Grid) -> Canvas:
    canvas = Canvas(
        out, pagesize=paper.page, pageCompression=1, initialFontName=font(REGULAR).fontName, invariant=1
    )
    canvas._doc = _Document(out)
    canvas.setTitle(style.title)
    canvas.setAuthor(style.issuer or "scanway")
    canvas.setCreator("scanway")
    return canvas


def _look(canvas: Canvas, style: SheetStyle, brand: Brand | None, number: int) -> _Look:
    """Puts what the brand's passes have in common into the file, once, its logo included."""
    if brand is not None:
        style = replace(style, issuer=style.issuer or brand.issuer, logo=style.logo or brand.logo)
    look = _Look(f"common{number}", compose(style, _logo_size(style.logo) if style.logo else None))
    _draw_common(canvas, look.name, look.plan, style.logo)
    if look.plan.foot is not None:
        _draw_common(canvas, f"{look.name}foot", look.plan.foot)
    return look


def _draw_common(canvas: Canvas, name: str, plan: Plan, logo: bytes | None = None) -> None:
    """What is alike on all passes, kept once in the file as a form. Its origin is the top left."""
    canvas.beginForm(name, 0, -plan.height, plan.width, 0)
    if logo is not None and plan.logo is not None:
        x, y, wide, high = plan.logo
        canvas.drawImage(ImageReader(_on_white(logo)), x, -y - high, wide, high)
    for line in plan.lines:
        look = {"bold": line.bold, "grey": line.grey, "align": line.align}
        draw(canvas, line.x, -line.baseline, line.text, line.size, **look)
    canvas.setStrokeGray(INK)
    for rule in plan.rules:
        canvas.setLineWidth(rule.weight)
        canvas.setDash([1, 3] if rule.dashed else [])
        canvas.line(rule.x1, -rule.y1, rule.x2, -rule.y2)
    canvas.endForm()


def _on_white(logo: bytes) -> Image.Image:
    """Without transparency, which some print shops refuse."""
    with Image.open(io.BytesIO(logo), formats=("PNG",)) as image:
        picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white.convert("RGB")


def _draw_pass(
    canvas: Canvas, style: SheetStyle, look: _Look, printed: Printed, left: float, top: float
) -> None:
    """`left` and `top` are the cell's corner on the page, from its bottom left."""
    plan = look.plan
    stacks = [(stack, _filled(stack, printed)) for stack in plan.stacks]
    if plan.foot is not None:
        above = plan.height + max(_height(blocks) for _, blocks in stacks)
        top = above + plan.foot.height
        canvas.setPageSize((plan.width, top))
    canvas.saveState()
    canvas.translate(left, top)
    canvas.doForm(look.name)
    for stack, blocks in stacks:
        _draw_stack(canvas, stack, blocks)
    if plan.foot is not None:
        canvas.translate(0, -above)
        canvas.doForm(f"{look.name}foot")
    canvas.restoreState()
    assert plan.code is not None
    dot = _RECEIPT_DOT if style.layout == "receipt" else _LASER_DOT
    _draw_code(canvas, printed, plan.code, left, top, dot)


def _filled(stack: Stack, printed: Printed) -> list[tuple[Slot, Block]]:
    texts = {"number": printed.number, "holder": printed.holder, "detail": printed.detail}
    if not printed.holder.strip():
        # On a pass without a name the number plate or the seat is what people look for.
        texts |= {"holder": printed.detail, "detail": ""}
    blocks = [(slot, slot.fill(texts[slot.name], stack.width)) for slot in stack.slots]
    return [(slot, block) for slot, block in blocks if block.lines]


def _height(blocks: list[tuple[Slot, Block]]) -> float:
    return sum(block.height + slot.after for slot, block in blocks) - blocks[-1][0].after if blocks else 0.0


def _draw_stack(canvas: Canvas, stack: Stack, blocks: list[tuple[Slot, Block]]) -> None:
    spare = stack.bottom - stack.top - _height(blocks)
    y = stack.top + {"top": 0.0, "middle": spare / 2, "bottom": spare}[stack.stand]
    for slot, block in blocks:
        for index, line in enumerate(block.lines):
            baseline = y + (CAP_HEIGHT + index * LEADING) * block.size
            look = {"bold": slot.bold, "grey": slot.grey, "align": stack.align}
            draw(canvas, stack.x, -baseline, line, block.size, **look)
        y += block.height + slot.after


def _draw_code(canvas: Canvas, printed: Printed, place: Code, left: float, top: float, dot: float) -> None:
    """One path of runs of dark modules: viewers draw hairlines between shapes that are filled one by one."""
    rows = _symbol(printed)
    module = math.floor(min(place.side / len(rows), place.clear / _QUIET_ZONE) / dot) * dot
    if module < MIN_MODULE_MM * mm:
        raise InvalidSheet(
            "layout",
            f"The code of {printed.number} is too dense for this layout: one module would be "
            f"{module / mm:.2f} mm wide, too fine for phones and printers. Choose one with larger cells.",
        )
    spare = place.side - len(rows) * module
    x = round((left + place.x + spare * place.anchor[0]) / dot) * dot
    y = round((top - place.y - spare * place.anchor[1]) / dot) * dot
    # Written by hand: there are 600 runs in a code, and canvas.drawPath would need 3 ms for them.
    runs = "".join(
        "".join(map(_rectangles.__getitem__, map(re.Match.span, _run.finditer(row)))).replace("y", str(at))
        for at, row in enumerate(rows)
    )
    canvas._code.append(f"q 0 g {module:.4f} 0 0 {-module:.4f} {x:.4f} {y:.4f} cm {runs}f Q")


def _symbol(printed: Printed) -> list[bytes]:
    """Rows of modules, 0 is dark, without quiet zone.

    By zxing-cpp: it makes the same symbol as segno in a twentieth of the time.
    """
    try:
        code = zxingcpp.create_barcode(printed.text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except ValueError:
        raise InvalidSheet(
            "text", f"The code of {printed.number} cannot be made: its text is empty or too long."
        ) from None
    image = memoryview(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))
    count, data = image.shape[0], bytes(image)
    return [data[at : at + count] for at in range(0, count * count, count)]


def _draw_cut_marks(canvas: Canvas, paper: Grid) -> None:
    """Crosses at the corners of the cells: on the cuts, so that nothing is left of them but a hairline.

    Kept once in the file, as the form "marks".
    """
    arm = 2 * mm
    outward = min(arm, paper.gap / 2) if paper.gap else arm
    lines: set[tuple[float, ...]] = set()
    for left, top in paper.cells():
        low = paper.page[1] - top - paper.cell[1]
        for x, before, after in ((left, outward, arm), (left + paper.cell[0], arm, outward)):
            for y in (low, low + paper.cell[1]):
                across = (max(0, x - before), y, min(paper.page[0], x + after), y)
                along = (x, max(0, y - arm), x, min(paper.page[1], y + arm))
                lines |= {tuple(round(at, 3) for at in line) for line in (across, along)}
    canvas.beginForm("marks", 0, 0, *paper.page)
    canvas.setStrokeGray(0.5)
    canvas.setLineWidth(0.25)
    canvas.lines(sorted(lines))
    canvas.endForm()


class _Document(pdfdoc.PDFDocument):
    """Writes each page to `out` when it is finished, and everything else at the end.

    reportlab keeps all pages, and then the file twice: 30 kB a pass.
    """

    def __init__(self, out: BinaryIO) -> None:
        super().__init__(compression=1, invariant=1, pdfVersion=(1, 4))
        self._out = out
        self._offset = 0
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def addPage(self, page: pdfdoc.PDFPage) -> None:
        page.Contents = pdfdoc.PDFStream(content=page.stream, filters=[pdfdoc.PDFZCompress])
        page.stream = None
        name = self.thisPageName()
        self.Reference(page, name)
        self.Pages.addPage(pdfdoc.PDFObjectReference(name))
        self._write_object(name)
        self._write_object(page.Contents.__InternalName__)
        self.pageCounter += 1
        self.inObject = None

    def format(self) -> bytes:
        """The rest of the file; nothing is left to be written by the caller."""
        self.Reference(self.Catalog)
        self.Reference(self.info)
        for number in itertools.count(1):
            # Objects are added while others are written.
            if number not in self.numberToId:
                break
            if self.numberToId[number] not in self.idToOffset:
                self._write_object(self.numberToId[number])
        table = pdfdoc.PDFCrossReferenceTable()
        table.addsection(0, [self.numberToId[at] for at in range(1, number)])
        start = self._write(table.format(self))
        trailer = pdfdoc.PDFTrailer(
            startxref=start,
            Size=number,
            Root=self.Reference(self.Catalog),
            Info=self.Reference(self.info),
            ID=self.ID(),
        )
        self._write(trailer.format(self))
        return b""

    def _write_object(self, name: str) -> None:
        self.idToOffset[name] = self._write(
            pdfdoc.PDFIndirectObject(name, self.idToObject[name]).format(self)
        )
        if isinstance(self.idToObject[name], pdfdoc.PDFPage | pdfdoc.PDFStream):
            self.idToObject[name] = None

    def _write(self, data: bytes | str) -> int:
        """Returns where it begins."""
        data = pdfdoc.pdfdocEnc(data)
        start = self._offset
        self._out.write(data)
        self._offset += len(data)
        return start
