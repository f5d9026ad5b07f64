"""Passes that were admitted twice, or in spite of a rule: by a device that was offline and could not know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes.errors import NotFound
from control_plane.passes.journal import unknown_to_it
from control_plane.passes.models import Attempt, Direction, Program
from control_plane.passes.reason import Reason


@dataclass(frozen=True, slots=True)
class Conflict:
    """A scan that was a mistake, and the one that it did not know of, where it was about that."""

    scan: Attempt
    unknown: str
    """What the device did not know, in a sentence."""
    other: Attempt | None


def rows(*, workspace_id: int, program_id: int) -> Any:
    """A query of such scans, to be read in the workspace's scope. Raises NotFound."""
    with workspace_scope(workspace_id):
        if not Program.objects.filter(id=program_id).exists():
            raise NotFound("There is no such program in this workspace.")
        found = Attempt.objects.filter(program_id=program_id, conflict=True)
        return found.select_related("of", "gate", "device")


def explained(scans: Sequence[Attempt]) -> list[Conflict]:
    """In the workspace's scope."""
    return [Conflict(scan, unknown_to_it(scan), _other(scan)) for scan in scans]


def count(*, workspace_id: int, program_id: int) -> int:
    with workspace_scope(workspace_id):
        return Attempt.objects.filter(program_id=program_id, conflict=True).count()


def _other(scan: Attempt) -> Attempt | None:
    """What had admitted the pass before the server heard of this scan, whichever was first at a gate."""
    if scan.of_id is None or Reason.ALREADY_USED not in (scan.reason, scan.refused_as):
        return None
    admitted = Attempt.objects.filter(
        of_id=scan.of_id, reason=Reason.OK, direction=Direction.IN, undone_at=None, id__lt=scan.pk
    )
    return admitted.select_related("gate", "device").order_by("-id").first()  # type: ignore[no-any-return]
