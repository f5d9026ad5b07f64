"""Campaign parameters from the scan's own query string (`?utm_source=poster`).

Parameters that stand on the link's destination are not known here: the edge records the request alone.
"""

from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from analytics.visitors.text import tidy


class Utm(NamedTuple):
    """The five parameters, '' where absent; each at most 128 characters."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""


NONE: Final = Utm()
_FIELDS: Final = {f"utm_{name}": name for name in Utm._fields}


def utm(query: str) -> Utm:
    """Names match in any case; the first value of a name counts. Never raises."""
    if "utm" not in query.lower():
        return NONE
    return _parse(query)


@lru_cache(maxsize=16384)
def _parse(query: str) -> Utm:
    # 2,048 bytes are what the edge keeps; the ampersand count bounds the work on a made-up string.
    found: dict[str, str] = {}
    for name, value in parse_qsl("&".join(query[:2048].split("&")[:64]), errors="replace"):
        field = _FIELDS.get(name.lower())
        if field is not None and field not in found:
            found[field] = tidy(value)
    return Utm(**found)
