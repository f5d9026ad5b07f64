"""What a made-up scan and a day of real ones meet by a draft of rules, ready to be rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.models import Link
from control_plane.campaigns.shadow import Pair, ShadowRun, shadow_run
from control_plane.campaigns.simulate import Simulation, Step, simulate
from control_plane.console.breakdowns import share

MOVES: Final = 12
"""Pairs of destinations that are listed."""


@dataclass(frozen=True)
class Preset:
    """A device to scan with, by its agent string."""

    key: str
    label: str
    user_agent: str


_IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
)
_ANDROID: Final = "Mozilla/5.0 (Linux; Android 10; K)"
_CHROME: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0"
_SAFARI: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
PRESETS: Final = (
    Preset("iphone", "an iPhone", f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1"),
    Preset(
        "android", "an Android phone", f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Mobile Safari/537.36"
    ),
    Preset(
        "ipad",
        "an iPad",
        f"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    ),
    Preset("windows", "a PC", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36"),
    Preset("mac", "a Mac", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15"),
    Preset("instagram", "Instagram on an iPhone", f"{_IPHONE} Mobile/15E148 Instagram 384.0.0.21.86"),
    Preset("bot", "a link preview bot", "Twitterbot/1.0"),
)
_AGENTS: Final = {preset.key: preset.user_agent for preset in PRESETS}
_TEXTS: Final = ("country", "region", "city", "language", "placement", "query", "referrer", "ip", "at")
_YES_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True)
class Attempt:
    """How the made-up scan ends. rule: the card that decided, "0" for the last one, "" where none did.

    refused: the link's state, limit or password decided before any rule.
    """

    title: str
    location: str
    note: str
    rule: str
    refused: bool
    steps: tuple[Step, ...]


def read_scan(given: Mapping[str, str]) -> dict[str, Any]:
    """The scan that the form describes, for `simulate`; what is left empty is not known.

    Raises InvalidLink(scan.…).
    """
    scan: dict[str, Any] = {name: given.get(name, "").strip() for name in _TEXTS}
    scan["user_agent"] = _AGENTS.get(given.get("preset", ""), given.get("user_agent", "").strip())
    for name, label in (("scan_number", "scan number"), ("bucket", "place in a split")):
        text = given.get(name, "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 16):
            raise InvalidLink(f"scan.{name}", f"Write the {label} as a whole number.")
        scan[name] = int(text) if text else None
    scan["is_new"] = _YES_NO.get(given.get("is_new", ""))
    scan["unlocked"] = given.get("unlocked") == "yes"
    return scan


def attempt(link: Link, rules: list[Any], scan: dict[str, Any]) -> Attempt:
    """Raises InvalidLink, NotFound."""
    found = simulate(workspace_id=link.workspace_id, link_id=link.pk, rules=rules, facts=scan)
    refused = found.reason in _REFUSED or (found.reason == "password" and not found.rule)
    return Attempt(
        title=_title(found, refused),
        location=found.location or "",
        note=_note(found),
        rule="" if refused else str(found.rule),
        refused=refused,
        steps=found.steps,
    )


_REFUSED: Final = {
    "paused": "The link is paused",
    "blocked": "The link is blocked",
    "deleted": "The link is deleted",
    "expired": "The link has expired",
    "not_started": "The link has not started yet",
    "used_up": "The link is used up",
    "password": "The link’s password is asked for first",
}
_PAGES: Final = {
    "password": "asks for the password",
    "notice": "shows your message",
    "gone": "says that it is over (410)",
}


def _title(found: Simulation, refused: bool) -> str:
    if refused:
        return _REFUSED[found.reason]
    if not found.rule:
        return "No rule matched"
    return f"Rule {found.rule} {_PAGES.get(found.reason, 'decides')}"


def _note(found: Simulation) -> str:
    if found.action == "split":
        return f"Variant {found.variant} of the split, status {found.status}."
    # Any other address is followed as it is: on a computer, or where the system itself hands it to the app.
    if found.action == "app" and (found.location is None or found.location.startswith("intent:")):
        return "Opens the app where it is installed, else its store."
    return f"Status {found.status}." if found.location else ""


def read_day(text: str) -> date:
    """A day of UTC; yesterday where none is given. Raises InvalidLink(day)."""
    if not text:
        return today() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidLink("day", "Give a day, such as 2030-01-31.") from None


def today() -> date:
    """In UTC, as scans are stored."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Comparison:
    """A day's scans by the draft. moves: pairs that differ, the most frequent first; more: how many are left
    out. share: of the scans that go elsewhere, "12 %"."""

    run: ShadowRun
    moves: list[Pair]
    more: int
    share: str


def compare(link: Link, rules: list[Any], day: date) -> Comparison:
    """Raises InvalidLink, NotFound, StatsUnavailable."""
    run = shadow_run(workspace_id=link.workspace_id, link_id=link.pk, rules=rules, day=day)
    moves = [pair for pair in run.by_destination if pair.now != pair.draft]
    return Comparison(run, moves[:MOVES], max(0, len(moves) - MOVES), share(run.moved, run.scans))
