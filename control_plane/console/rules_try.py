"""What a made-up scan and a day of real ones meet by a draft of rules, ready to be rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.models import Link


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
_TEXTS: Final = ("country", "region", "city", "language", "placement", "query", "referrer", "ip")


def read_facts(given: Mapping[str, str]) -> dict[str, Any]:
    """The facts of one scan, from the form; what is left empty is not known. Raises InvalidLink(facts.…)."""
    facts: dict[str, Any] = {name: given.get(name, "").strip()[:2000] for name in _TEXTS}
    facts["user_agent"] = _AGENTS.get(given.get("preset", ""), given.get("user_agent", "").strip()[:2000])
    at = given.get("at", "")
    facts["at"] = _moment(at) if at else timezone.now()
    number = given.get("scan_number", "").strip()
    if number and not (number.isascii() and number.isdigit() and 0 < len(number) < 16):
        raise InvalidLink("facts.scan_number", "The scan number is a whole number, from 1.")
    facts["scan_number"] = int(number) if number else None
    facts["is_new"] = {"yes": True, "no": False}.get(given.get("is_new", ""))
    return facts


def _moment(text: str) -> datetime:
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise InvalidLink("facts.at", "Give a date and a time, such as 2030-01-31 18:00.")
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def read_day(text: str) -> date:
    """A day in the past, UTC; yesterday where none is given. Raises InvalidLink(day)."""
    if not text:
        return yesterday()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidLink("day", "Give a day, such as 2030-01-31.") from None
    return day


def yesterday() -> date:
    """In UTC, as scans are stored."""
    return datetime.now(UTC).date() - timedelta(days=1)


def simulate(link: Link, rules: list[Any], facts: dict[str, Any]) -> Any:
    from control_plane.campaigns.simulate import simulate as ask

    return ask(workspace_id=link.workspace_id, link_id=link.pk, rules=rules, facts=facts)


def shadow(link: Link, rules: list[Any], day: date) -> Any:
    from control_plane.campaigns.shadow import shadow_run

    return shadow_run(workspace_id=link.workspace_id, link_id=link.pk, rules=rules, day=day)
