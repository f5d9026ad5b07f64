"""The edge's pages keep WCAG 2.2 AA: 4.5 for text, 3 for the edge of a field."""

import re
from pathlib import Path

import pytest

import edge
from control_plane.campaigns.qr_options import luminance

CSS = (Path(edge.__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    {
        name: colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])
        for name, colour in re.findall(r"--(\w+):(#[0-9a-f]{3,6})", block)
    }
    for block in re.findall(r":root\{([^}]*)\}", CSS)
)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("ink", "card", 4.5),
        ("ink", "paper", 4.5),
        ("soft", "card", 4.5),
        ("soft", "paper", 4.5),
        ("accent", "card", 4.5),
        ("on", "accent", 4.5),
        ("bad", "card", 4.5),
        ("edge", "card", 3.0),
        ("edge", "paper", 3.0),
        ("accent", "paper", 3.0),
    ],
)
def test_contrast(theme, front, back, least):
    brighter, darker = sorted((luminance(theme[front]), luminance(theme[back])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= least
