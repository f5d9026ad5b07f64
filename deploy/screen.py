"""What `scanway up` prints: its own progress, and its processes' log lines with a prefix."""

import os
import sys
import time
from typing import Final, TextIO

_COLOURS: Final = {
    "scanway": "1",
    "edge": "36",
    "ingest": "35",
    "console": "34",
    "worker": "32",
    "valkey": "31",
    "postgres": "33",
    "clickhouse": "93",
    "setup": "90",
}
_WIDTH: Final = max(len(name) for name in _COLOURS)


class Screen:
    def __init__(self, out: TextIO | None = None, *, colour: bool | None = None) -> None:
        self._out = out or sys.stdout
        self._colour = colour if colour is not None else self._out.isatty() and not os.environ.get("NO_COLOR")
        self._started = time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def line(self, text: str = "") -> None:
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except (OSError, ValueError):
            # The terminal or the pipe is gone (`scanway up | head`). The processes must go on, or be stopped
            # in order, without it.
            self._out = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def log(self, name: str, text: str) -> None:
        """One line of a process."""
        label = f"{name:<{_WIDTH}} |"
        if self._colour:
            label = f"\x1b[{_COLOURS.get(name, '37')}m{label}\x1b[0m"
        self.line(f"{label} {text}")

    def step(self, what: str, seconds: float) -> None:
        self.line(f"  {what + ' ':.<44} {seconds:5.1f} s")

    def box(self, rows: list[str]) -> None:
        width = max(len(row) for row in rows) + 2
        self.line("┌" + "─" * width + "┐")
        for row in rows:
            self.line(f"│ {row:<{width - 1}}│")
        self.line("└" + "─" * width + "┘")
