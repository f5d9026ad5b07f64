"""What a device at a gate needs to go on without the network, and hands in when it is back."""

import base64
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ValidationError

from control_plane.api import gate, problem
from control_plane.api.gate import DEVICE, DeviceKey
from control_plane.api.gate_offline_schemas import (
    EntryIn,
    JournalIn,
    JournalOut,
    LeasesIn,
    LeasesOut,
    SnapshotOut,
    SnapshotQuery,
    TakenOut,
)
from control_plane.passes import journal, leases, snapshot
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.journal import Entry, Taken
from control_plane.passes.reason import Reason

router = Router(tags=["Gates"])


JOURNAL = DeviceKey(also_removed=True)


@router.get(
    "/snapshot", auth=DEVICE, response=SnapshotOut, operation_id="get_snapshot", summary="Get the rules"
)
def get_snapshot(request: HttpRequest, where: Query[SnapshotQuery]) -> SnapshotOut:
    """All that a device needs to decide by itself for a day, signed, without anything about persons."""
    signed = snapshot.snapshot(device=_holder(request), since=where.since)
    return SnapshotOut(
        body=signed.body, key=signed.key, signature=base64.b64encode(signed.signature).decode()
    )


@router.post(
    "/leases", auth=DEVICE, response=LeasesOut, operation_id="renew_leases", summary="Renew lent places"
)
def renew_leases(request: HttpRequest, leasing: LeasesIn) -> LeasesOut:
    """Places that this device may fill while it is offline. Send what it still holds, and the version of the
    last answer; where the answer lowers that, send it again at once."""
    holder = _holder(request)
    held = {
        int(name): places
        for name, places in leasing.held.items()
        if name.isascii() and name.isdigit() and len(name) < 19
    }
    found = leases.renew(device=holder, held=held, version=leasing.version)
    return LeasesOut(
        version=found.version,
        until=found.until,
        places={str(zone_id): places for zone_id, places in found.places.items()},
        zones=gate.zones(holder),
    )


@router.post(
    "/journal",
    auth=JOURNAL,
    response=JournalOut,
    operation_id="hand_in_journal",
    summary="Hand in what was done offline",
)
def hand_in_journal(request: HttpRequest, handed: JournalIn) -> JournalOut:
    """Taken as it happened, in its order, up to 500 at once. What the device could not know is a conflict.
    The same again changes nothing. A device that was removed may hand in what it did before that."""
    holder = _holder(request)
    entries: list[Entry | TakenOut] = [_entry(raw) for raw in handed.entries]
    taken = iter(
        journal.take(
            device=holder,
            entries=[entry for entry in entries if isinstance(entry, Entry)],
            sent_at=handed.now,
            removed_at=request.removed_at,  # type: ignore[attr-defined]
        )
    )
    data = [_taken(next(taken)) if isinstance(entry, Entry) else entry for entry in entries]
    places = leases.of(device=holder)
    return JournalOut(
        data=data,
        places={str(zone_id): count for zone_id, count in places.items()},
        zones=gate.zones(holder),
    )


def _holder(request: HttpRequest) -> DeviceHolder:
    holder: DeviceHolder = request.auth  # type: ignore[attr-defined]
    return holder


def _entry(raw: dict[str, Any]) -> Entry | TakenOut:
    """What cannot be read is answered for itself, and does not stop the others."""
    try:
        given = EntryIn.model_validate(raw)
    except ValidationError as error:
        found = problem.from_pydantic(
            [{**one, "loc": ("body", "entry", *one["loc"])} for one in error.errors()]
        )
        first = found.errors[0]
        nonce = raw.get("nonce")
        return TakenOut(
            nonce=nonce[:100] if isinstance(nonce, str) else None,
            state="not_taken",
            sentence=f"This entry cannot be read. {first.field}: {first.message}",
            reason=None, direction=None, attempt_id=None, number=None, earlier=None,
        )  # fmt: skip
    return Entry(
        nonce=given.nonce,
        gate_id=given.gate_id,
        at=given.at,
        text=given.text,
        way=given.way,
        refused=None if given.admitted else Reason(given.reason or Reason.UNKNOWN.value),
        override=given.override,
        delta=given.delta or 0,
    )


def _taken(taken: Taken) -> TakenOut:
    verdict = taken.verdict
    return TakenOut(
        nonce=str(taken.nonce),
        state=taken.state,
        sentence=taken.sentence,
        reason=verdict.reason.value if verdict else None,
        direction=verdict.direction if verdict else None,
        attempt_id=verdict.attempt_id if verdict else None,
        number=verdict.found["number"] if verdict and verdict.found else None,
        earlier=verdict.earlier if verdict and taken.state == "conflict" else None,
    )
