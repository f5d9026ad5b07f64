"""Cards that show scans by country, device, referrer and so on. Pure: numbers in, rows to render out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from control_plane.console import names

ROWS: Final = 9


class Counted(Protocol):
    """A row of a breakdown as campaigns.stats gives it."""

    @property
    def value(self) -> str: ...
    @property
    def humans(self) -> int: ...
    @property
    def bots(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """width: length of the bar, percent of the longest. share: of all scans by people."""

    label: str
    humans: int
    bots: int
    width: float
    share: str
    country: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Panel:
    """One dimension. flags: a flag stands in front of each row."""

    dimension: str
    tab: str
    title: str
    empty: str
    rows: list[Row]
    flags: bool


@dataclass(frozen=True)
class Card:
    """Panels that share a card, one visible at a time."""

    key: str
    title: str
    panels: list[Panel]


# Card → (dimension, tab, column title, what to say when it is empty).
_NOTHING = "No scans by people in this period."
_UTM = "No scan brought a UTM value. Add ?utm_campaign=… to a short link where you share it online."
_PLACEMENT = "No scan named a placement. Print one into the code, below the QR code on this page."
_RULE = "No rule decided a scan in this period."
_VARIANT = "No scan was split in this period."
LAYOUT: Final = {
    "places": (
        "Places",
        [
            ("country", "Countries", "Country", _NOTHING),
            ("city", "Cities", "City", _NOTHING),
            ("language", "Languages", "Language", _NOTHING),
        ],
    ),
    "devices": (
        "Devices",
        [
            ("device", "Devices", "Device", _NOTHING),
            ("os", "Systems", "Operating system", _NOTHING),
            ("browser", "Browsers", "Browser", _NOTHING),
        ],
    ),
    "sources": (
        "Sources",
        [
            ("referrer", "Referrers", "Where the visitor came from", _NOTHING),
            ("in_app", "Apps", "Opened inside this app", _NOTHING),
        ],
    ),
    "print": (
        "Placements and rules",
        [
            ("placement", "Placements", "Where the code hangs", _PLACEMENT),
            ("rule", "Rules", "Which rule decided, by its number then", _RULE),
            ("variant", "Variants", "Variant, by its rule’s number then", _VARIANT),
        ],
    ),
    "utm": (
        "UTM",
        [
            ("utm_campaign", "UTM campaign", "utm_campaign", _UTM),
            ("utm_source", "Source", "utm_source", _UTM),
            ("utm_medium", "Medium", "utm_medium", _UTM),
        ],
    ),
}
DIMENSIONS: Final = tuple(row[0] for _, panels in LAYOUT.values() for row in panels)

# Of these, most scans have none, and "" would only say so.
_SILENT: Final = ("in_app", "placement", "variant")

_ICONS: Final = {
    "phone": "smartphone",
    "tablet": "tablet",
    "desktop": "monitor",
    "tv": "tv",
    "bot": "bot",
}


def device_icon(device: str) -> str:
    return _ICONS.get(device, "smartphone")


def cards(
    found: Mapping[str, Iterable[Counted]], labels: Mapping[str, Mapping[str, str]] | None = None
) -> list[Card]:
    """All cards of a link's page, from rows per dimension. labels: what this link calls some values."""
    own = labels or {}
    return [
        Card(
            key,
            title,
            [panel(*about, rows=found.get(about[0], ()), labels=own.get(about[0], {})) for about in panels],
        )
        for key, (title, panels) in LAYOUT.items()
    ]


def panel(
    dimension: str,
    tab: str,
    title: str,
    empty: str,
    *,
    rows: Iterable[Counted],
    labels: Mapping[str, str] | None = None,
) -> Panel:
    """People only decide order, bars and shares; "" is left out where it says nothing (UTM, in-app)."""
    counted = [row for row in rows if row.humans]
    total = sum(row.humans for row in counted)
    if dimension.startswith("utm_") or dimension in _SILENT:
        counted = [row for row in counted if row.value]
    counted.sort(key=lambda row: -row.humans)
    most = counted[0].humans if counted else 1
    shown = [
        Row(
            label=(labels or {}).get(row.value) or names.label(dimension, row.value),
            humans=row.humans,
            bots=row.bots,
            width=round(100 * row.humans / most, 1),
            share=share(row.humans, total),
            country=_country(dimension, row.value),
            icon=device_icon(row.value) if dimension == "device" else "",
        )
        for row in counted[:ROWS]
    ]
    return Panel(dimension, tab, title, empty, shown, dimension in ("country", "city"))


def share(part: int, whole: int) -> str:
    """ "12 %"; a small part is never shown as nothing."""
    if not whole:
        return ""
    percent = 100 * part / whole
    return "<1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def _country(dimension: str, value: str) -> str:
    """The country of a row: of "Berlin, DE" it is DE."""
    if dimension == "city":
        return value.rpartition(", ")[2] if ", " in value else ""
    return value if dimension == "country" else ""
