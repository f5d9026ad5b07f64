"""Many passes of a program at once, by their numbers: sent, held, released, cancelled, restored.

    numbers ─ look: what would become of each, nothing is done ─► the same, done: all of it or nothing

A roll of tickets was stolen, a mail server was set up late: one page and one request instead of a thousand.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import delivery, issuing, occupancy, values
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Pass, PassState
from control_plane.passes.numbers import MOST_NUMBERS


class Action(StrEnum):
    """What is done to each."""

    SEND = "send"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    RESTORE = "restore"


class Left(StrEnum):
    """Why a pass is left out."""

    UNKNOWN = "unknown"
    """There is none with this number."""
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    SAME = "same"
    """It is so already, or on its way already; where it is to be restored, it was not cancelled."""
    SENT = "sent"
    """Its holder got a mail before."""
    NO_ADDRESS = "no_address"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Numbers of passes, in order. inside: how many of `done` are inside now."""

    action: Action
    done: list[int]
    left: dict[Left, list[int]]
    inside: int


_TO: Final = {
    Action.HOLD: PassState.HELD,
    Action.RELEASE: PassState.ACTIVE,
    Action.CANCEL: PassState.REVOKED,
    Action.RESTORE: PassState.ACTIVE,
}
_FROM: Final = {
    Action.HOLD: (PassState.ACTIVE,),
    Action.RELEASE: (PassState.HELD,),
    Action.CANCEL: (PassState.ACTIVE, PassState.HELD),
    Action.RESTORE: (PassState.REVOKED,),
}
"""Who releases what is on hold does not bring back what was stolen."""
_UNSENT: Final = {"waiting": None, "already": Left.SAME, "before": Left.SENT, "no_address": Left.NO_ADDRESS}

Groups = dict[Left | None, list[Pass]]
"""Passes by why they are left out; None: they are not."""


def look(
    *, workspace_id: int, program_id: int, numbers: Sequence[int], action: str, again: bool = False
) -> Outcome:
    """What `change` would do now. Raises Invalid(numbers, action, email)."""
    which = _check(numbers, action)
    with workspace_scope(workspace_id):
        rows = list(_rows(program_id, numbers))
        if which == Action.SEND:
            delivery.check_on()
            groups = _unsent(delivery.sort(rows, workspace_id=workspace_id, again=again))
        else:
            groups = _unlike(which, rows)
    return _outcome(which, numbers, groups)


def change(
    *,
    workspace_id: int,
    program_id: int,
    numbers: Sequence[int],
    action: str,
    again: bool = False,
    note: str = "",
    by: User | None = None,
) -> Outcome:
    """Do it to each that it can be done to, in one transaction. Twice is harmless, but for `again`.

    `again`: also to those whose holder got a mail before. `note` goes into each one's history, unless it is
    sent. Raises Invalid(numbers, action, note, email).
    """
    which, note = _check(numbers, action), values.text("note", note)
    with workspace_scope(workspace_id):
        if which == Action.SEND:
            rows = list(_rows(program_id, numbers))
            queued = delivery.queue_rows(rows, workspace_id=workspace_id, again=again, by=by)
            return _outcome(which, numbers, _unsent(queued))
        # Gates lock many passes in one transaction, too, in an order of their own.
        occupancy.lock_program(program_id)
        groups = _unlike(which, _rows(program_id, numbers).select_for_update(no_key=True))
        issuing.change_states(groups[None], to=_TO[which], note=note, by=by)
    return _outcome(which, numbers, groups)


def _check(numbers: Sequence[int], action: str) -> Action:
    if action not in tuple(Action):
        raise Invalid("action", f"Choose one of: {', '.join(Action)}.")
    if not 1 <= len(numbers) <= MOST_NUMBERS:
        raise Invalid("numbers", f"Name 1 to {MOST_NUMBERS:,} passes.")
    return Action(action)


def _rows(program_id: int, numbers: Iterable[int]) -> Any:
    return Pass.objects.filter(program_id=program_id, number__in=numbers).order_by("number")


def _unlike(action: Action, rows: Iterable[Pass]) -> Groups:
    groups: Groups = defaultdict(list)
    for row in rows:
        if row.state == PassState.REPLACED:
            groups[Left.REPLACED].append(row)
        elif row.state in _FROM[action]:
            groups[None].append(row)
        elif row.state == PassState.REVOKED and action != Action.CANCEL:
            groups[Left.CANCELLED].append(row)
        else:
            groups[Left.SAME].append(row)
    return groups


def _unsent(found: dict[str, list[Pass]]) -> Groups:
    groups: Groups = defaultdict(list)
    for what, rows in found.items():
        for row in rows:
            refused = Left.REPLACED if row.state == PassState.REPLACED else Left.CANCELLED
            groups[refused if what == "refused" else _UNSENT[what]].append(row)
    return groups


def _outcome(action: Action, numbers: Sequence[int], groups: Groups) -> Outcome:
    """Raises Invalid(numbers) where there is none of them."""
    if not any(groups.values()):
        raise Invalid("numbers", "There is no pass with any of these numbers in this program.")
    known = {row.number for rows in groups.values() for row in rows}
    left = {why: sorted(row.number for row in rows) for why, rows in groups.items() if why is not None}
    unknown = sorted(set(numbers) - known)
    done = groups.get(None, [])
    return Outcome(
        action,
        sorted(row.number for row in done),
        left | ({Left.UNKNOWN: unknown} if unknown else {}),
        sum(row.inside_zone_id is not None for row in done),
    )
