"""QR images: what a phone decodes from each of them, at what size they print, and what is refused."""

import io
import random
import re
import xml.etree.ElementTree as ElementTree

import numpy
import pypdfium2
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from control_plane.campaigns.qr import (
    InvalidQr,
    QrOptions,
    qr_payload,
    render,
    render_pdf,
    render_png,
    render_svg,
    short_url,
)
from edge.code import ALPHABET, check_own_code, normalise

BASE = "http://192.168.1.20:8080"
BASES = [
    BASE,
    "https://go.example.com",
    "https://example.com/s",
    "http://[2001:db8::1]:8080",
    "https://münchen.example",
]
CODES = ["k7m2p9xq4r", "abc", "a-1", "summer-sale-2027", "x" * 64]


def decode(image: Image.Image, margin: int = 0) -> str:
    pixels = numpy.asarray(image.convert("L"))
    if margin:
        pixels = numpy.pad(pixels, margin, constant_values=255)
    found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormat.QRCode)
    assert len(found) == 1
    return found[0].text


def decode_png(data: bytes, margin: int = 0) -> str:
    return decode(Image.open(io.BytesIO(data)), margin)


def drawn(svg: bytes, pixels_per_module: int = 6) -> Image.Image:
    """The SVG as pixels, by reading the rectangles its paths are made of."""
    root = ElementTree.fromstring(svg)
    side = int(root.attrib["viewBox"].split()[2])
    assert root.attrib["viewBox"] == f"0 0 {side} {side}"
    background, modules = root.findall("{*}path")
    assert background.attrib["d"] == f"M0 0h{side}v{side}H0z"
    image = Image.new("RGB", (side, side), background.attrib["fill"])
    shapes = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", modules.attrib["d"])
    assert "".join(f"M{x} {y}h{w}v1h-{w}z" for x, y, w, _ in shapes) == modules.attrib["d"]
    for x, y, width, _ in (tuple(map(int, shape)) for shape in shapes):
        image.paste(modules.attrib["fill"], (x, y, x + width, y + 1))
    return image.resize((side * pixels_per_module,) * 2, Image.Resampling.NEAREST)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("code", CODES)
def test_every_format_decodes_to_the_payload(base: str, code: str) -> None:
    options = QrOptions(mm=40)
    payload = qr_payload(base, code)
    assert decode_png(render_png(base, code, options)) == payload
    assert decode(drawn(render_svg(base, code, options))) == payload
    page = pypdfium2.PdfDocument(render_pdf(base, code, options))[0]
    assert decode(page.render(scale=300 / 72).to_pil()) == payload


@pytest.mark.parametrize("seed", range(40))
def test_random_codes_decode_at_25_mm_and_300_dpi(seed: int) -> None:
    code = "".join(random.Random(seed).choices(ALPHABET, k=10))
    data = render_png(BASE, code, QrOptions(mm=25, dpi=300))
    assert decode_png(data) == qr_payload(BASE, code) == f"{BASE}/{code}".upper()


@pytest.mark.parametrize("error_correction", ["L", "M", "Q", "H", None])
@pytest.mark.parametrize("quiet_zone", [0, 1, 4, 16])
@pytest.mark.parametrize(("dark", "light"), [("#000", "#fff"), ("#1d3c6a", "#fffbe6")])
@pytest.mark.parametrize(("mm", "dpi"), [(25, 300), (18, 150), (60, 72), (25, 1200)])
def test_all_options_decode(
    error_correction: str | None, quiet_zone: int, dark: str, light: str, mm: float, dpi: int
) -> None:
    options = QrOptions(mm, error_correction, quiet_zone, dark, light, dpi)
    # Where the image has no quiet zone of its own, the light paper around it is one.
    assert decode_png(
        render_png(BASE, "k7m2p9xq4r", options), margin=40 if quiet_zone < 4 else 0
    ) == qr_payload(BASE, "k7m2p9xq4r")


def test_the_upper_case_form_makes_the_smaller_symbol_and_means_the_same_code() -> None:
    payload = qr_payload(BASE, "k7m2p9xq4r")
    assert payload == "HTTP://192.168.1.20:8080/K7M2P9XQ4R"
    plain = segno.make(short_url(BASE, "k7m2p9xq4r"), error="M", micro=False, boost_error=False)
    upper = segno.make(payload, error="M", micro=False, boost_error=False)
    assert (upper.version, plain.version) == (2, 3)
    assert normalise(payload.rsplit("/", 1)[1]) == "k7m2p9xq4r"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BASES[:2]), st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True))
def test_the_payload_is_never_larger_than_the_plain_url_and_differs_only_in_case(
    base: str, code: str
) -> None:
    payload = qr_payload(base, code)
    assert payload.lower() == short_url(base, code).lower()

    def version(text: str) -> object:
        return segno.make(text, error="M", micro=False, boost_error=False).version

    assert version(payload) <= version(short_url(base, code))  # type: ignore[operator]


def test_a_base_with_a_path_or_an_ipv6_host_keeps_its_plain_form() -> None:
    assert qr_payload("https://example.com/Go", "abc") == "https://example.com/Go/abc"
    assert qr_payload("http://[2001:db8::1]:8080", "abc") == "http://[2001:db8::1]:8080/abc"
    assert qr_payload("https://example.com/", "abc") == "HTTPS://EXAMPLE.COM/ABC"


def test_an_international_host_is_written_as_punycode() -> None:
    assert qr_payload("https://münchen.example:8443", "abc") == "HTTPS://XN--MNCHEN-3YA.EXAMPLE:8443/ABC"
    assert short_url("https://münchen.example", "abc") == "https://münchen.example/abc"


def test_an_own_code_stays_in_the_alphanumeric_mode() -> None:
    assert qr_payload(BASE, check_own_code("Summer-Sale")).endswith("/SUMMER-SALE")


@pytest.mark.parametrize("mm", [20, 25, 33.3, 100])
@pytest.mark.parametrize("dpi", [150, 300, 600])
def test_a_png_has_whole_modules_and_prints_at_the_size_asked(mm: float, dpi: int) -> None:
    image = Image.open(io.BytesIO(render_png(BASE, "k7m2p9xq4r", QrOptions(mm=mm, dpi=dpi))))
    modules = 25 + 2 * 4
    assert image.width == image.height
    assert image.width % modules == 0
    stated = image.info["dpi"][0]
    assert image.width / stated * 25.4 == pytest.approx(mm, rel=1e-3)
    assert abs(image.width - mm / 25.4 * dpi) <= modules / 2 + 1
    scale = image.width // modules
    pixels = numpy.asarray(image.convert("L"))
    blocks = pixels.reshape(modules, scale, modules, scale)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert set(numpy.unique(pixels)) == {0, 255}


def test_a_png_has_at_least_one_pixel_a_module() -> None:
    image = Image.open(io.BytesIO(render_png(BASE, "k7m2p9xq4r", QrOptions(mm=9, dpi=72))))
    assert image.width == 33
    assert decode(image.resize((330, 330), Image.Resampling.NEAREST)) == qr_payload(BASE, "k7m2p9xq4r")


def test_svg_states_its_size_its_title_and_nothing_that_runs() -> None:
    svg = render_svg("https://go.example.com", "a<b>&c", QrOptions(mm=32.5))
    root = ElementTree.fromstring(svg)
    assert root.attrib["width"] == root.attrib["height"] == "32.5mm"
    assert root.find("{*}title").text == "QR code for https://go.example.com/a<b>&c"  # type: ignore[union-attr]
    assert root.attrib["role"] == "img"
    assert not re.search(rb"script|style|href|\bon\w+=", svg)


def test_pdf_is_one_page_of_exactly_that_size_and_the_same_every_time() -> None:
    first = render_pdf(BASE, "k7m2p9xq4r", QrOptions(mm=25))
    assert first == render_pdf(BASE, "k7m2p9xq4r", QrOptions(mm=25))
    document = pypdfium2.PdfDocument(first)
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((25 / 25.4 * 72,) * 2, abs=0.01)
    assert document.get_metadata_dict()["Title"] == f"QR code for {BASE}/k7m2p9xq4r"


def test_error_correction_rises_only_when_nobody_chose_and_the_symbol_does_not_grow() -> None:
    def matrix(options: QrOptions) -> numpy.ndarray:
        return numpy.asarray(drawn(render_svg(BASE, "abc", options), 1).convert("L"))

    chosen, boosted = matrix(QrOptions(error_correction="M")), matrix(QrOptions())
    assert chosen.shape == boosted.shape
    levels = [
        str(
            zxingcpp.read_barcodes(
                numpy.kron(m, numpy.ones((6, 6), numpy.uint8)), formats=zxingcpp.BarcodeFormat.QRCode
            )[0].ec_level
        )
        for m in (chosen, boosted)
    ]
    assert levels == ["M", "Q"]


@pytest.mark.parametrize(
    ("options", "field", "sentence"),
    [
        ({"mm": "4"}, "mm", "Choose a print size from 5 to 2000 mm."),
        ({"mm": "2001"}, "mm", "Choose a print size from 5 to 2000 mm."),
        ({"mm": "nan"}, "mm", "Write the size as a number of millimetres, such as 25 or 32.5."),
        ({"mm": "1e3"}, "mm", "Write the size as a number of millimetres, such as 25 or 32.5."),
        ({"error_correction": "X"}, "error_correction", "Choose L, M, Q or H as error correction."),
        ({"quiet_zone": "17"}, "quiet_zone", "Choose a quiet zone from 0 to 16 modules."),
        ({"quiet_zone": "-1"}, "quiet_zone", "Write a whole number."),
        ({"dpi": "71"}, "dpi", "Choose a resolution from 72 to 2400 dpi."),
        ({"dpi": "٣٠٠"}, "dpi", "Write a whole number."),
        ({"dark": "red"}, "dark", "Write the colour as #rgb or #rrggbb, such as #1a2b3c."),
        ({"light": '#fff"/><script>'}, "light", "Write the colour as #rgb or #rrggbb, such as #1a2b3c."),
        ({"dark": "#ff0000"}, "dark", "The contrast is 3.9 to 1; scanners need at least 4.5 to 1. "
         "Choose a darker colour, or a lighter background."),
        ({"dark": "#fff", "light": "#000"}, "dark", "The modules must be darker than the background: "
         "many scanners cannot read inverted codes."),
        ({"size": "9"}, "size", "There is no option “size”. "
         "Use dark, dpi, error_correction, light, mm, quiet_zone."),
    ],
)  # fmt: skip
def test_options_that_cannot_work_are_refused_with_their_field(
    options: dict[str, str], field: str, sentence: str
) -> None:
    with pytest.raises(InvalidQr) as refusal:
        QrOptions.parse(options)
    assert (refusal.value.field, refusal.value.message) == (field, sentence)


@pytest.mark.parametrize("mm", [float("nan"), float("inf"), -1.0])
def test_numbers_that_are_no_size_are_refused(mm: float) -> None:
    with pytest.raises(InvalidQr, match="Choose a print size"):
        QrOptions(mm=mm)


def test_modules_too_fine_to_print_are_refused_and_the_sentence_names_a_size_that_works() -> None:
    for kind in ("svg", "png", "pdf"):
        with pytest.raises(InvalidQr) as refusal:
            render(kind, BASE, "k7m2p9xq4r", QrOptions(mm=8))
        assert refusal.value.field == "mm"
    least = re.search(r"at least ([\d.]+) mm", refusal.value.message)
    assert least is not None
    assert decode_png(render("png", BASE, "k7m2p9xq4r", QrOptions(mm=float(least[1])))) == qr_payload(
        BASE, "k7m2p9xq4r"
    )


def test_a_huge_png_is_refused_and_vectors_are_not() -> None:
    options = QrOptions(mm=2000, dpi=2400)
    with pytest.raises(InvalidQr, match="take SVG or PDF") as refusal:
        render_png(BASE, "abc", options)
    assert refusal.value.field == "dpi"
    assert render_svg(BASE, "abc", options)
    assert render_pdf(BASE, "abc", options)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(InvalidQr, match="Choose svg, png or pdf"):
        render("exe", BASE, "abc", QrOptions())
