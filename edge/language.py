"""Which of our languages a person reads best, from Accept-Language (RFC 9110, section 12.5.4)."""

from functools import lru_cache
from typing import Final

LANGUAGES: Final = ("en", "es", "fr", "de", "zh")
DEFAULT: Final = "en"

# Real headers have a handful of ranges; the rest of a longer one is not read.
_MAX_RANGES: Final = 32
_MAX_LENGTH: Final = 512


def best_language(header: str) -> str:
    """The language with the highest weight, the first of equals. English where none of ours is wanted.

    `de-AT` is served German, `*` English unless English is refused by `q=0`.
    """
    return _best(header[:_MAX_LENGTH])


@lru_cache(maxsize=1024)
def _best(header: str) -> str:
    best, best_weight = "", 0.0
    refused: set[str] = set()
    for part in header.split(",")[:_MAX_RANGES]:
        tag, *parameters = part.split(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if language == "*":
            language = next((ours for ours in LANGUAGES if ours not in refused), "")
        if language not in LANGUAGES:
            continue
        if weight <= 0:
            refused.add(language)
        elif weight > best_weight:
            best, best_weight = language, weight
    return best or DEFAULT


def _weight(parameters: list[str]) -> float:
    """The q-value; 1 where there is none, 0 where it cannot be read."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            value = value.strip()
            digits = value.replace(".", "", 1)
            if not (digits.isascii() and digits.isdigit() and len(value) <= 5):
                return 0.0
            return min(float(value), 1.0)
    return 1.0
