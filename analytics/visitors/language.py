"""The languages a visitor reads, from Accept-Language (RFC 9110 section 12.5.4)."""

import re
from functools import lru_cache

_item = re.compile(
    r"\s*([A-Za-z]{2,8}(?:-[A-Za-z0-9-]+)?)\s*"
    r"(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*"
)


@lru_cache(maxsize=8192)
def accepted_languages(accept_language: str) -> tuple[tuple[str, float], ...]:
    """Tags in lower case with their weights, the most wanted first; what is refused by q=0 is left out.

    Of equals the first comes first: some apps send their list unsorted. Never raises.
    """
    found: list[tuple[str, float]] = []
    for item in accept_language[:256].split(",")[:16]:
        match = _item.fullmatch(item)
        if match is None:
            continue
        weight = float(match[2]) if match[2] else 1.0
        if weight > 0:
            found.append((match[1].lower(), weight))
    return tuple(sorted(found, key=lambda one: -one[1]))


def primary_language(accept_language: str) -> str:
    """The primary tag of the most wanted ("pt" for "pt-BR,en;q=0.8"); '' where none can be read."""
    languages = accepted_languages(accept_language)
    return languages[0][0].partition("-")[0] if languages else ""
