"""One JSON object of a rule as somebody sent it, and where it stands: what is read from it is checked, and
what is refused names the rule and the field."""

import json
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from control_plane.campaigns.errors import InvalidLink
from edge.rules import MAX_VALUES


class Draft:
    """An object of JSON in rule `number` (from 1), at `path`; `label` says in words what it is."""

    def __init__(self, number: int, path: str, label: str, raw: object) -> None:
        self.number = number
        self.path = path
        self.label = label
        if not isinstance(raw, dict):
            raise self.refuse(f"Write an object in curly brackets; this is {shown(raw)}.")
        self.raw: Mapping[str, Any] = raw

    def refuse(self, sentence: str, field: str = "") -> InvalidLink:
        """To be raised: “Rule 2, country: <sentence>”, at `path.field`."""
        path = f"{self.path}.{field}" if field else self.path
        return InvalidLink(path, f"Rule {self.number}, {self.label}: {sentence}")

    def only(self, fields: Iterable[str]) -> None:
        """Raises InvalidLink where a field is not one of these."""
        known = list(fields)
        for name in self.raw:
            if name not in known:
                raise self.refuse(f"There is no field {shown(name)}. Possible are: {', '.join(known)}.")

    def type(self, kinds: Collection[str]) -> str:
        """What the object is; one of `kinds`."""
        kind = self.raw.get("type")
        if kind is None:
            raise self.refuse(f"Say with “type” what it is: {', '.join(kinds)}.", "type")
        if not isinstance(kind, str) or kind not in kinds:
            raise self.refuse(f"{shown(kind)} is not one of {', '.join(kinds)}.", "type")
        return kind

    def flag(self, field: str, default: bool | None = False) -> bool:
        """default None: has to be there."""
        value = self.raw.get(field, default)
        if not isinstance(value, bool):
            raise self.refuse(f"Write true or false for “{field}”.", field)
        return value

    def whole(self, field: str, low: int, high: int, default: int) -> int:
        value = self.raw.get(field, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            if field in self.raw:
                raise self.refuse(f"“{field}” has to be a whole number from {low:,} to {high:,}.", field)
            return default
        return value

    def text(self, field: str, limit: int, *, lines: bool = False) -> str:
        """Trimmed; '' where left out. With `lines`, line ends are kept."""
        value = self.raw.get(field, "")
        return self.line(value, field, limit, lines=lines).strip()

    def line(self, value: object, field: str, limit: int, *, lines: bool = False) -> str:
        """A text of at most `limit` characters that can be shown and stored."""
        if not isinstance(value, str):
            raise self.refuse(f"“{field}” has to be text; this is {shown(value)}.", field)
        if lines:
            value = value.replace("\r\n", "\n")
        if len(value) > limit:
            raise self.refuse(
                f"“{field}” may have at most {limit:,} characters; this has {len(value):,}.", field
            )
        for char in value:
            if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and not (lines and char == "\n"):
                raise self.refuse(
                    f"“{field}” holds a character that cannot be shown (U+{ord(char):04X}). Type it again.",
                    field,
                )
        return value

    def items(self, field: str = "values", *, needed: bool = True, most: int = MAX_VALUES) -> list[Any]:
        """The list as sent. With `needed`, at least one."""
        values = self.raw.get(field, [])
        if not isinstance(values, list):
            raise self.refuse(f"“{field}” has to be a list; this is {shown(values)}.", field)
        if needed and not values:
            raise self.refuse(f"Give at least one value in “{field}”.", field)
        if len(values) > most:
            raise self.refuse(f"At most {most} values are possible; these are {len(values):,}.", field)
        return values

    def texts(self, clean: Callable[[str], str], *, needed: bool = True) -> tuple[str, ...]:
        """The texts in “values”, each made clean, repeated ones once."""
        found: dict[str, None] = {}
        for value in self.items(needed=needed):
            if not isinstance(value, str):
                raise self.refuse(f"Each value has to be text; {shown(value)} is not.", "values")
            found[clean(value)] = None
        return tuple(found)


def shown(value: object) -> str:
    """A value of JSON in a sentence: short, on one line, in quotes."""
    if isinstance(value, str):
        text = "".join(char if char.isprintable() else "�" for char in value[:60])
    elif isinstance(value, list):
        return "a list"
    elif isinstance(value, dict):
        return "an object"
    else:
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):  # not JSON, or a number of too many digits to write
            text = type(value).__name__
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
