"""What a device decided while it was offline, handed in: written down as it happened, in its order.

Each entry is answered for itself, with what the device could not know. The same journal again changes
nothing: every entry has its nonce, and what was asked online before its reply was lost has the same one.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID, uuid5

from django.db import DatabaseError, DataError, IntegrityError
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import leases, occupancy
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import DeviceRefused, Invalid, NotAllowed, PassesError
from control_plane.passes.models import Attempt, Movement
from control_plane.passes.reason import Reason
from control_plane.passes.redeem import Scan, Verdict, read, redeem_all

MOST: Final = 500
OLDEST: Final = timedelta(hours=48)
SKEW: Final = timedelta(minutes=2)
CHUNK: Final = 50
"""Scans in one transaction: gates that are online wait for no more than these."""
DECIDED: Final = frozenset(reason for reason in Reason if reason not in (Reason.OK, Reason.STALE))
"""Why a device may have refused by itself."""
_SECOND: Final = UUID("6f1d7f0e-5a0d-4c0e-9f3c-0f8a3c1b2a10")

UNKNOWN_TO_IT: Final = {
    Reason.BAD_SIGNATURE: "Its code is not one of ours.",
    Reason.REVOKED: "It had been cancelled, or its key had been.",
    Reason.STALE: "Its code was a picture of an older one.",
    Reason.NOT_YET_VALID: "It was not valid yet.",
    Reason.EXPIRED: "It was no longer valid.",
    Reason.CLOSED: "The gate was closed.",
    Reason.HELD: "It had been put on hold.",
    Reason.ALREADY_USED: "It had been used already.",
    Reason.NOT_INSIDE: "It was not inside.",
    Reason.ISSUER_INACTIVE: "Whoever issued it was switched off.",
    Reason.WRONG_GATE: "It is for another event or area.",
    Reason.FULL: "The zone was full: they are not counted.",
    Reason.UNKNOWN: "There is no such pass.",
}
"""What a device did not know when it admitted somebody."""
REMOVED: Final = "The device had been removed."
log = logging.getLogger("gate")
NOT_POSSIBLE: Final = "This does not fit what is in the books. It was not taken: tell your organiser."
LET_IN_BY_THE_SERVER: Final = "The server had admitted it, and this device refused it: the reply was lost."


@dataclass(frozen=True, slots=True)
class Entry:
    """A scan, or a count by hand where `delta` is not 0."""

    nonce: UUID
    gate_id: int
    at: datetime
    text: str = ""
    way: str = ""
    refused: Reason | None = None
    """The device's own reason; None where it admitted or let out."""
    override: str = ""
    delta: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an entry. state: ok, refused (as the device did), conflict, or not_taken."""

    nonce: UUID
    state: str
    sentence: str
    verdict: Verdict | None = None


def take(
    *,
    device: DeviceHolder,
    entries: Sequence[Entry],
    sent_at: datetime,
    removed_at: datetime | None = None,
    now: datetime | None = None,
) -> list[Taken]:
    """One answer for each entry, in their order. `sent_at` is the device's clock.

    `removed_at`: the device was removed then; what it did until that moment is taken, as a conflict. Raises
    Invalid(now, entries) before anything is taken.
    """
    now = now or timezone.now()
    check_clock(sent_at, now)
    if len(entries) > MOST:
        raise Invalid("entries", f"Send at most {MOST} entries at once, and the others after them.")
    answers: dict[int, Taken] = {}
    good: list[tuple[int, Entry]] = []
    for number, entry in enumerate(entries):
        if problem := _problem(entry, now, removed_at):
            answers[number] = Taken(entry.nonce, "not_taken", problem)
        else:
            good.append((number, entry))
    for is_count, run in groupby(good, key=lambda one: one[1].delta != 0):
        if is_count:
            answers |= {number: _count(device, entry) for number, entry in run}
        else:
            answers |= _scans(device, list(run))
    return [answers[number] for number in range(len(entries))]


def check_clock(theirs: datetime, now: datetime | None = None) -> None:
    """Raises Invalid(now) where a device's clock is too wrong to say when something happened."""
    off = theirs - (now or timezone.now())
    if abs(off) > SKEW:
        minutes = max(2, round(abs(off) / timedelta(minutes=1)))
        way = "fast" if off > timedelta() else "slow"
        raise Invalid(
            "now",
            f"This device's clock is {minutes:,} minutes {way}. Set it to the right time, best by the "
            "network. What it kept is not lost: it is sent then.",
        )


def _problem(entry: Entry, now: datetime, removed_at: datetime | None) -> str:
    if entry.at > now + SKEW:
        return "This is of a time that has not come yet. It was not taken: tell your organiser."
    if entry.at < now - OLDEST:
        return "This is older than 48 hours. It was not taken: tell your organiser."
    if removed_at is not None and entry.at > removed_at:
        return "This device had been removed when it scanned this. It was not taken."
    return ""


def _scans(device: DeviceHolder, run: Sequence[tuple[int, Entry]]) -> dict[int, Taken]:
    answers: dict[int, Taken] = {}
    scans: list[tuple[int, Entry, Scan]] = []
    for number, entry in run:
        try:
            scans.append((number, entry, _read(device, entry, number)))
        except Invalid as error:
            answers[number] = Taken(entry.nonce, "not_taken", error.message)
    for start in range(0, len(scans), CHUNK):
        part = scans[start : start + CHUNK]
        try:
            answers |= _together(device, part)
        except (PassesError, DatabaseError):
            # One of them cannot be taken: none is, and each is tried for itself.
            for one in part:
                answers |= _alone(device, one)
    return answers


def _read(device: DeviceHolder, entry: Entry, number: int, *, nonce: UUID | None = None) -> Scan:
    scan = read(
        device=device, gate_id=entry.gate_id, text=entry.text, nonce=nonce or entry.nonce, way=entry.way,
        override=entry.override, now=entry.at, offline=True, refused=entry.refused,
    )  # fmt: skip
    # In the order of the journal, not of the passes: who left made room for the next.
    return replace(scan, place=(device.program_id, number.to_bytes(4, "big")))


def _alone(device: DeviceHolder, one: tuple[int, Entry, Scan]) -> dict[int, Taken]:
    number, entry, _ = one
    try:
        return _together(device, [one])
    except DeviceRefused:
        sentence = "This device may no longer be used at that gate. It was not taken: tell your organiser."
    except NotAllowed as error:
        sentence = error.message
    except (IntegrityError, DataError):
        log.exception(
            "Workspace %d: a scan of device %d was not taken.", device.workspace_id, device.device_id
        )
        sentence = NOT_POSSIBLE
    return {number: Taken(entry.nonce, "not_taken", sentence)}


def _together(device: DeviceHolder, part: Sequence[tuple[int, Entry, Scan]]) -> dict[int, Taken]:
    """In one transaction, with the places of those who left. Raises PassesError, DatabaseError."""
    with workspace_scope(device.workspace_id):
        # Those that the server knows already, before the program: see occupancy.undo.
        known = Attempt.objects.select_for_update(no_key=True).order_by("id")
        list(known.filter(device_id=device.device_id, nonce__in=[one.nonce for _, one, _ in part]))
        occupancy.lock_program(device.program_id)
        verdicts = redeem_all([scan for _, _, scan in part])
        rows = Attempt.objects.in_bulk([verdict.attempt_id for verdict in verdicts])
        final: dict[int, tuple[Entry, Verdict, Attempt]] = {}
        again: list[tuple[int, Entry]] = []
        for (number, entry, _), verdict in zip(part, verdicts, strict=True):
            row = rows[verdict.attempt_id]
            # The server had answered this scan before the device gave up waiting, and decided by itself.
            if not row.offline and not verdict.admitted and entry.refused is None:
                again.append((number, entry))
            final[number] = (entry, verdict, row)
        if again:
            seconds = [
                _read(device, entry, number, nonce=uuid5(_SECOND, str(entry.nonce)))
                for number, entry in again
            ]
            for (number, entry), verdict in zip(again, redeem_all(seconds), strict=True):
                final[number] = (entry, verdict, Attempt.objects.get(id=verdict.attempt_id))
        for entry, verdict, row in final.values():
            if not row.conflict and verdict.admitted != (entry.refused is None):
                row.conflict, row.exported_at = True, None
                row.save(update_fields=["conflict", "exported_at"])
        leases.give(device=device, freed=_freed(v for _, v, _ in final.values()))
    return {number: _taken(*found) for number, found in final.items()}


def _freed(verdicts: Iterable[Verdict]) -> Counter[int]:
    """Zone → how many left it just now."""
    left = [
        one.attempt_id for one in verdicts if one.admitted and one.direction == "out" and not one.replayed
    ]
    if not left:
        return Counter()
    return Counter(Movement.objects.filter(attempt_id__in=left, delta=-1).values_list("zone_id", flat=True))


def _taken(entry: Entry, verdict: Verdict, row: Attempt) -> Taken:
    if not row.conflict:
        return Taken(entry.nonce, "ok" if verdict.admitted else "refused", verdict.sentence, verdict)
    return Taken(entry.nonce, "conflict", unknown_to_it(row), verdict)


def unknown_to_it(row: Attempt) -> str:
    """What the device did not know, of a conflict."""
    if not row.offline:
        return LET_IN_BY_THE_SERVER
    what = row.refused_as or (row.reason if row.reason != Reason.OK else "")
    return UNKNOWN_TO_IT[Reason(what)] if what else REMOVED


def _count(device: DeviceHolder, entry: Entry) -> Taken:
    try:
        occupancy.count_by_hand(
            device=device, gate_id=entry.gate_id, delta=entry.delta, nonce=entry.nonce, at=entry.at
        )
    except PassesError as error:
        return Taken(entry.nonce, "not_taken", f"Not counted. {error.message}")
    except (IntegrityError, DataError):
        log.exception(
            "Workspace %d: a count of device %d was not taken.", device.workspace_id, device.device_id
        )
        return Taken(entry.nonce, "not_taken", NOT_POSSIBLE)
    return Taken(entry.nonce, "ok", "Counted.")
