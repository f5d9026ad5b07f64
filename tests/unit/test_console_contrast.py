"""The design tokens keep WCAG 2.2 AA: 4.5 for text, 3 for edges of controls and for what a chart draws."""

import re
from pathlib import Path

import pytest

from control_plane.campaigns.qr_options import luminance

CSS = Path(__file__).resolve().parents[2] / "control_plane/console/static/console/tokens.css"
TOKENS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS.read_text("utf-8")
    )
}
SURFACES = ["page", "surface", "raised", "sunken", "hover"]
TEXT = [(text, surface) for text in ("text", "muted", "faint") for surface in SURFACES] + [
    ("on-ink", "ink"),
    ("on-ink", "ink-hover"),
    ("text", "selected"),
    ("text", "accent-bar"),
    ("muted", "accent-bar"),
    ("accent", "surface"),
    ("accent", "page"),
    ("accent", "accent-soft"),
    ("surface", "accent"),
    ("text", "accent-soft"),
    ("muted", "accent-soft"),
    ("text", "warn-soft"),
    ("muted", "warn-soft"),
    ("muted", "selected"),
    ("danger", "surface"),
    ("danger", "danger-soft"),
    ("warn", "warn-soft"),
    ("warn", "bots-soft"),
    ("text", "info-soft"),
    ("info", "info-soft"),
    ("on-band", "band"),
    ("on-band", "band-off"),
]
EDGES = [
    ("control-border", "surface"),
    ("control-border", "page"),
    ("focus", "page"),
    ("focus", "surface"),
    ("accent", "surface"),
    ("bots", "surface"),
]


def contrast(one, other):
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("front, back, least", [(*p, 4.5) for p in TEXT] + [(*p, 3.0) for p in EDGES])
def test_contrast(theme, front, back, least):
    assert contrast(TOKENS[front][theme], TOKENS[back][theme]) >= least


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_white_on_the_button_that_destroys(theme):
    assert contrast("#ffffff", TOKENS["danger-solid"][theme]) >= 4.5
