"""An issuer's logo: what is taken, what is kept of it, and what is refused with which sentence."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from control_plane.passes import logos
from control_plane.passes.errors import Invalid
from control_plane.passes.sheets import SheetStyle, check_style


def picture(
    mode: str = "RGB", size: tuple[int, int] = (800, 200), kind: str = "PNG", **more: object
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).convert(mode).save(out, kind, **more)
    return out.getvalue()


def normal(data: bytes) -> Image.Image:
    kept = logos.normal(data)
    assert len(kept) <= 512 * 1024
    # Whatever is kept can be printed.
    check_style(SheetStyle(title="T", logo=kept))
    image = Image.open(io.BytesIO(kept))
    assert image.format == "PNG"
    assert image.width <= 600
    assert image.height <= 240
    return image


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        logos.normal(data)
    assert refused.value.field == "logo"
    return refused.value.message


KINDS = {
    "PNG": ["RGB", "L", "P", "RGBA", "LA", "1"],
    "JPEG": ["RGB", "L", "CMYK", "1"],
    "WEBP": ["RGB", "L", "P", "RGBA", "LA", "1"],
}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind in KINDS for mode in KINDS[kind]])
def test_what_is_taken(kind: str, mode: str) -> None:
    image = normal(picture(mode, kind=kind))
    assert image.size == (600, 150)
    red, green, _, alpha = image.convert("RGBA").getpixel((300, 75))
    assert alpha == 255
    if mode in ("RGB", "RGBA", "CMYK", "P"):
        assert red > 150 > green


def test_small_ones_stay_small_and_high_ones_fit() -> None:
    assert normal(picture(size=(90, 40))).size == (90, 40)
    assert normal(picture(size=(300, 3000))).size == (24, 240)


def test_what_is_transparent_around_it_is_cut_off() -> None:
    image = Image.new("RGBA", (900, 900), (0, 0, 0, 0))
    image.paste((10, 90, 10, 255), (300, 400, 600, 500))
    out = io.BytesIO()
    image.save(out, "PNG")
    assert normal(out.getvalue()).size == (300, 100)
    empty = io.BytesIO()
    Image.new("RGBA", (90, 90), (0, 0, 0, 0)).save(empty, "PNG")
    assert "Nothing can be seen" in refusal(empty.getvalue())


def test_nothing_of_the_file_is_kept_but_its_pixels() -> None:
    from PIL.PngImagePlugin import PngInfo

    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where it was taken"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    notes = PngInfo()
    notes.add_text("Comment", "secret of the file")
    for data in (
        picture(kind="JPEG", exif=exif, icc_profile=profile),
        picture(kind="PNG", exif=exif, icc_profile=profile, pnginfo=notes),
        picture(kind="WEBP", exif=exif, icc_profile=profile),
    ):
        image = normal(data)
        # Turned as its camera said.
        assert image.size == (60, 240)
        assert set(image.info) <= {"transparency"}
        assert not image.getexif()


def test_a_photograph_gets_fewer_colours() -> None:
    out = io.BytesIO()
    Image.frombytes("RGB", (600, 240), random.Random(1).randbytes(600 * 240 * 3)).save(out, "PNG")
    assert len(out.getvalue()) > 400_000
    assert len(logos.normal(out.getvalue())) < 200_000


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A picture of 30,000 by 30,000 pixels, in a file of some bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    for side in (4_097, 12_000, 30_000):
        head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000)))
        assert "at most 4,096 pixels a side" in refusal(bomb)
    assert "at most 4,096 pixels" in refusal(picture(size=(4_097, 1)))
    assert normal(picture(size=(4_096, 8))).width == 600


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by --><svg/>",
        b"<!-- made by an editor -->\n<SVG width='1'/>",
    ],
)
def test_an_svg_is_refused_with_what_to_do(data: bytes) -> None:
    assert "Export it as PNG" in refusal(data)


def test_what_is_no_picture() -> None:
    assert "empty" in refusal(b"")
    whole = picture()
    for data in (
        b"GIF89a",
        b"%PDF-1.4",
        b"\x89PNG",
        whole[:60],
        whole[: len(whole) // 2],
        picture(kind="GIF"),
        picture(kind="TIFF"),
    ):
        assert refusal(data) == "This is no image that can be read. Use a PNG, JPEG or WebP file."
    assert "at most 1 MB" in refusal(bytes(1_048_577))
    assert "at most 1 MB" not in refusal(bytes(1_048_576))
