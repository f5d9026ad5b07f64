"""Everything that happened to one pass: what was done to it, and every scan at a gate."""

from dataclasses import dataclass
from datetime import datetime

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes.errors import NotFound
from control_plane.passes.models import Attempt, Change, Pass
from control_plane.passes.reason import Reason

MOST_SCANS = 1_000


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a pass's history."""

    at: datetime
    what: str
    """issued, sent, held, released, revoked, restored, extended, transferred, replaced or timed_out;
    admitted, left or refused."""
    reason: str
    """Of a scan; what a supervisor passed over, where one did."""
    note: str
    gate: str | None
    device: str | None
    by: str | None
    undone: bool


def history(*, workspace_id: int, pass_id: int) -> list[Happened]:
    """Oldest first; of the scans the last 1,000. Raises NotFound."""
    with workspace_scope(workspace_id):
        if not Pass.objects.filter(id=pass_id).exists():
            raise NotFound("There is no such pass in this workspace.")
        changes = Change.objects.filter(of_id=pass_id).select_related("by").order_by("id")
        scans = Attempt.objects.filter(of_id=pass_id).select_related("gate", "device").order_by("-id")
        lines = [_change(one) for one in changes] + [_scan(one) for one in scans[:MOST_SCANS]]
    return sorted(lines, key=lambda line: line.at)


def _change(change: Change) -> Happened:
    by = change.by.get_full_name() if change.by else None
    return Happened(change.at, change.what, "", change.note, None, None, by, False)


def _scan(scan: Attempt) -> Happened:
    what = "refused"
    if scan.reason == Reason.OK:
        what = "admitted" if scan.direction == "in" else "left"
    return Happened(
        scan.at,
        what,
        scan.refused_as if scan.reason == Reason.OK else scan.reason,
        scan.note,
        scan.gate.name if scan.gate else None,
        scan.device.name,
        None,
        scan.undone_at is not None,
    )
