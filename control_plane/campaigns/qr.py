"""QR codes of short links: the shortest payload, and images of an exact print size. Works without Django."""

import io
import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import idna
import segno
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from control_plane.campaigns.qr_options import InvalidQr, QrOptions, rgb

__all__ = [
    "CONTENT_TYPES", "InvalidQr", "QrOptions", "qr_payload", "render", "render_pdf", "render_png",
    "render_svg", "short_url",
]  # fmt: skip

CONTENT_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}

MIN_MODULE_MM: Final = 0.25
"""A phone at reading distance resolves this; office printers blur anything finer."""

MAX_PIXELS: Final = 6000
"""Side of the largest PNG: half a metre at 300 dpi, and 36 MB of memory while it is drawn."""

_alphanumeric = re.compile(r"[0-9A-Z $%*+\-./:]+")
_POINTS_PER_MM: Final = 72 / 25.4


def short_url(base: str, code: str) -> str:
    """The short link as people read and type it."""
    return f"{base.rstrip('/')}/{code}"


@lru_cache(maxsize=1024)
def qr_payload(base: str, code: str) -> str:
    """What the symbol says: the form of the short URL that needs the smaller symbol.

    HTTP://HOST:PORT/CODE fits the alphanumeric mode: 5.5 bits a character instead of 8. Scheme and host are
    case-insensitive (RFC 3986, 6.2.2.1), and the edge lower-cases codes. A path is neither, so a base with a
    path keeps its plain form; so does an IPv6 host, as the mode has no brackets.
    """
    parts = urlsplit(base.rstrip("/"))
    host = parts.netloc if parts.netloc.isascii() else _ascii_netloc(parts.hostname or "", parts.port)
    plain = f"{parts.scheme}://{host}{parts.path}/{code}"
    upper = plain.upper()
    if parts.path or not _alphanumeric.fullmatch(upper):
        return plain
    return upper if _version(upper) <= _version(plain) else plain


def render(kind: str, base: str, code: str, options: QrOptions) -> bytes:
    """The image as `kind`, one of svg, png and pdf. Raises InvalidQr."""
    renderers: dict[str, Callable[[str, str, QrOptions], bytes]] = {
        "svg": render_svg,
        "png": render_png,
        "pdf": render_pdf,
    }
    if kind not in renderers:
        raise InvalidQr("format", "Choose svg, png or pdf as format.")
    return renderers[kind](base, code, options)


def render_svg(base: str, code: str, options: QrOptions) -> bytes:
    """One path in units of modules, so that it stays crisp at any size. Raises InvalidQr."""
    rows = _modules(base, code, options)
    side, zone = len(rows) + 2 * options.quiet_zone, options.quiet_zone
    path = "".join(f"M{x + zone} {y + zone}h{width}v1h-{width}z" for x, y, width in _runs(rows))
    title = escape(f"QR code for {short_url(base, code)}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{options.mm:g}mm" height="{options.mm:g}mm" '
        f'viewBox="0 0 {side} {side}" role="img" shape-rendering="crispEdges">'
        f"<title>{title}</title>"
        f'<path fill="{options.light}" d="M0 0h{side}v{side}H0z"/>'
        f'<path fill="{options.dark}" d="{path}"/></svg>\n'
    ).encode()


def render_png(base: str, code: str, options: QrOptions) -> bytes:
    """Two colours, each module the same whole number of pixels: nothing is blurred by rounding.

    The scale is the whole number nearest to the dpi asked, and the file states the density (pHYs) at which it
    prints exactly `mm` wide. Raises InvalidQr.
    """
    rows = _modules(base, code, options)
    side = len(rows) + 2 * options.quiet_zone
    inches = options.mm / 25.4
    scale = max(1, round(inches * options.dpi / side))
    if side * scale > MAX_PIXELS:
        raise InvalidQr(
            "dpi",
            f"This image would be {side * scale} pixels wide; {MAX_PIXELS} is the most. Choose a lower "
            "resolution, or take SVG or PDF: both are sharp at any size.",
        )
    image = Image.new("P", (side, side), 0)
    image.putpalette([*rgb(options.light), *rgb(options.dark)])
    for x, y, width in _runs(rows):
        left, top = x + options.quiet_zone, y + options.quiet_zone
        image.paste(1, (left, top, left + width, top + 1))
    image = image.resize((side * scale, side * scale), Image.Resampling.NEAREST)
    density = side * scale / inches
    out = io.BytesIO()
    image.save(out, "PNG", bits=1, optimize=True, dpi=(density, density))
    return out.getvalue()


def render_pdf(base: str, code: str, options: QrOptions) -> bytes:
    """One page exactly `mm` square: vectors, to be placed in a layout at 100 %. Raises InvalidQr."""
    rows = _modules(base, code, options)
    side = len(rows) + 2 * options.quiet_zone
    page = options.mm * _POINTS_PER_MM
    out = io.BytesIO()
    # invariant: no date and no random id, so that the same link gives the same file.
    canvas = Canvas(out, pagesize=(page, page), pageCompression=1, invariant=1)
    canvas.setTitle(f"QR code for {short_url(base, code)}")
    canvas.setCreator("scanway")
    canvas.scale(page / side, page / side)
    _fill(canvas, options.light)
    canvas.rect(0, 0, side, side, stroke=0, fill=1)
    _fill(canvas, options.dark)
    # One path for all modules: viewers draw hairlines between shapes that are filled one by one.
    path = canvas.beginPath()
    for x, y, width in _runs(rows):
        path.rect(x + options.quiet_zone, side - options.quiet_zone - y - 1, width, 1)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _fill(canvas: Canvas, colour: str) -> None:
    red, green, blue = rgb(colour)
    if red == green == blue:
        # Grey is printed with black ink alone; RGB becomes four inks, and their misregistration frays edges.
        canvas.setFillGray(red / 255)
    else:
        canvas.setFillColorRGB(red / 255, green / 255, blue / 255)


def _ascii_netloc(hostname: str, port: int | None) -> str:
    host = idna.encode(hostname, uts46=True).decode()
    return host if port is None else f"{host}:{port}"


def _version(payload: str) -> int:
    """1 to 40: the symbol has 17 + 4 × version modules a side."""
    version = segno.make(payload, error="M", micro=False, boost_error=False).version
    assert isinstance(version, int)
    return version


@lru_cache(maxsize=256)
def _symbol(payload: str, error_correction: str | None) -> tuple[bytes, ...]:
    """Rows of modules, 1 is dark, without quiet zone."""
    # Micro QR is smaller still, but no phone camera reads it.
    symbol = segno.make(
        payload, error=error_correction or "M", micro=False, boost_error=error_correction is None
    )
    return tuple(bytes(row) for row in symbol.matrix)


def _modules(base: str, code: str, options: QrOptions) -> tuple[bytes, ...]:
    rows = _symbol(qr_payload(base, code), options.error_correction)
    side = len(rows) + 2 * options.quiet_zone
    module = options.mm / side
    if module < MIN_MODULE_MM:
        least = math.ceil(MIN_MODULE_MM * side * 10) / 10
        raise InvalidQr(
            "mm",
            f"At {options.mm:g} mm one module would be {module:.2f} mm wide, too fine for phones and "
            f"printers. Choose at least {least:g} mm.",
        )
    return rows


def _runs(rows: tuple[bytes, ...]) -> Iterator[tuple[int, int, int]]:
    """(x, y, width) of each horizontal run of dark modules."""
    for y, row in enumerate(rows):
        x = 0
        while (x := row.find(1, x)) >= 0:
            end = row.find(0, x)
            end = len(row) if end < 0 else end
            yield x, y, end - x
            x = end
