"""What a gate's device sends and gets for the time when it is offline."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from control_plane.api.gate_schemas import EarlierOut, ZoneCount
from control_plane.api.schemas import Moment, RowId, Strict
from control_plane.passes.journal import DECIDED, MOST
from edge.token import MAX_TEXT

_ENTRY = {
    "nonce": "0b5f8a36-5a4c-4f0e-9a5e-3f3d3c1b2a10",
    "gate_id": 1,
    "text": "HTTPS://GO.EXAMPLE.COM/T/…",
    "at": "2027-03-01T09:00:00Z",
    "admitted": True,
}


class SnapshotQuery(Strict):
    """What the device has already."""

    since: str = Field(
        "", description="`cursor` of the document it has: what changed since then is enough.", max_length=200
    )


class SnapshotOut(Schema):
    """A signed document: see `passes/snapshot.py` for what is in it."""

    body: str = Field(description="JSON, as it was signed, byte for byte in UTF-8.")
    key: int = Field(description="Number of the key.")
    signature: str = Field(
        description="Base64; Ed25519 over `scanway document 1`, a 0 byte, `snapshot`, a 0 byte, and the body."
    )


class LeasesIn(Strict):
    """What the device still holds, now that all it did is handed in."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": "", "held": {}}]})

    version: StrictStr = Field("", description="Of the last answer that it read.", max_length=40)
    held: dict[str, StrictInt] = Field({}, description="Zone → places that it may still use.", max_length=500)


class LeasesOut(Schema):
    """What the device may use from now on."""

    version: str
    until: datetime
    places: dict[str, int] = Field(description="Zone → places, of each zone with a capacity.")
    zones: list[ZoneCount]


class EntryIn(Strict):
    """What a device did by itself."""

    nonce: UUID = Field(description="The same one as of the request that got no answer, where there was one.")
    gate_id: RowId
    at: Moment = Field(description="By the device's clock.")
    text: StrictStr = Field("", description="What was scanned.", max_length=MAX_TEXT)
    way: Literal["in", "out", "auto", ""] = ""
    admitted: StrictBool = Field(True, description="Or let out.")
    reason: Literal[tuple(sorted(reason.value for reason in DECIDED))] | None = Field(  # type: ignore[valid-type]
        None, description="Why it refused."
    )
    override: StrictStr = Field("", description="A supervisor's reason.", max_length=200)
    delta: Literal[1, -1] | None = Field(None, description="A count by hand: no text then.")


class JournalIn(Strict):
    """Up to 500 entries, oldest first."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"now": "2027-03-01T09:30:00Z", "entries": [_ENTRY]}]},
    )

    now: Moment = Field(description="The device's clock: 2 minutes off at most.")
    entries: list[dict[str, Any]] = Field(
        description="Each is an EntryIn: nonce, gate_id, at, text, way, admitted, reason, override, delta.",
        max_length=MOST,
    )


class TakenOut(Schema):
    """What became of an entry."""

    nonce: str | None = Field(description="null where it could not be read.")
    state: Literal["ok", "refused", "conflict", "not_taken"]
    sentence: str
    reason: str | None
    direction: Literal["in", "out"] | None
    attempt_id: int | None
    number: int | None = Field(description="Of the pass.")
    earlier: EarlierOut | None = Field(description="Of a conflict: the scan that the device did not know of.")


class JournalOut(Schema):
    """One answer for each entry, in their order."""

    data: list[TakenOut]
    places: dict[str, int] = Field(description="Zone → places that are still kept for this device.")
    zones: list[ZoneCount]


class ScanOfConflict(Schema):
    """One of the two scans of a conflict."""

    attempt_id: int
    at: datetime
    received_at: datetime
    gate: str | None
    device: str
    offline: bool


class ConflictOut(Schema):
    """A pass that a device would not have admitted had it known all."""

    id: int
    pass_id: int | None
    number: int | None
    direction: Literal["in", "out"]
    reason: str = Field(description="What it would have been refused for; ok where the device was removed.")
    sentence: str
    scan: ScanOfConflict
    other: ScanOfConflict | None = Field(description="The scan that it did not know of.")


class ConflictPage(Schema):
    """Conflicts, newest first."""

    data: list[ConflictOut]
    next: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


class TakenBackOut(Schema):
    """How many places are free again."""

    places: int
