"""Where everything stands on a printed pass. Measured in points from the cell's top left corner, downwards.

No words of ours are printed: the organiser's texts may be in any language. Order and size say what is what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from reportlab.lib.units import mm

from control_plane.passes.sheet_text import CAP_HEIGHT, LEADING, Block, fit, printable

if TYPE_CHECKING:
    from control_plane.passes.sheets import SheetStyle

PAPERS: Final = {"a4": (210.0 * mm, 297.0 * mm), "letter": (215.9 * mm, 279.4 * mm)}

INK: Final = 0.0
SOFT: Final = 0.38
"""Grey levels: 0 is black. Grey is printed with black ink alone, so that edges stay sharp."""

WRAPPED: Final = 0.8
"""A name in two lines is smaller than one in a single line, or it would need twice the room."""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one size on a page."""

    page: tuple[float, float]
    cell: tuple[float, float]
    columns: int = 1
    rows: int = 1
    gap: float = 0.0

    @property
    def corner(self) -> tuple[float, float]:
        """Left and top of the first cell: the cells stand in the middle of the page."""
        wide = self.columns * self.cell[0] + (self.columns - 1) * self.gap
        return (self.page[0] - wide) / 2, (self.page[1] - self.rows * self.cell[1]) / 2

    def cells(self) -> list[tuple[float, float]]:
        """Left and top of each, row by row."""
        left, top = self.corner
        return [
            (left + column * (self.cell[0] + self.gap), top + row * self.cell[1])
            for row in range(self.rows)
            for column in range(self.columns)
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text that every pass has."""

    x: float
    baseline: float
    text: str
    size: float
    bold: bool
    grey: float
    align: Align


@dataclass(frozen=True, slots=True)
class Rule:
    x1: float
    y1: float
    x2: float
    y2: float
    weight: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A text that differs from pass to pass: `number`, `holder` or `detail`."""

    name: str
    size: float
    least: float
    lines: int = 1
    bold: bool = True
    grey: float = INK
    after: float = 0.0
    """White space below it, where another text follows."""

    @property
    def height(self) -> float:
        """At most."""
        if self.lines == 1:
            return CAP_HEIGHT * self.size
        return (CAP_HEIGHT + (self.lines - 1) * LEADING) * max(self.least, self.size * WRAPPED)

    def fill(self, text: str, room: float) -> Block:
        return fit(text, room, self.size, self.least, lines=self.lines, bold=self.bold, wrapped=WRAPPED)


@dataclass(frozen=True, slots=True)
class Stack:
    """Slots below each other. Those without a text take no room."""

    x: float
    width: float
    top: float
    bottom: float
    slots: tuple[Slot, ...]
    align: Align = "left"
    stand: Literal["top", "middle", "bottom"] = "bottom"


def tallest(slots: tuple[Slot, ...]) -> float:
    """Height of a stack in which every slot is full."""
    return sum(slot.height + slot.after for slot in slots) - slots[-1].after


@dataclass(frozen=True, slots=True)
class Code:
    """A square for the dark modules, and `clear` points of white around it for the quiet zone of 4 modules.

    anchor: where a smaller symbol stands in the square: 0 is left or top, 1 is right or bottom.
    """

    x: float
    y: float
    side: float
    clear: float
    anchor: tuple[float, float] = (0.5, 0.5)


@dataclass(slots=True)
class Plan:
    """One cell: what every pass has, and the places for what differs."""

    width: float
    height: float
    code: Code | None = None
    lines: list[Line] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    logo: tuple[float, float, float, float] | None = None
    """Left, top, width and height."""
    foot: Plan | None = None
    """What stands below the stacks, however high they are: of a receipt alone."""

    def add_logo(
        self, size: tuple[int, int] | None, x: float, y: float, most: tuple[float, float], align: Align
    ) -> float:
        """Put the logo in a box of at most that size; x is as in Line. Returns its height; none is 0."""
        if size is None:
            return 0.0
        scale = min(most[0] / size[0], most[1] / size[1])
        wide, high = size[0] * scale, size[1] * scale
        left = x - (wide if align == "right" else wide / 2 if align == "center" else 0)
        self.logo = (left, y, wide, high)
        return high


@dataclass(slots=True)
class Column:
    """A column of the plan, filled from its top and from its bottom."""

    plan: Plan
    x: float
    """The left edge; with align "center" the middle."""
    width: float
    top: float
    bottom: float
    align: Align = "left"
    end: float = 0.0
    """The last baseline of what was filled in from the top."""

    def text(
        self,
        text: str,
        size: float,
        least: float,
        *,
        lines: int = 1,
        bold: bool = False,
        grey: float = INK,
        after: float = 0.0,
        up: bool = False,
        keep: float = 0.0,
    ) -> None:
        """A text at the top or, with `up`, at the bottom. One for which no room is left is not printed.

        `keep` points of the column are left free for what is more important than another line of this.
        """
        room = self.bottom - self.top - keep
        block = fit(text, self.width, size, least, lines=lines, bold=bold, height=room)
        self._place(block, bold, grey, after, up)

    def texts(
        self,
        texts: tuple[str, ...],
        size: float,
        least: float,
        *,
        lines: int = 1,
        after: float,
        up: bool = False,
    ) -> None:
        """Texts of one size, the first of them black. The last ones are left out where there is no room.

        A little smaller is better than more lines: a date should not be broken.
        """
        room = self.bottom - self.top
        texts = tuple(text for text in texts if printable(text))
        best: list[Block] = []
        tried = size
        while True:
            blocks = [fit(text, self.width, tried, tried, lines=lines) for text in texts]
            whole = _height(blocks, after) <= room and all(block.whole for block in blocks)
            if whole and (not best or _count(blocks) < _count(best)):
                best = blocks
            if tried <= least or (best and tried < 0.8 * size):
                break
            tried = max(least, tried * 0.97)
        blocks = best or blocks
        while blocks and _height(blocks, after) > room:
            blocks.pop()
        if len(blocks) < len(texts):
            spare = room - _height(blocks, after) - after
            last = fit(texts[len(blocks)], self.width, tried, tried, lines=lines, height=spare)
            blocks += [last] if last.lines else []
        placed = list(enumerate(blocks))
        for index, block in reversed(placed) if up else placed:
            self._place(block, False, SOFT if index else INK, after, up)

    def _place(self, block: Block, bold: bool, grey: float, after: float, up: bool) -> None:
        if not block.lines:
            return
        top = self.bottom - block.height if up else self.top
        for index, line in enumerate(block.lines):
            baseline = top + (CAP_HEIGHT + index * LEADING) * block.size
            self.plan.lines.append(Line(self.x, baseline, line, block.size, bold, grey, self.align))
        if up:
            self.bottom -= block.height + after
        else:
            self.end = self.top + block.height
            self.top = self.end + after


def _height(blocks: list[Block], after: float) -> float:
    return sum(block.height + after for block in blocks) - after


def _count(blocks: list[Block]) -> int:
    return sum(len(block.lines) for block in blocks)


def grid(layout: str, paper: str) -> Grid:
    """How many cells of what size. A receipt is a page of its own, as long as it needs to be."""
    page = PAPERS[paper]
    letter = paper == "letter"
    match layout:
        case "2x4":
            # On A4 the labels Avery L7165.
            return Grid(page, (99.1 * mm, (66.0 if letter else 67.7) * mm), 2, 4, gap=2.5 * mm)
        case "3x8":
            # On A4 the labels Avery 3474 and Herma 4464.
            return Grid(page, (70.0 * mm, (34.5 if letter else 37.0) * mm), 3, 8)
        case "badge":
            return Grid(page, (90.0 * mm, 60.0 * mm), 2, 4)
        case "lanyard":
            # A6; Letter is too short for two of them.
            return Grid(page, (105.0 * mm, (138.0 if letter else 148.0) * mm), 2, 2)
        case "receipt":
            return Grid((80.0 * mm, 0.0), (80.0 * mm, 0.0))
    return Grid(page, page)


def compose(style: SheetStyle, logo: tuple[int, int] | None) -> Plan:
    """The plan of one cell. `logo` is the size of the logo in pixels."""
    wide, high = grid(style.layout, style.paper).cell
    plan = Plan(wide, high)
    _COMPOSERS[style.layout](plan, style, logo)
    return plan


def _page(plan: Plan, style: SheetStyle, logo: tuple[int, int] | None) -> None:
    edge, middle = 20 * mm, plan.height / 2
    full = plan.width - 2 * edge
    high = plan.add_logo(logo, edge, edge, (60 * mm, 15 * mm), "left")
    head = Column(plan, edge, full / 2, edge, middle)
    if logo:
        head.x, head.align = plan.width - edge, "right"
    head.top += max(0.0, high - 12 * CAP_HEIGHT) / 2
    head.text(style.issuer, 12, 8, grey=SOFT)
    rule = edge + max(high, 12 * CAP_HEIGHT) + 6 * mm
    plan.rules.append(Rule(edge, rule, plan.width - edge, rule, 2))
    body = Column(plan, edge, full, rule + 14 * mm, middle - 12 * mm)
    body.text(style.title, 40, 24, lines=3, bold=True, after=12 * mm)
    body.texts(style.lines, 18, 12, lines=2, after=4 * mm)
    plan.rules.append(Rule(edge, middle, plan.width - edge, middle, 0.6, dashed=True))

    side, top = 84 * mm, middle + 18 * mm
    plan.code = Code(edge, top, side, 9.6 * mm, (0, 0.5))
    left = edge + side + 10 * mm
    wide = plan.width - edge - left
    who = (Slot("holder", 28, 14, lines=2, after=7 * mm), Slot("detail", 20, 11, lines=2, bold=False))
    plan.stacks.append(Stack(left, wide, top + 0.8 * mm, top + 0.8 * mm + tallest(who), who, stand="top"))
    number = (Slot("number", 20, 10, bold=False),)
    plan.stacks.append(
        Stack(left, wide, top + side - 0.8 * mm - tallest(number), top + side - 0.8 * mm, number)
    )
    foot = Column(plan, edge, full, top + side + 10 * mm, plan.height - 14 * mm)
    foot.text(style.note, 9, 6.5, lines=3, grey=SOFT, up=True)


def _card(plan: Plan, style: SheetStyle, logo: tuple[int, int] | None) -> None:
    edge = 6.5 * mm
    full = plan.width - 2 * edge
    high = plan.add_logo(logo, plan.width - edge, edge - 1 * mm, (26 * mm, 9 * mm), "right")
    side = 35 * mm
    plan.code = Code(plan.width - edge - side, plan.height - edge - side, side, 4 * mm, (1, 1))
    beside = full - side - 5.5 * mm

    head = Column(plan, edge, full - (30 * mm if logo else 0), edge, plan.code.y - 5.6 * mm)
    head.text(style.issuer, 7, 6, grey=SOFT, after=3.2 * mm)
    head.text(style.title, 15, 8, lines=3, bold=True)
    who = (
        Slot("holder", 11, 7, lines=2, after=2.3 * mm),
        Slot("detail", 9, 6.5, bold=False, after=2.3 * mm),
        Slot("number", 9, 7, bold=False),
    )
    body = Column(plan, edge, beside, max(head.top + 4.6 * mm, edge + high + 2 * mm), plan.height - edge)
    body.text(style.note, 5.2, 4.6, lines=3, grey=SOFT, up=True, after=3 * mm)
    plan.stacks.append(Stack(edge, beside, body.bottom - tallest(who), body.bottom, who))
    body.bottom -= tallest(who) + 2.6 * mm
    body.texts(style.lines, 8.5, 6, lines=2, after=1.6 * mm)


def _label(plan: Plan, style: SheetStyle, logo: tuple[int, int] | None) -> None:
    edge = 5.2 * mm
    side = plan.height - 2 * edge
    plan.code = Code(edge, edge, side, 3.1 * mm, (0, 0.5))
    left, top, bottom = edge + side + 3.2 * mm, edge + 0.6 * mm, plan.height - edge - 0.6 * mm
    wide = plan.width - 4.4 * mm - left
    who = (
        Slot("holder", 9, 5.5, lines=2, after=1.5 * mm),
        Slot("detail", 7.5, 5.5, bold=False, after=1.5 * mm),
        Slot("number", 7.5, 6, bold=False),
    )
    plan.stacks.append(Stack(left, wide, bottom - tallest(who), bottom, who))
    body = Column(plan, left, wide, top, bottom - tallest(who) - 1.6 * mm)
    body.text(style.title, 8.5, 6, lines=2, bold=True, after=1.6 * mm, keep=3 * mm if style.lines else 0)
    body.texts(style.lines, 6.4, 5, lines=2, after=0.9 * mm)


def _badge(plan: Plan, style: SheetStyle, logo: tuple[int, int] | None) -> None:
    edge, rule = 6 * mm, 17 * mm
    full = plan.width - 2 * edge
    plan.add_logo(logo, plan.width - edge, edge - 0.6 * mm, (26 * mm, 8.6 * mm), "right")
    head = Column(plan, edge, full - (30 * mm if logo else 0), edge, rule - 2.6 * mm)
    head.text(style.title, 12, 8, lines=2, bold=True, after=2.4 * mm)
    head.text(style.issuer, 7, 6, grey=SOFT)
    plan.rules.append(Rule(edge, rule, plan.width - edge, rule, 1.2))

    top, bottom, side = rule + 6.6 * mm, plan.height - edge - 0.6 * mm, 31 * mm
    plan.code = Code(plan.width - edge - side, plan.height - edge - side, side, 4.2 * mm, (1, 0.5))
    wide = full - side - 4.6 * mm
    who = (Slot("holder", 20, 8, lines=2, after=3 * mm), Slot("detail", 10, 7, bold=False))
    plan.stacks.append(Stack(edge, wide, top, top + tallest(who), who, stand="top"))
    number = (Slot("number", 8, 6.5, bold=False),)
    plan.stacks.append(Stack(edge, wide, bottom - tallest(number), bottom, number))
    foot = Column(plan, edge, wide, top + tallest(who) + 2.6 * mm, bottom - tallest(number) - 2 * mm)
    foot.texts(style.lines, 7, 5.6, lines=2, after=1.2 * mm, up=True)


def _lanyard(plan: Plan, style: SheetStyle, logo: tuple[int, int] | None) -> None:
    edge, middle = 9 * mm, plan.width / 2
    full = plan.width - 2 * edge
    foot = Column(plan, middle, full, plan.height - 13 * mm, plan.height - 6 * mm, "center")
    foot.text(style.note, 5.8, 5, lines=2, grey=SOFT, up=True, after=3 * mm)
    number = (Slot("number", 12, 8, bold=False),)
    plan.stacks.append(Stack(middle, full, foot.bottom - tallest(number), foot.bottom, number, "center"))
    side = 0.29 * plan.height
    code = foot.bottom - tallest(number) - 6 * mm - side
    plan.code = Code(middle - side / 2, code, side, 4.7 * mm, (0.5, 1))
    who = (Slot("holder", 27, 12, lines=2, after=4 * mm), Slot("detail", 13, 8, bold=False))
    name = code - 5.8 * mm - tallest(who)

    # The first 13 mm are for the slot or the clip.
    head = Column(plan, middle, full, 15 * mm, name - 6.2 * mm, "center")
    high = plan.add_logo(logo, middle, 13 * mm, (50 * mm, 10 * mm), "center")
    if high:
        head.end = 13 * mm + high
        head.top = head.end + 3.6 * mm
    else:
        head.text(style.issuer, 8.5, 7, grey=SOFT, after=4.5 * mm)
    head.text(style.title, 18, 10, lines=3, bold=True, after=4 * mm, keep=8 * mm if style.lines else 0)
    head.texts(style.lines, 9.5, 6.2, lines=2, after=1.7 * mm)
    rule = max(head.end, 12 * mm) + 3.4 * mm
    plan.rules.append(Rule(edge, rule, plan.width - edge, rule, 1.2))
    plan.stacks.append(Stack(middle, full, rule + 2.8 * mm, code - 5.8 * mm, who, "center", "middle"))


def _receipt(plan: Plan, style: SheetStyle, logo: tuple[int, int] | None) -> None:
    edge, middle = 6 * mm, plan.width / 2
    full = plan.width - 2 * edge
    roll = Column(plan, middle, full, 6 * mm, 1000 * mm, "center")
    high = plan.add_logo(logo, middle, roll.top, (50 * mm, 14 * mm), "center")
    roll.top += high + (4.5 * mm if high else 0)
    roll.text(style.issuer, 9, 7, after=4.5 * mm)
    roll.text(style.title, 18, 12, lines=4, bold=True, after=5 * mm)
    for line in style.lines:
        roll.text(line, 10, 8, lines=4, after=2.2 * mm)
    side = 50 * mm
    roll.top += 5 * mm
    plan.code = Code(middle - side / 2, roll.top, side, 6 * mm, (0.5, 0.5))
    roll.top += side + 7 * mm
    who = (
        Slot("number", 14, 9, after=4 * mm),
        Slot("holder", 13, 9, lines=2, after=4 * mm),
        Slot("detail", 11, 8, bold=False),
    )
    plan.stacks.append(Stack(middle, full, roll.top, roll.top + tallest(who), who, "center", "top"))
    plan.height = roll.top
    plan.foot = Plan(plan.width, 0)
    end = Column(plan.foot, middle, full, 6 * mm, 1000 * mm, "center")
    if style.note:
        plan.foot.rules.append(Rule(edge, end.top, plan.width - edge, end.top, 0.6, dashed=True))
        end.top += 4.5 * mm
        end.text(style.note, 7.5, 7, lines=12)
    plan.foot.height = end.top + 6 * mm


_COMPOSERS: Final[dict[str, Callable[[Plan, SheetStyle, tuple[int, int] | None], None]]] = {
    "1": _page,
    "2x4": _card,
    "3x8": _label,
    "badge": _badge,
    "lanyard": _lanyard,
    "receipt": _receipt,
}
LAYOUTS: Final = tuple(_COMPOSERS)
