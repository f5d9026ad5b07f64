"""Passes of several issuers on one sheet: each with its own name and logo, each logo in the file once."""

import io
import random
import re

import numpy
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from control_plane.passes.sheet_layouts import grid
from control_plane.passes.sheets import LAYOUTS, Brand, InvalidSheet, Printed, SheetStyle, write_pdf

RED, BLUE = (200, 0, 0), (0, 0, 200)


def logo(colour: tuple[int, int, int], size: tuple[int, int] = (600, 240)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def noise(seed: int) -> bytes:
    """A logo that no compression makes small."""
    out = io.BytesIO()
    Image.frombytes("L", (600, 240), random.Random(seed).randbytes(600 * 240)).save(out, "PNG")
    return out.getvalue()


def passes(count: int, *brands: Brand | None) -> list[Printed]:
    return [
        Printed(
            f"HTTPS://GO.EXAMPLE.COM/T/{number:0>90}", f"No. {number}", brand=brands[number % len(brands)]
        )
        for number in range(count)
    ]


def written(style: SheetStyle, printed: list[Printed]) -> bytes:
    out = io.BytesIO()
    write_pdf(out, style, printed)
    return out.getvalue()


def test_each_pass_has_its_issuers_logo() -> None:
    plain = Brand("Nobody special")
    brands = Brand("Red bar", logo(RED)), Brand("Blue tent", logo(BLUE)), plain, None
    document = pypdfium2.PdfDocument(written(SheetStyle("2x4", title="T"), passes(8, *brands)))
    page = document[0]
    image = numpy.asarray(page.render(scale=2).to_pil())
    plan = grid("2x4", "a4")
    for (left, top), brand in zip(plan.cells(), brands * 2, strict=True):
        box = (left, page.get_height() - top - plan.cell[1], left + plan.cell[0], page.get_height() - top)
        said = page.get_textpage().get_text_bounded(*box)
        cell = image[
            int(top * 2) : int((top + plan.cell[1]) * 2), int(left * 2) : int((left + plan.cell[0]) * 2)
        ]
        red, blue = ((abs(cell.astype(int) - colour).sum(axis=2) < 60).sum() for colour in (RED, BLUE))
        assert (red > 1_000) == (brand is brands[0])
        assert (blue > 1_000) == (brand is brands[1])
        assert (brand.issuer if brand else "T") in said
        assert not any(one.issuer in said for one in brands if one and one is not brand)
        assert (
            len(zxingcpp.read_barcodes(numpy.ascontiguousarray(cell), formats=zxingcpp.BarcodeFormat.QRCode))
            == 1
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_logo_is_in_the_file_once_however_many_passes_have_it(layout: str) -> None:
    brands = Brand("One", noise(1)), Brand("Two", noise(2))
    files = {count: written(SheetStyle(layout, title="T"), passes(count, *brands)) for count in (2, 62)}
    images = {count: data.count(b"/Subtype /Image") for count, data in files.items()}
    # Labels and badges have room for few things.
    assert images[2] == images[62] <= 2
    if layout in ("1", "2x4", "receipt"):
        assert images[62] == 2
    # Sixty more passes are sixty codes more, and not one logo.
    assert len(files[62]) - len(files[2]) < 60 * 4_000 + 40_000
    assert len(noise(1)) > 100_000
    assert len(re.findall(rb"%%EOF", files[62])) == 1


def test_what_the_sheet_has_of_its_own_goes_before() -> None:
    style = SheetStyle("2x4", title="T", issuer="The organiser", logo=logo(BLUE))
    document = pypdfium2.PdfDocument(written(style, passes(4, Brand("Red bar", logo(RED)), None)))
    said = document[0].get_textpage().get_text_range()
    assert said.count("The organiser") == 4
    assert "Red bar" not in said
    image = numpy.asarray(document[0].render(scale=1).to_pil()).astype(int)
    assert not (abs(image - RED).sum(axis=2) < 60).any()


def test_a_logo_that_cannot_be_printed_is_said() -> None:
    with pytest.raises(InvalidSheet) as refused:
        written(SheetStyle("2x4", title="T"), passes(1, Brand("Red bar", b"no picture")))
    assert refused.value.field == "logo"
