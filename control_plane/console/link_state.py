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
    """In the edge's own order: blocked, paused, expired, not started, used up, active."""
    now = timezone.now()
    see = "are led to its fallback address" if link.fallback else "see a page that says so"
    if link.state == LinkState.BLOCKED:
        return ShownState(
            "blocked",
            "Blocked",
            "The abuse desk blocked this link; it cannot be changed. Visitors see a page that says so.",
        )
    if link.state == LinkState.PAUSED:
        who = "is led to its fallback address" if link.fallback else "sees a friendly page"
        return ShownState(
            "paused",
            "Paused",
            f"This link is paused. Whoever scans it {who}, and is counted. Resume it any time.",
        )
    if link.expires_at and link.expires_at <= now:
        return ShownState(
            "warn",
            "Expired",
            f"This link expired on {_day(link.expires_at)}. Visitors {see}. "
            "Give it a later end to revive it.",
        )
    if link.starts_at and link.starts_at > now:
        return ShownState(
            "not_started",
            "Scheduled",
            f"This link starts on {_day(link.starts_at)}. Until then visitors {see}.",
        )
    if link.max_scans and link.scans_used >= link.max_scans:
        return ShownState(
            "warn",
            "Used up",
            f"All {link.max_scans:,} scans of this link are used. Visitors {see}. "
            "Raise the limit or reset the count to go on.",
        )
    return ShownState("active", "Active")


def _day(at: object) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i")  # type: ignore[arg-type]
