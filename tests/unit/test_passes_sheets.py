"""Passes on paper: what a scanner reads from each, what people read, what fits, and what is refused."""

import io
import itertools
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator

import numpy
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reportlab.lib.units import mm

from control_plane.passes import sheet_text
from control_plane.passes.sheet_layouts import compose, grid, tallest
from control_plane.passes.sheet_text import (
    CAP_HEIGHT,
    LEADING,
    fit,
    missing_letters,
    printable,
    visual,
    width,
)
from control_plane.passes.sheets import (
    LAYOUTS,
    PAPERS,
    InvalidSheet,
    Printed,
    SheetStyle,
    check_style,
    write_pdf,
)

DESCENT = 0.22
"""In font sizes: how far below the baseline letters such as g reach."""

PER_PAGE = {"1": 1, "2x4": 8, "3x8": 24, "badge": 8, "lanyard": 4, "receipt": 1}
SHEETS = [
    (layout, paper) for layout in LAYOUTS for paper in PAPERS if (layout, paper) != ("receipt", "letter")
]
NAMES = [
    "Maria Schäfer",
    "Ελένη Παπαδοπούλου",
    "Дмитрий Иванов",
    "Nguyễn Thị Phương",
    "王小明",
    "김민준",
    "ნინო",
]
LONG = "Bartholomäus Wolfeschlegelsteinhausen-Bergerdorff und Константинопольский 王小明王小明王小明"

RICH = {
    "title": "Summer Night Festival 2027",
    "lines": ("Saturday 12 June 2027, 18:00 to 02:00", "Town hall, north entrance"),
    "issuer": "Kulturhaus Nordstadt e. V.",
    "note": "Admits one person once. A copy is refused.",
}
FULL = {
    "title": ("The international conference on printed codes, signed tickets and parking passes " * 2)[:120],
    "lines": tuple((f"{word}: the north entrance, the garden and the car park beside the brewery " * 2)[:120]
                   for word in ("Saturday", "Субота", "Σάββατο", "星期六星期六星期六星期六")),
    "issuer": ("Donaudampfschifffahrtsgesellschaft " * 4)[:120],
    "note": ("Admits one person once. A copy is refused. " * 8)[:300],
}  # fmt: skip


def content(seed: int, length: int = 150) -> str:
    chosen = random.Random(seed).choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=length - 25)
    return "HTTPS://GO.EXAMPLE.COM/P/" + "".join(chosen)


def some(count: int, length: int = 150, holders: Iterable[str] = NAMES) -> list[Printed]:
    names = itertools.cycle(holders)
    return [
        Printed(content(i, length), f"A-{i + 1:05}", next(names), ("", "B-XY 1234")[i % 2])
        for i in range(count)
    ]


def png(wide: int = 640, high: int = 200, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", (wide, high), "navy").save(out, kind)
    return out.getvalue()


def pdf(style: SheetStyle, passes: Iterable[Printed]) -> pypdfium2.PdfDocument:
    out = io.BytesIO()
    pages = write_pdf(out, style, passes)
    document = pypdfium2.PdfDocument(out.getvalue())
    assert len(document) == pages
    return document


def pixels(page: pypdfium2.PdfPage, dpi: int = 150) -> numpy.ndarray:
    return numpy.asarray(page.render(scale=dpi / 72, grayscale=True).to_pil())


def cells(layout: str, paper: str, page: pypdfium2.PdfPage) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each, in points from the top left of the page."""
    if layout == "receipt":
        return [(0, 0, *page.get_size())]
    plan = grid(layout, paper)
    return [(x, y, x + plan.cell[0], y + plan.cell[1]) for x, y in plan.cells()]


def read(image: numpy.ndarray, box: tuple[float, float, float, float], dpi: int = 150) -> zxingcpp.Barcode:
    left, top, right, bottom = (round(at * dpi / 72) for at in box)
    found = zxingcpp.read_barcodes(
        numpy.ascontiguousarray(image[max(0, top) : bottom, max(0, left) : right]),
        formats=zxingcpp.BarcodeFormat.QRCode,
    )
    assert len(found) == 1
    return found[0]


def letters(page: pypdfium2.PdfPage) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Each character that is no space, with its ink's box in points from the top left of the page."""
    high = page.get_height()
    text = page.get_textpage()
    for index in range(text.count_chars()):
        char = chr(pdfium.FPDFText_GetUnicode(text, index))
        left, bottom, right, top = text.get_charbox(index)
        if not char.isspace() and right > left:
            yield char, (left, high - top, right, high - bottom)


@pytest.mark.parametrize(("layout", "paper"), SHEETS)
def test_each_code_decodes_to_exactly_its_text_in_its_place(layout: str, paper: str) -> None:
    passes = some(50 if layout == "3x8" else PER_PAGE[layout] + 1)
    document = pdf(SheetStyle(layout, paper, **RICH), passes)
    places = [(page, box) for page in document for box in cells(layout, paper, page)]
    images: dict[int, numpy.ndarray] = {}
    for printed, (page, box) in zip(passes, places, strict=False):
        image = images.setdefault(id(page), pixels(page))
        assert read(image, box).text == printed.text


@pytest.mark.parametrize("length", [40, 180])
@pytest.mark.parametrize(("layout", "paper"), SHEETS)
def test_codes_have_modules_of_a_readable_size_and_a_white_quiet_zone(
    layout: str, paper: str, length: int
) -> None:
    page = pdf(SheetStyle(layout, paper, **FULL, logo=png()), some(1, length, [LONG]))[0]
    dpi = 300
    image, box = pixels(page, dpi), cells(layout, paper, page)[0]
    position = read(image, box, dpi).position
    modules = segno.make(content(0, length), error="M", micro=False, boost_error=False).symbol_size(border=0)[
        0
    ]
    x, y = position.top_left.x + box[0] * dpi / 72, position.top_left.y + box[1] * dpi / 72
    side = position.bottom_right.x - position.top_left.x
    module = side / modules
    assert module / dpi * 25.4 >= 0.33
    zone = 4 * module - 2
    near = image[round(y - zone) : round(y + side + zone), round(x - zone) : round(x + side + zone)].copy()
    assert min(near.shape) >= side + 2 * zone - 2
    code = slice(round(zone - 0.2 * module) - 2, round(zone + side + 0.2 * module) + 3)
    near[code, code] = 255
    assert near.min() > 250


def test_the_symbol_is_the_one_that_segno_makes_at_level_m() -> None:
    from control_plane.passes.sheets import _symbol

    for seed, length in enumerate((40, 77, 120, 150, 180)):
        symbol = segno.make(content(seed, length), error="M", micro=False, boost_error=False)
        ours = _symbol(Printed(content(seed, length), "A-1"))
        assert [[int(module == 0) for module in row] for row in ours] == [list(row) for row in symbol.matrix]


@pytest.mark.parametrize(("texts", "logo"), [(RICH, None), (FULL, None), (FULL, png())])
@pytest.mark.parametrize(("layout", "paper"), SHEETS)
def test_nothing_leaves_its_cell_or_touches_the_code(
    layout: str, paper: str, texts: dict, logo: bytes | None
) -> None:
    passes = some(PER_PAGE[layout], holders=[LONG, "Jo", ""])
    passes = [Printed(p.text, "A-00042/" + "7" * 30, p.holder, p.detail and LONG) for p in passes]
    document = pdf(SheetStyle(layout, paper, logo=logo, **texts), passes)
    page = document[0]
    plan = compose(
        SheetStyle(layout, paper, logo=logo, **texts), Image.open(io.BytesIO(logo)).size if logo else None
    )
    boxes = cells(layout, paper, page)
    counts = [0] * len(boxes)
    for char, (left, top, right, bottom) in letters(page):
        inside = [
            index
            for index, box in enumerate(boxes)
            if box[0] + 3 * mm < left
            and right < box[2] - 3 * mm
            and box[1] + 3 * mm < top
            and bottom < box[3] - 3 * mm
        ]
        assert len(inside) == 1, (char, left, top)
        counts[inside[0]] += 1
        x, y = boxes[inside[0]][0] + plan.code.x, boxes[inside[0]][1] + plan.code.y
        apart = (
            right <= x - mm
            or x + plan.code.side + mm <= left
            or bottom <= y - mm
            or y + plan.code.side + mm <= top
        )
        assert apart, (char, left, top)
    assert min(counts) > 20
    # However long the title is: a ticket without its date is none.
    assert page.get_textpage().get_text_range().count("Saturday") >= PER_PAGE[layout]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SHEETS),
    st.text(max_size=120),
    st.lists(st.text(max_size=120), max_size=4),
    st.text(max_size=300),
    st.sampled_from([None, (640, 200), (40, 400), (3000, 10)]),
)
def test_whatever_is_written_lines_stay_apart_from_each_other_and_from_what_differs(
    sheet: tuple[str, str], title: str, lines: list[str], note: str, logo: tuple[int, int] | None
) -> None:
    layout, paper = sheet
    style = SheetStyle(layout, paper, title=title, lines=tuple(lines), issuer=title[:60], note=note)
    plan = compose(style, logo)
    for part in filter(None, (plan, plan.foot)):
        boxes = []
        for line in part.lines:
            wide = width(line.text, line.size, bold=line.bold)
            left = line.x - wide * {"left": 0, "center": 0.5, "right": 1}[line.align]
            low = line.baseline + DESCENT * line.size
            boxes.append((left, line.baseline - CAP_HEIGHT * line.size, left + wide, low))
        if part.logo:
            x, y, wide, high = part.logo
            boxes.append((x, y, x + wide, y + high))
        for stack in part.stacks:
            left = stack.x - (stack.width / 2 if stack.align == "center" else 0)
            bottom = stack.top + tallest(stack.slots) if layout == "receipt" else stack.bottom
            assert tallest(stack.slots) <= bottom - stack.top + 0.01
            boxes.append((left, stack.top, left + stack.width, bottom + DESCENT * stack.slots[-1].size))
        if layout == "receipt" and part.stacks:
            part.height = boxes[-1][3] + 6 * mm
        if part.code:
            x, y, side, clear = part.code.x, part.code.y, part.code.side, part.code.clear
            boxes.append((x - clear, y - clear, x + side + clear, y + side + clear))
        for box in boxes:
            assert 0 <= box[0] <= box[2] <= part.width
            assert 0 <= box[1] <= box[3] <= part.height
        for a, b in itertools.combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_people_can_read_what_it_is_whose_it_is_and_its_number(layout: str) -> None:
    document = pdf(SheetStyle(layout, **RICH), some(7))
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    plain = unicodedata.normalize("NFKC", re.sub(r"\s+", " ", text))
    for i, name in enumerate(NAMES):
        assert name in plain
        assert f"A-{i + 1:05}" in plain
    for words in (RICH["title"], "Saturday 12 June 2027", "Town hall, north entrance", "B-XY 1234"):
        assert words in plain
    assert (RICH["note"] in plain) == (layout not in ("3x8", "badge"))


def test_without_a_name_the_detail_takes_its_place() -> None:
    def tallest_letter(printed: Printed) -> float:
        page = pdf(SheetStyle("badge", title="P2"), [printed])[0]
        return max(box[3] - box[1] for char, box in letters(page) if char == "X")

    without = tallest_letter(Printed(content(1), "A-1", "", "XX 1234"))
    assert without > 1.5 * tallest_letter(Printed(content(1), "A-1", "Maria", "XX 1234"))


def test_the_last_page_is_partial_and_progress_counts_passes() -> None:
    counts: list[int] = []
    out = io.BytesIO()
    assert write_pdf(out, SheetStyle("3x8", title="T"), some(50), counts.append) == 3
    assert counts == [24, 48, 50]
    last = pypdfium2.PdfDocument(out.getvalue())[2]
    assert (
        len(
            {content(48), content(49)}
            & {
                code.text
                for code in zxingcpp.read_barcodes(pixels(last), formats=zxingcpp.BarcodeFormat.QRCode)
            }
        )
        == 2
    )


def test_passes_are_taken_and_pages_written_one_page_at_a_time() -> None:
    taken = 0

    def one_by_one() -> Iterator[Printed]:
        nonlocal taken
        for printed in some(12):
            taken += 1
            yield printed

    class Pipe(io.RawIOBase):
        size = 0

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.size += len(data)
            return len(data)

    out, seen = Pipe(), []
    write_pdf(
        out, SheetStyle("lanyard", title="T"), one_by_one(), lambda done: seen.append((done, taken, out.size))
    )  # type: ignore[arg-type]
    assert [(done, so_far) for done, so_far, _ in seen] == [(4, 4), (8, 8), (12, 12)]
    sizes = [0, *(size for *_, size in seen)]
    assert all(later - earlier > 3000 for earlier, later in itertools.pairwise(sizes))


def test_the_file_is_the_same_every_time_has_its_own_fonts_and_draws_codes_as_vectors() -> None:
    files = []
    for _ in range(2):
        out = io.BytesIO()
        write_pdf(out, SheetStyle("2x4", **RICH), some(9))
        files.append(out.getvalue())
    assert files[0] == files[1]
    assert b"Helvetica" not in files[0]
    assert files[0].count(b"/FontFile2") == files[0].count(b"/Type /FontDescriptor") > 0
    assert b"/Subtype /Image" not in files[0]
    document = pypdfium2.PdfDocument(files[0])
    assert document.get_metadata_dict()["Title"] == RICH["title"]
    out = io.BytesIO()
    write_pdf(out, SheetStyle("2x4", **RICH, logo=png()), some(9))
    assert out.getvalue().count(b"/Subtype /Image") == 1


@pytest.mark.parametrize(("layout", "paper"), SHEETS)
def test_pages_have_the_size_of_the_paper(layout: str, paper: str) -> None:
    size = pdf(SheetStyle(layout, paper, title="T"), some(1))[0].get_size()
    if layout == "receipt":
        assert size[0] == pytest.approx(80 * mm, abs=0.01)
    else:
        assert size == pytest.approx(PAPERS[paper], abs=0.01)


def test_a_receipt_is_as_long_as_it_needs_to_be() -> None:
    document = pdf(
        SheetStyle("receipt", **RICH),
        [
            Printed(content(1), "A-1"),
            Printed(content(2), "A-2", "Jo"),
            Printed(content(3), "A-3", LONG, "Row 5"),
        ],
    )
    heights = [page.get_height() for page in document]
    assert heights == sorted(heights)
    assert heights[2] - heights[0] > 10 * mm


@pytest.mark.parametrize("layout", ["2x4", "3x8", "badge", "lanyard"])
@pytest.mark.parametrize("cut_marks", [True, False])
def test_cut_marks_stand_at_the_corners_of_the_cells(layout: str, cut_marks: bool) -> None:
    page = pdf(SheetStyle(layout, title="T", cut_marks=cut_marks), some(1))[0]
    image = pixels(page, 300)
    for left, top, right, bottom in cells(layout, "a4", page):
        for x, y in itertools.product((left, right), (top, bottom)):
            column, row = (round(at * 300 / 72) for at in (x, y))
            corner = image[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
            assert (corner.min() < 230) == cut_marks


def test_only_one_pass_on_a_page_has_no_cut_marks() -> None:
    for layout in ("1", "receipt"):
        page = pixels(pdf(SheetStyle(layout, title="T"), some(1))[0])
        assert page[:20].min() == page[:, :20].min() == 255


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"layout": "9x9"}, "layout", "Choose one of these layouts: 1, 2x4, 3x8, badge, lanyard, receipt."),
        ({"paper": "a3"}, "paper", "Choose a4 or letter as paper."),
        ({"title": " "}, "title", "Write a title."),
        ({"title": "x" * 121}, "title", f"Use at most 120 characters; this has 121: “{'x' * 30}…”."),
        ({"lines": ("a", "b", "c", "d", "e")}, "lines", "Write at most 4 lines; these are 5."),
        ({"lines": ("y" * 121,)}, "lines", f"Use at most 120 characters; this has 121: “{'y' * 30}…”."),
        ({"issuer": "z" * 121}, "issuer", f"Use at most 120 characters; this has 121: “{'z' * 30}…”."),
        ({"note": "n" * 301}, "note", f"Use at most 300 characters; this has 301: “{'n' * 30}…”."),
        ({"logo": png(kind="JPEG")}, "logo", "Choose a PNG image as logo."),
        ({"logo": b""}, "logo", "Choose a PNG image as logo."),
        ({"logo": png()[:60]}, "logo", "This logo is damaged. Export it again as PNG."),
        ({"logo": png(3001, 10)}, "logo", "Choose a logo of at most 3000 pixels a side."),
        ({"logo": png() + bytes(512 * 1024)}, "logo", "Choose a logo of at most 512 kB."),
    ],
)  # fmt: skip
def test_styles_that_cannot_work_are_refused_with_their_field(
    changes: dict, field: str, sentence: str
) -> None:
    style = SheetStyle(**({"title": "T"} | changes))
    for refuse in (check_style, lambda style: write_pdf(io.BytesIO(), style, some(1))):
        with pytest.raises(InvalidSheet) as refusal:
            refuse(style)
        assert (refusal.value.field, refusal.value.message) == (field, sentence)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_full_style_is_accepted(layout: str) -> None:
    check_style(SheetStyle(layout, **FULL, logo=png()))


def test_no_passes_are_refused_before_anything_is_written() -> None:
    out = io.BytesIO()
    with pytest.raises(InvalidSheet, match="There are no passes to print") as refusal:
        write_pdf(out, SheetStyle(title="T"), [])
    assert refusal.value.field == "passes"
    assert out.getvalue() == b""


@pytest.mark.parametrize("text", ["", "A" * 4000])
def test_texts_that_make_no_code_are_refused_with_the_number_of_the_pass(text: str) -> None:
    with pytest.raises(InvalidSheet, match="The code of A-7 cannot be made") as refusal:
        write_pdf(io.BytesIO(), SheetStyle(title="T"), [Printed(text, "A-7")])
    assert refusal.value.field == "text"


def test_codes_too_dense_to_print_are_refused() -> None:
    dense = [Printed(content(1, 1500), "A-7")]
    assert write_pdf(io.BytesIO(), SheetStyle("1", title="T"), dense) == 1
    with pytest.raises(InvalidSheet, match=r"The code of A-7 is too dense .* 0\.21 mm wide") as refusal:
        write_pdf(io.BytesIO(), SheetStyle("3x8", title="T"), dense)
    assert refusal.value.field == "layout"


words = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("aé Жω中한אب-… ")), max_size=150)


@settings(max_examples=200, deadline=None)
@given(
    words, st.floats(3, 40), st.floats(5, 40), st.floats(0.3, 1), st.integers(1, 4), st.booleans(),
    st.floats(0.5, 1), st.one_of(st.just(float("inf")), st.floats(2, 200)),
)  # fmt: skip
def test_text_never_leaves_its_room(
    text: str, ems: float, size: float, share: float, lines: int, bold: bool, wrapped: float, height: float
) -> None:
    room, least = ems * size, size * share
    block = fit(text, room, size, least, lines=lines, bold=bold, wrapped=wrapped, height=height)
    assert len(block.lines) <= lines
    assert all(width(line, block.size, bold=bold) <= room + 0.01 or line == "…" for line in block.lines)
    if block.lines:
        assert least * 0.999 <= block.size <= size
        assert block.height <= height + LEADING * block.size * 0.002
        kept = "".join(block.lines).replace(" ", "")
        if block.whole:
            assert kept == printable(text).replace(" ", "")
        else:
            assert kept[-1] == "…"
            assert printable(text).replace(" ", "").startswith(kept[:-1])
    else:
        assert not printable(text) or height < CAP_HEIGHT * least * 1.01


def test_text_shrinks_before_it_wraps_and_wraps_before_it_is_cut() -> None:
    room = width("Maria Schäfer", 10)
    assert fit("Maria Schäfer", room * 1.1, 10, 6, lines=2).lines == ("Maria Schäfer",)
    slightly = fit("Maria Schäfer", room * 0.9, 10, 6, lines=2)
    assert slightly.lines == ("Maria Schäfer",)
    assert slightly.size == pytest.approx(9, abs=0.01)
    assert fit("Maria Schäfer", room * 0.6, 10, 6, lines=2).lines == ("Maria", "Schäfer")
    assert fit("Maria Schäfer", room * 0.3, 10, 6, lines=1).lines[0].endswith("…")
    assert fit("a bb ccc dddd eeeee", width("a bb ccc dddd", 10), 10, 10, lines=2).lines == (
        "a bb ccc",
        "dddd eeeee",
    )
    assert fit("Wolf-Bergerdorff", width("Bergerdorff", 10), 10, 10, lines=2).lines == (
        "Wolf-",
        "Bergerdorff",
    )


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Maria\tSchäfer \n", "Maria Schäfer"),
        ("Scha\u0308fer", "Schäfer"),
        ("Party \U0001f389 today\u200b", "Party today"),
        ("\u1c60 ok", "? ok"),
        ("\u2066Ana\u2069", "Ana"),
        ("王小明 김민준 さくら", "王小明 김민준 さくら"),
    ],
)
def test_what_no_font_has_is_left_out_or_marked(text: str, printed: str) -> None:
    assert printable(text) == printed
    assert missing_letters(text) == "".join(char for char in text if char == "\u1c60")


@pytest.mark.parametrize(
    ("text", "on_paper"),
    [
        ("Anna (VIP) 18:00", "Anna (VIP) 18:00"),
        ("שרה כהן", "ןהכ הרש"),
        ("שרה (5) 12.06.2027", "12.06.2027 (5) הרש"),
        ("Row שרה כהן 5", "Row 5 ןהכ הרש"),
        ("Row שרה, Smith", "Row הרש, Smith"),
        ("12-14 الله 12-14", "14-12 هللا 12-14"),
        ("٣٤ ·٣٤", "٣٤· ٣٤"),
    ],
)
def test_right_to_left_text_stands_as_it_is_read(text: str, on_paper: str) -> None:
    assert visual(text) == on_paper


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("abc שרהكد 123.,:-()/٣٤"), max_size=30))
def test_turning_text_round_keeps_every_character_and_leaves_other_text_alone(text: str) -> None:
    plain = {"(": "b", ")": "b"}
    assert sorted(plain.get(c, c) for c in visual(text)) == sorted(plain.get(c, c) for c in text)
    if not re.search("[א-ת\u0600-\u06ff]", text):
        assert visual(text) == text


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("محمد", "ﻣﺤﻤﺪ"),
        ("عبد", "ﻋﺒﺪ"),
        ("دار", "دار"),
        ("السلام", "اﻟﺴﻼم"),
        ("لا", "ﻻ"),
        ("گلناز", "ﮔﻠﻨﺎز"),
    ],
)
def test_arabic_letters_are_joined(text: str, forms: str) -> None:
    assert printable(text) == forms
    assert unicodedata.normalize("NFKC", forms) == text


def test_both_weights_have_the_same_letters() -> None:
    regular, bold = (sheet_text.font(name).face.charToGlyph for name in (sheet_text.REGULAR, sheet_text.BOLD))
    assert regular.keys() == bold.keys()
    for first, last in (("!", "~"), ("¡", "ſ"), ("Α", "Ρ"), ("Ѐ", "џ"), ("א", "ת"), ("ก", "ฮ"), ("Ạ", "ỹ")):
        assert all(code in regular for code in range(ord(first), ord(last) + 1))
