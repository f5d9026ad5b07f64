"""An issuer's logo: what was uploaded is decoded, made small and written anew as a PNG of ours. Pure."""

import io
from typing import Final

from PIL import Image, ImageOps

from control_plane.passes.errors import Invalid

MOST_BYTES: Final = 1_048_576
MOST_PIXELS: Final = 4096
"""A side of what is uploaded: unpacked it takes 64 MB at most."""
BOX: Final = (600, 240)
"""A side of what is kept: sharp at 5 cm on paper."""
KEPT_BYTES: Final = 96 * 1024
"""What is larger gets fewer colours."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_UNREADABLE: Final = "This is no image that can be read. Use a PNG, JPEG or WebP file."


def normal(data: bytes) -> bytes:
    """A PNG of at most 600 by 240 pixels, with nothing of the file but its pixels. Raises Invalid(logo)."""
    if not data:
        raise Invalid("logo", "This file is empty. Choose a PNG, JPEG or WebP file.")
    if len(data) > MOST_BYTES:
        raise Invalid("logo", "A logo's file may have at most 1 MB. Make it smaller first.")
    if _is_svg(data):
        raise Invalid(
            "logo", "An SVG can carry scripts, so it is not taken. Export it as PNG, 600 pixels wide."
        )
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            # Asked before anything is unpacked: a small file can be a very large picture.
            if max(image.size) > MOST_PIXELS:
                raise Invalid(
                    "logo", f"A logo may have at most {MOST_PIXELS:,} pixels a side. 600 are enough."
                )
            image.draft("RGB", (2 * BOX[0], 2 * BOX[1]))
            picture = ImageOps.exif_transpose(image)
            logo = (
                picture.convert("RGB").convert("RGBA") if picture.mode == "CMYK" else picture.convert("RGBA")
            )
    except Invalid:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Invalid(
            "logo", f"A logo may have at most {MOST_PIXELS:,} pixels a side. 600 are enough."
        ) from None
    except Exception:  # Pillow raises whatever its decoders do
        raise Invalid("logo", _UNREADABLE) from None
    if (inked := logo.getchannel("A").getbbox()) is None:
        raise Invalid("logo", "Nothing can be seen on this logo: it is transparent. Choose another file.")
    logo = logo.crop(inked)
    logo.thumbnail(BOX, Image.Resampling.LANCZOS)
    return _written(logo)


def _written(logo: Image.Image) -> bytes:
    for colours in (0, 256, 64):
        reduced = logo.quantize(colours, method=Image.Quantize.FASTOCTREE) if colours else logo
        out = io.BytesIO()
        # A new file: no metadata of the old one.
        reduced.save(out, "PNG", optimize=True, exif=b"", icc_profile=None)
        if out.tell() <= KEPT_BYTES or colours == 64:
            break
    return out.getvalue()


def _is_svg(data: bytes) -> bool:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head
