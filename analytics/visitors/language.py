"""The language a visitor reads, from Accept-Language (RFC 9110 section 12.5.4)."""

import re
from functools import lru_cache

_item = re.compile(
    r"\s*([A-Za-z]{2,8})(?:-[A-Za-z0-9-]+)?\s*"
    r"(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*"
)


@lru_cache(maxsize=8192)
def primary_language(accept_language: str) -> str:
    """The primary tag in lower case ("pt" for "pt-BR,en;q=0.8"); '' where none can be read. Never raises.

    The highest weight wins and, between equals, the first: some apps send their list unsorted.
    """
    best, weight = "", 0.0
    for item in accept_language[:256].split(",")[:16]:
        found = _item.fullmatch(item)
        if found is None:
            continue
        quality = float(found[2]) if found[2] else 1.0
        if quality > weight:
            best, weight = found[1].lower(), quality
    return best
