"""What a link is doing right now, in words: its state and its schedule together."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format

from control_plane.campaigns.models import Link, LinkState


@dataclass(frozen=True)
class ShownState:
    """key: the colour of the badge. sentence: what a visitor sees, "" where the link simply works."""

    key: str
    label: str
    sentence: str = ""


def shown_state(link: Link) -> ShownState:
    """In the edge's own order: blocked, paused, expired, not started, active."""
    now = timezone.now()
    if link.state == LinkState.BLOCKED:
        return ShownState(
            "blocked",
            "Blocked",
            "The abuse desk blocked this link; it cannot be changed. Visitors see a page that says so.",
        )
    if link.state == LinkState.PAUSED:
        return ShownState(
            "paused",
            "Paused",
            "This link is paused. Whoever scans it sees a friendly page, and is counted. Resume it any time.",
        )
    if link.expires_at and link.expires_at <= now:
        return ShownState(
            "warn",
            "Expired",
            f"This link expired on {_day(link.expires_at)}. Visitors see a page that says so. "
            "Give it a later end to revive it.",
        )
    if link.starts_at and link.starts_at > now:
        return ShownState(
            "not_started",
            "Scheduled",
            f"This link starts on {_day(link.starts_at)}. Until then visitors see a page that says so.",
        )
    return ShownState("active", "Active")


def _day(at: object) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i")  # type: ignore[arg-type]
