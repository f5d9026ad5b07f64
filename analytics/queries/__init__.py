"""The named questions to ClickHouse, one .sql file each. A door between packages: standard library only.

Every query but the operator's binds `workspace_id` on the server; values are never put into the text. Give
times as aware datetimes or as UTC text (`2026-03-01 00:00:00`); a `DateTime` is bound with its zone, UTC.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

DIMENSIONS: Final = (
    "country",
    "city",
    "device",
    "os",
    "browser",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "language",
    "reason",
    "in_app",
    "placement",
    "rule",
    "variant",
)
"""What scans are counted by, a day at a time: `scans_daily.dimension`."""

_PARAMETER = re.compile(r"\{(\w+):([^}]+)\}")
OPERATOR_ONLY = "Operator only"


@dataclass(frozen=True, slots=True)
class Query:
    name: str
    sql: str
    """Without the description, ready to be sent with its parameters beside it."""
    description: str
    """One paragraph: what it answers, and how its bounds are meant."""
    parameters: MappingProxyType[str, str]
    """Name → ClickHouse type, in the order they first appear."""

    @property
    def is_operator_only(self) -> bool:
        """True where it reads every workspace and must never be behind a page."""
        return self.description.startswith(OPERATOR_ONLY)


@cache
def get(name: str) -> Query:
    """Raises KeyError for a name that is not in `names()`."""
    if name not in names():
        raise KeyError(f"There is no query {name!r}.")
    text = files("analytics.queries").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    lines = text.splitlines()
    body = next(at for at, line in enumerate(lines) if not line.startswith("--"))
    description = " ".join(line.removeprefix("--").strip() for line in lines[:body])
    sql = "\n".join(lines[body:]).strip()
    return Query(name, sql, description, MappingProxyType(dict(_PARAMETER.findall(sql))))


@cache
def names() -> tuple[str, ...]:
    """All of them, sorted."""
    found = (entry.name for entry in files("analytics.queries").iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in found if name.endswith(".sql")))
