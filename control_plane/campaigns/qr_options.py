"""How a QR code shall be printed: size, error correction, quiet zone, colours. Knows nothing of Django."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

ERROR_CORRECTIONS: Final = ("L", "M", "Q", "H")
"""Share of the symbol that may be damaged and still be read: 7, 15, 25 and 30 %."""

MIN_MM: Final = 5.0
MAX_MM: Final = 2000.0
MAX_QUIET_ZONE: Final = 16
MIN_DPI: Final = 72
MAX_DPI: Final = 2400

MIN_CONTRAST: Final = 4.5
"""Ratio of relative luminances (WCAG 2.2), 1 to 21. Below it cheap cameras in poor light give up."""

_hex_colour = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


class InvalidQr(ValueError):
    """A QR code cannot be made like this; `field` names the option, `message` says why and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class QrOptions:
    """Checked when made; raises InvalidQr.

    mm: side of the whole image in millimetres, quiet zone included: the box to leave free in a layout.
    error_correction: L, M, Q or H. None: at least M, and the highest that needs no larger symbol.
    quiet_zone: light margin in modules. The standard asks for 4; fewer only where the paper around is light.
    dark, light: colours as #rgb or #rrggbb.
    dpi: resolution of the PNG; the other formats are vectors.
    """

    mm: float = 25.0
    error_correction: str | None = None
    quiet_zone: int = 4
    dark: str = "#000000"
    light: str = "#ffffff"
    dpi: int = 300

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mm) and MIN_MM <= self.mm <= MAX_MM):
            raise InvalidQr("mm", f"Choose a print size from {MIN_MM:g} to {MAX_MM:g} mm.")
        if self.error_correction is not None and self.error_correction not in ERROR_CORRECTIONS:
            raise InvalidQr("error_correction", "Choose L, M, Q or H as error correction.")
        if not 0 <= self.quiet_zone <= MAX_QUIET_ZONE:
            raise InvalidQr("quiet_zone", f"Choose a quiet zone from 0 to {MAX_QUIET_ZONE} modules.")
        if not MIN_DPI <= self.dpi <= MAX_DPI:
            raise InvalidQr("dpi", f"Choose a resolution from {MIN_DPI} to {MAX_DPI} dpi.")
        for field in ("dark", "light"):
            if not _hex_colour.fullmatch(getattr(self, field).lower()):
                raise InvalidQr(field, "Write the colour as #rgb or #rrggbb, such as #1a2b3c.")
        dark, light = luminance(self.dark), luminance(self.light)
        if dark >= light:
            raise InvalidQr(
                "dark",
                "The modules must be darker than the background: many scanners cannot read inverted codes.",
            )
        contrast = (light + 0.05) / (dark + 0.05)
        if contrast < MIN_CONTRAST:
            raise InvalidQr(
                "dark",
                f"The contrast is {math.floor(contrast * 10) / 10:g} to 1; scanners need at least "
                f"{MIN_CONTRAST:g} to 1. Choose a darker colour, or a lighter background.",
            )

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Self:
        """Options from a query string; empty values mean the default. Raises InvalidQr."""
        known = {field.name for field in fields(cls)}
        given: dict[str, object] = {}
        for name, text in query.items():
            if name not in known:
                raise InvalidQr(name, f"There is no option “{name[:40]}”. Use {', '.join(sorted(known))}.")
            text = text.strip()
            if not text:
                continue
            if name in ("quiet_zone", "dpi"):
                if not re.fullmatch(r"[0-9]{1,6}", text):
                    raise InvalidQr(name, "Write a whole number.")
                given[name] = int(text)
            elif name == "mm":
                if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", text):
                    raise InvalidQr(name, "Write the size as a number of millimetres, such as 25 or 32.5.")
                given[name] = float(text)
            elif name == "error_correction":
                given[name] = text.upper()
            else:
                given[name] = text.lower()
        return cls(**given)  # type: ignore[arg-type]


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a colour that QrOptions accepted."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def luminance(colour: str) -> float:
    """Relative luminance, 0 black to 1 white (WCAG 2.2, from sRGB)."""
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in rgb(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
