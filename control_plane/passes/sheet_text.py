"""Text on printed passes: what the fonts can set, the order of letters, and fitting into a width.

reportlab sets one glyph a character, left to right. So Arabic letters are joined, and right-to-left text is
turned round, here; Indic scripts print without their ligatures.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

REGULAR: Final = "FiraGO-Regular"
BOLD: Final = "FiraGO-Bold"
ASIAN: Final = "DroidSansFallback"
"""FiraGO sets Latin, Greek, Cyrillic, Hebrew, Arabic, Thai, Georgian and Devanagari; the other one Chinese,
Japanese and Korean, and is read when it is needed. It has one weight."""

CAP_HEIGHT: Final = 0.70
LEADING: Final = 1.2
"""Both in font sizes. A block of text is measured from the top of its capitals to its last baseline."""

_FONTS: Final = Path(__file__).with_name("fonts")
_CJK: Final = r"\u3000-\u9fff\uf900-\ufaff\uff00-\uff60"
_token = re.compile(f"[{_CJK}]|[^ {_CJK}-]*-|[^ {_CJK}-]+")
"""What lines are broken between: words, parts of words up to a hyphen, Chinese and Japanese characters."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that fit, set in `size` points."""

    lines: tuple[str, ...] = ()
    size: float = 0.0
    whole: bool = True
    """Nothing had to be left out."""

    @property
    def height(self) -> float:
        return (CAP_HEIGHT + (len(self.lines) - 1) * LEADING) * self.size if self.lines else 0.0


@cache
def font(name: str) -> TTFont:
    """One of the fonts above, registered with reportlab."""
    made = TTFont(name, str(_FONTS / f"{name}.ttf"))
    pdfmetrics.registerFont(made)
    return made


def printable(text: str) -> str:
    """The text as it can be printed: one line, Arabic letters joined, “?” for letters that no font has.

    Symbols that no font has, such as emoji, are left out.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = "".join(" " if char.isspace() else char for char in unicodedata.normalize("NFC", text))
    return " ".join("".join(map(_known, _joined(kept))).split())


def missing_letters(text: str) -> str:
    """The letters that would be printed as “?”, each once."""
    return "".join(
        dict.fromkeys(
            char for char in unicodedata.normalize("NFC", text) if char != "?" and _known(char) == "?"
        )
    )


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Points."""
    return sum(_advance(char, bold) for char in text) * size


def fit(
    text: str,
    room: float,
    size: float,
    least: float,
    *,
    lines: int = 1,
    bold: bool = False,
    height: float = math.inf,
    wrapped: float = 1.0,
) -> Block:
    """The text in the largest size from `size` down to `least` at which it needs no more than `lines` lines.

    Where even the least size is too large, the last line ends in “…”. Nothing is ever wider than `room` or
    higher than `height` points. More than one line are at most `wrapped` times `size`.
    """
    text = printable(text)
    lines = min(lines, _most_lines(height, least))
    if not text or lines < 1:
        return Block()
    one_line = min(size, height / CAP_HEIGHT, room / (width(text, 1, bold=bold) or 1)) * 0.9999
    # A little smaller looks better than a second line with one word in it.
    if one_line >= (least if lines == 1 else max(least, 0.85 * size)):
        return Block((text,), one_line)
    size = least if lines == 1 else max(least, size * wrapped)
    while True:
        broken = _broken(text, room / size, bold)
        if len(broken) <= min(lines, _most_lines(height, size)):
            return Block(_balanced(text, room / size, bold, len(broken)), size)
        if size <= least:
            break
        size = max(least, size * 0.96)
    kept, end = broken[: lines - 1], 0
    for line in kept:
        end = text.index(line, end) + len(line)
    return Block((*kept, _shortened(text[end:].lstrip(), room / least, bold)), least, whole=False)


def _most_lines(height: float, size: float) -> int:
    return 99 if math.isinf(height) else int((height / size - CAP_HEIGHT) / LEADING + 1.001)


def draw(
    canvas: Canvas,
    x: float,
    baseline: float,
    line: str,
    size: float,
    *,
    bold: bool = False,
    grey: float = 0.0,
    align: str = "left",
) -> None:
    """A line of a Block; x is its left edge, middle or right edge as `align` is left, center or right."""
    if align != "left":
        x -= width(line, size, bold=bold) / (2 if align == "center" else 1)
    canvas.setFillGray(grey)
    main = BOLD if bold else REGULAR
    for name, chars in groupby(visual(line), lambda char: main if ord(char) in _glyphs(main) else ASIAN):
        part = "".join(chars)
        canvas.setFont(font(name).fontName, size)
        if bold and name == ASIAN:
            # The font has no bold: an outline makes the strokes thicker.
            canvas.setStrokeGray(grey)
            canvas.setLineWidth(size * 0.035)
            canvas.drawString(x, baseline, part, mode=2)
        else:
            canvas.drawString(x, baseline, part)
        x += width(part, size, bold=bold)


def visual(line: str) -> str:
    """The characters from left to right as they stand on paper.

    The bidirectional algorithm (Unicode Standard Annex 9) without its invisible control characters.
    """
    kinds = [unicodedata.bidirectional(char) for char in line]
    if not {"R", "AL", "AN"}.intersection(kinds):
        return line
    base = next((int(kind != "L") for kind in kinds if kind in ("L", "R", "AL")), 0)
    levels = [1 if way == "R" else 2 if way == "N" or base else 0 for way in _ways(_resolved(kinds), base)]
    chars = [
        _MIRRORED.get(char, char) if level == 1 else char for char, level in zip(line, levels, strict=True)
    ]
    for lowest in (2, 1):
        start = 0
        for high, run in groupby([level >= lowest for level in levels]):
            end = start + len(list(run))
            if high:
                chars[start:end] = chars[start:end][::-1]
                levels[start:end] = levels[start:end][::-1]
            start = end
    return "".join(chars)


_MIRRORED: Final = {a: b for pair in ("()", "[]", "{}", "<>", "«»", "‹›") for a, b in (pair, pair[::-1])}


def _resolved(kinds: list[str]) -> list[str]:
    """The rules W1 to W5: marks are as their letters are, and separators inside of numbers are as digits."""
    kinds = list(kinds)
    strong = ""
    for at, kind in enumerate(kinds):
        if kind == "NSM" and at:
            kinds[at] = kinds[at - 1]
        elif kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[at] = "AN"
    for at in range(1, len(kinds) - 1):
        before, kind, after = kinds[at - 1 : at + 2]
        if before == after and (
            (kind == "CS" and before in ("EN", "AN")) or (kind == "ES" and before == "EN")
        ):
            kinds[at] = before
    for at, kind in enumerate(kinds):
        if kind == "ET" and "EN" in kinds[max(0, at - 1) : at + 2]:
            kinds[at] = "EN"
    return kinds


def _ways(kinds: list[str], base: int) -> list[str]:
    """L, R or N (a number amid right-to-left text) for each character: the rules W7, N1 and N2."""
    ways: list[str] = []
    strong = "R" if base else "L"
    for kind in kinds:
        if kind in ("R", "AL", "L"):
            strong = "L" if kind == "L" else "R"
            ways.append(strong)
        elif kind in ("EN", "AN"):
            ways.append("L" if strong == "L" and kind == "EN" else "N")
        else:
            ways.append("")
    start = 0
    for empty, run in groupby([not way for way in ways]):
        end = start + len(list(run))
        if empty:
            default = "R" if base else "L"
            left = ways[start - 1] if start else default
            right = ways[end] if end < len(ways) else default
            same = (left == "L") == (right == "L")
            ways[start:end] = [("L" if left == "L" else "R") if same else default] * (end - start)
        start = end
    return ways


@lru_cache(maxsize=1)
def _arabic_forms() -> dict[tuple[str, str], str]:
    """(form, letters) to the character for it: initial, medial and final forms, and lam with alef."""
    forms: dict[tuple[str, str], str] = {}
    for code in (*range(0xFB50, 0xFDD0), *range(0xFE80, 0xFEFD)):
        form, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        plain = "".join(chr(int(letter, 16)) for letter in letters)
        if code in _glyphs(REGULAR) and (len(plain) == 1 or (len(plain) == 2 and code >= 0xFEF5)):
            forms.setdefault((form.strip("<>"), plain), chr(code))
    return forms


def _joined(text: str) -> str:
    """Arabic letters in the form that their neighbours ask for."""
    if not any("\u0600" <= char <= "\u06ff" for char in text):
        return text
    forms = _arabic_forms()
    letters: list[str] = []
    for char in text:
        if letters and letters[-1] == "ل" and ("isolated", "ل" + char) in forms:
            letters[-1] += char
        else:
            letters.append(char)
    seen = [at for at, letter in enumerate(letters) if unicodedata.category(letter[0]) != "Mn"]
    joined = list(letters)
    for place, at in enumerate(seen):
        letter = letters[at]
        before = letters[seen[place - 1]] if place else ""
        after = letters[seen[place + 1]] if place + 1 < len(seen) else ""
        from_right = ("initial", before) in forms or before == "ـ"
        to_left = ("initial", letter) in forms and (after == "ـ" or ("final", after) in forms)
        form = ("medial" if to_left else "final") if from_right else "initial" if to_left else "isolated"
        joined[at] = forms.get((form, letter), letter)
    return "".join(joined)


@lru_cache(maxsize=8192)
def _known(char: str) -> str:
    kind = unicodedata.category(char)[0]
    if kind == "C":
        return ""
    if char == " " or ord(char) in _glyphs(REGULAR) or ord(char) in _glyphs(ASIAN):
        return char
    return "" if kind in "SM" else "?"


@lru_cache(maxsize=8192)
def _advance(char: str, bold: bool) -> float:
    main = BOLD if bold else REGULAR
    face = font(main if ord(char) in _glyphs(main) else ASIAN).face
    return face.getCharWidth(ord(char)) / 1000


def _glyphs(name: str) -> dict[int, int]:
    return font(name).face.charToGlyph


def _broken(text: str, room: float, bold: bool) -> list[str]:
    """Lines at most `room` font sizes wide: between words, and inside of a word that alone is too long."""
    lines: list[str] = []
    line, used = "", 0.0
    end = 0
    for match in _token.finditer(text):
        token, spaced = match.group(), match.start() > end
        end = match.end()
        gap = _advance(" ", bold) if spaced and line else 0.0
        wide = width(token, 1, bold=bold)
        if line and used + gap + wide > room:
            lines.append(line)
            line, used, gap = "", 0.0, 0.0
        if gap:
            line, used = line + " ", used + gap
        if wide <= room:
            line, used = line + token, used + wide
            continue
        for char in token:
            step = _advance(char, bold)
            if line and used + step > room:
                lines.append(line)
                line, used = "", 0.0
            line, used = line + char, used + step
    return [*lines, line] if line else lines


def _balanced(text: str, room: float, bold: bool, count: int) -> tuple[str, ...]:
    """The same number of lines, and as equally long as can be."""
    low, high = room / count / 2, room
    best = _broken(text, room, bold)
    for _ in range(8 if count > 1 else 0):
        middle = (low + high) / 2
        lines = _broken(text, middle, bold)
        if len(lines) > count or any(width(word, 1, bold=bold) > middle for word in _token.findall(text)):
            low = middle
        else:
            best, high = lines, middle
    return tuple(best)


def _shortened(text: str, room: float, bold: bool) -> str:
    room -= _advance("…", bold)
    used, kept = 0.0, 0
    for char in text:
        used += _advance(char, bold)
        if used > room:
            break
        kept += 1
    return text[:kept].rstrip(" ,.;:-–") + "…"
