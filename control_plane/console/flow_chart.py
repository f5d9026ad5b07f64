"""Who came and left, as bars above and below a line. Pure: numbers of an SVG, and the labels beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from control_plane.passes.room import Flow

STEP: Final = 10
BAR: Final = 7
HEIGHT: Final = 100
_LEAST_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True)
class Bar:
    """x, and heights above and below the line, in units of the SVG's view box."""

    x: int
    top: float
    up: float
    down: float
    flow: Flow


@dataclass(frozen=True, slots=True)
class FlowChart:
    """ticks: every so many bars, from the left. summary: one sentence for ears."""

    bars: list[Bar]
    width: int
    line: float
    most_came: int
    most_left: int
    ticks: list[Flow]
    unit: str
    summary: str

    @property
    def newest_first(self) -> list[Flow]:
        return [bar.flow for bar in reversed(self.bars) if bar.flow.came or bar.flow.left]


def flow_chart(flows: Sequence[Flow], *, unit: str, period: str, every: int) -> FlowChart:
    """`unit` is minute, hour or day; `period` says which time it is, such as “the last 60 minutes”."""
    most_came = max((one.came for one in flows), default=0)
    most_left = max((one.left for one in flows), default=0)
    # One scale for both directions, so that as many who leave are as high as those who come.
    scale = (HEIGHT - 2) / max(most_came + most_left, 1)
    line = min(max(most_came * scale + 1, HEIGHT * _LEAST_SHARE), HEIGHT * (1 - _LEAST_SHARE))
    scale = min((line - 1) / max(most_came, 1), (HEIGHT - line - 1) / max(most_left, 1), scale)
    bars = [
        Bar(
            number * STEP + (STEP - BAR) // 2,
            round(line - one.came * scale, 2),
            round(one.came * scale, 2),
            round(one.left * scale, 2),
            one,
        )
        for number, one in enumerate(flows)
    ]
    came, left = sum(one.came for one in flows), sum(one.left for one in flows)
    return FlowChart(
        bars,
        max(len(flows) * STEP, 1),
        round(line, 2),
        most_came,
        most_left,
        list(flows[::every]),
        unit,
        f"Bar chart of entries and exits per {unit}, {period}: {came:,} came and {left:,} left.",
    )
