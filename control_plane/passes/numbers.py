"""Numbers of passes as people write them: 1-100, 205."""

import re
from typing import Final

from control_plane.passes.errors import Invalid

MOST_NUMBERS: Final = 1_000
"""At once: a few seconds of work at most, during which a person waits."""

_range = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?")
_grouped = re.compile(r"(?<!\d)\d{1,3}(?:,\d{3})+(?!\d)")
_dash = re.compile(r"\s*[-‐-―−]\s*")


class Numbers:
    """As they are read, and written."""

    @staticmethod
    def read(text: str) -> list[int]:
        """In order, each once. Raises Invalid(numbers)."""
        text = _dash.sub("-", text).strip()
        # The console shows 1,234, which would otherwise be read as 1 and 234.
        if grouped := _grouped.search(text):
            one, several = grouped[0].replace(",", ""), grouped[0].replace(",", ", ")
            raise Invalid(
                "numbers", f"“{grouped[0]}” may be one number or several. Write {one}, or {several}."
            )
        found: set[int] = set()
        for part in re.split(r"[,;\s]+", text.strip(",; ")):
            match = _range.fullmatch(part.removeprefix("#"))
            if match is None:
                said = f"“{part[:40]}” is no number. Write" if part else "Write"
                raise Invalid("numbers", f"{said} numbers or ranges, such as 1-100, 205.")
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise Invalid("numbers", f"Write the smaller number first: {last}-{first}.")
            if last - first < MOST_NUMBERS:
                found.update(range(first, last + 1))
            if last - first >= MOST_NUMBERS or len(found) > MOST_NUMBERS:
                raise Invalid(
                    "numbers", f"Name at most {MOST_NUMBERS:,} passes at once, such as 1-{MOST_NUMBERS}."
                )
        return sorted(found)

    @staticmethod
    def write(numbers: list[int]) -> str:
        """The text that `read` reads as these numbers."""
        runs: list[list[int]] = []
        for number in sorted(numbers):
            if runs and number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)
