"""Numbers of passes as people write them: 1-100, 205."""

import re
from typing import Final

MOST_NUMBERS: Final = 1_000
"""At once: a few seconds of work at most, during which a person waits."""

_range = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?")


class Numbers:
    """Numbers of passes as people write them: 1-100, 205."""

    @staticmethod
    def read(text: str) -> list[int]:
        """In order, each once. Raises ValueError with a sentence."""
        found: set[int] = set()
        for part in re.split(r"[,;\s]+", re.sub(r"\s*[-‐-―]\s*", "-", text).strip(" ,;")):
            match = _range.fullmatch(part.removeprefix("#"))
            if match is None:
                raise ValueError(f"“{part}” is no number. Write numbers or ranges, such as 1-100, 205.")
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise ValueError(f"Write the smaller number first: {last}-{first}.")
            if last - first >= MOST_NUMBERS or len(found) + last - first >= MOST_NUMBERS:
                example = f"{first}-{first + MOST_NUMBERS - 1}"
                raise ValueError(f"Name at most {MOST_NUMBERS:,} passes at once, such as {example}.")
            found.update(range(first, last + 1))
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
