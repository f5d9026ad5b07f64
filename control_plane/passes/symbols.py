"""The QR code of a pass as a picture."""

import base64
import io
from typing import BinaryIO, Final

import segno

from control_plane.passes import issuing, rotating
from control_plane.passes.models import Pass, Program

CONTENT_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
_PIXELS: Final = 12
"""A module's side in a PNG: some 700 pixels a code, sharp on a phone and at 5 cm on paper."""


def text_of(row: Pass, program: Program) -> str:
    """What the printed code of a pass says. Raises Invalid."""
    rotating.check_printable(program)
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


def data_uri(text: str) -> str:
    """The QR code as an image that is part of the page: the address of a pass is in no log."""
    return "data:image/svg+xml;base64," + base64.b64encode(symbol(text, "svg")).decode()
