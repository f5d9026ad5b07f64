"""The address a redirect leads to: placeholders filled, UTM values and the scan's own query added.

Whatever comes from the request is percent-encoded here, so that no character of it can end a header, change
the host, or begin a fragment.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_plus

from edge.facts import Facts
from edge.rules import PLACEHOLDERS

MAX_PASSED: Final = 2048
"""Characters of a query that are passed on."""

_placeholder = re.compile("{(" + "|".join(PLACEHOLDERS) + ")}")
_safe = re.compile(r"[A-Za-z0-9\-._~!$'()*+,;:@/?=%]*")


def destination(
    to: str, facts: Facts, *, pass_query: bool = False, utm: Mapping[str, str] | None = None
) -> str:
    """`to` for this scan. Pure; ASCII without spaces or control characters where `to` is."""
    if "{" in to:
        to = _placeholder.sub(lambda found: quote(_value(found[1], facts), safe=""), to)
    added = []
    if utm or (pass_query and facts.query_string):
        there = _names(to)
        if pass_query:
            for part in facts.query_string[:MAX_PASSED].split("&"):
                name = unquote_plus(part.partition("=")[0])
                # p says where the code hangs; it was for us.
                if part and name != "p" and name not in there:
                    added.append(part if _safe.fullmatch(part) else quote(part, safe="=%+"))
            there |= {unquote_plus(part.partition("=")[0]) for part in added}
        for name, value in (utm or {}).items():
            if f"utm_{name}" not in there:
                text = _placeholder.sub(lambda found: _value(found[1], facts), value)
                added.append(f"utm_{name}={quote(text, safe='')}")
    if not added:
        return to
    base, mark, fragment = to.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{'&'.join(added)}{mark}{fragment}"


def _value(name: str, facts: Facts) -> str:
    if name == "lang":
        return facts.languages[0][0].partition("-")[0] if facts.languages else ""
    value: str = getattr(facts, name)
    return value


def _names(url: str) -> set[str]:
    query = url.partition("#")[0].partition("?")[2]
    return {unquote_plus(part.partition("=")[0]) for part in query.split("&") if part}
