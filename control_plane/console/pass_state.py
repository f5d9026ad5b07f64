"""The state of a pass in words, and everything that happened to it, in time order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from control_plane.passes.models import Attempt, Change, Direction, Pass, PassState, Program, Reentry, Zone
from control_plane.passes.reason import SENTENCES, Reason

MOST_SCANS: Final = 200

_STATES: Final = {
    PassState.HELD: ("warn", "On hold", "Gates refuse it until it is released; a supervisor may admit it."),
    PassState.REVOKED: ("danger", "Cancelled", "Gates refuse it."),
    PassState.REPLACED: ("plain", "Replaced", "Another pass took its place; gates refuse this one."),
}
_CHANGES: Final = {
    "issued": ("plus", "Issued"),
    "held": ("hand", "Put on hold"),
    "released": ("play", "Released"),
    "revoked": ("ban", "Cancelled"),
    "restored": ("rotate-ccw", "Restored"),
    "extended": ("calendar-clock", "Validity changed"),
    "transferred": ("user", "Holder changed"),
    "replaced": ("replace", "Replaced by another pass"),
    "sent": ("mail", "Sent by mail"),
    "timed_out": ("clock", "Left by time"),
}


@dataclass(frozen=True, slots=True)
class ShownState:
    """A badge and one sentence."""

    key: str
    label: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a pass's history. tone: good, bad or nothing; where: gate and device, or who did it."""

    at: datetime
    icon: str
    title: str
    tone: str
    where: str
    note: str


def shown_state(row: Pass, program: Program, now: datetime | None = None) -> ShownState:
    """What a gate would say of it, as far as it can be known without one."""
    now = now or timezone.now()
    if row.state != PassState.ACTIVE:
        return ShownState(*_STATES[PassState(row.state)])
    if row.valid_from is not None and row.valid_from > now:
        return ShownState("not_started", "Not valid yet")
    if program.state == "ended" or (row.valid_until is not None and row.valid_until <= now):
        return ShownState("danger", "Expired")
    most = row.max_uses or program.max_uses or (1 if program.reentry == Reentry.NONE else None)
    if most is not None and row.uses >= most:
        return ShownState("plain", "Used", "It has no entry left.")
    return ShownState("active", "Valid")


def entries(row: Pass, program: Program) -> int | None:
    """How many entries it has in all; None without a limit."""
    return row.max_uses or program.max_uses or (1 if program.reentry == Reentry.NONE else None)


def whereabouts(row: Pass) -> list[Zone]:
    """The zones it is in, outermost first."""
    if row.inside_zone is None:
        return []
    by_id = {zone.pk: zone for zone in Zone.objects.filter(id__in=row.inside_zone.path)}
    return [by_id[zone_id] for zone_id in row.inside_zone.path]


def history(row: Pass) -> tuple[list[Event], int]:
    """Newest first, and how many scans are left out because there are too many."""
    changes = Change.objects.filter(of=row).select_related("by")
    scans = Attempt.objects.filter(of=row).select_related("gate", "device")
    shown = list(scans.order_by("-at", "-id")[:MOST_SCANS])
    events = [_of_change(change) for change in changes] + [_of_scan(scan) for scan in shown]
    left_out = scans.count() - len(shown) if len(shown) == MOST_SCANS else 0
    return sorted(events, key=lambda event: event.at, reverse=True), left_out


def _of_change(change: Change) -> Event:
    icon, title = _CHANGES.get(change.what, ("info", change.what.capitalize()))
    return Event(change.at, icon, title, "", f"by {change.by.email}" if change.by else "", change.note)


def _of_scan(scan: Attempt) -> Event:
    gate = scan.gate.name if scan.gate else "a gate that was removed"
    where = f"{gate}, {scan.device.name}{' (offline)' if scan.offline else ''}"
    if scan.reason != Reason.OK:
        return Event(scan.at, "ban", f"Refused: {SENTENCES[Reason(scan.reason)]}", "bad", where, scan.note)
    going_in = scan.direction == Direction.IN
    title = "Admitted" if going_in else "Left"
    if scan.refused_as:
        said = SENTENCES[Reason(scan.refused_as)].partition(".")[0]
        title += f" {'offline' if scan.conflict else 'by a supervisor'}, in spite of: {said}."
    note = scan.note
    if scan.undone_at is not None:
        taken = f"Taken back {timezone.localtime(scan.undone_at):%H:%M} and not counted."
        note = f"{note} {taken}".strip()
    return Event(
        scan.at,
        "log-in" if going_in else "log-out",
        title,
        "" if scan.undone_at is not None else "good",
        where,
        note,
    )
