"""What a gate's device sends and gets."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StrictInt, StrictStr

from control_plane.api.schemas import Moment, RowId, Strict

Stamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""As PostgreSQL writes it into JSON: RFC 3339, with its offset."""


class PairIn(Strict):
    """The code that the console shows."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "swp_…"}]})

    code: StrictStr = Field(max_length=200)


class ZoneCount(Schema):
    """How many are inside. Outermost zones come first."""

    id: int
    name: str
    inside: int
    leased: int = Field(description="Places lent to devices, for when they are offline.")
    capacity: int | None = Field(description="null: counted, and never full.")
    level: Literal["ok", "warning", "full"] = Field(description="A warning from 90 % of the capacity.")


class GateOut(Schema):
    """A gate where this device may be used."""

    id: int
    name: str
    way: Literal["entrance", "exit", "both"]
    zone_id: int
    is_open: bool


class PublicKey(Schema):
    """A key of the workspace that signs rules for gates."""

    number: int
    public: str = Field(description="Base64.")


class DeviceOut(Schema):
    """The device that asks, and where it may be used."""

    id: int
    name: str
    role: Literal["steward", "supervisor"]
    program: str
    kind: Literal["event", "parking", "season"]
    place: str
    time_zone: str
    show_holder: bool
    gates: list[GateOut]
    zones: list[ZoneCount]
    now: datetime = Field(description="The server's clock: more than 2 minutes off is too much.")
    signing_keys: list[PublicKey]


class PairedOut(Schema):
    """The device's key: shown once, and it can only redeem at its gates."""

    key: str
    device: DeviceOut


class RedeemIn(Strict):
    """One scan."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "gate_id": 1,
                    "text": "HTTPS://GO.EXAMPLE.COM/T/…",
                    "nonce": "0b5f8a36-5a4c-4f0e-9a5e-3f3d3c1b2a10",
                }
            ]
        },
    )

    gate_id: RowId
    text: StrictStr = Field(description="What the camera or the scanner read.", max_length=10_000)
    nonce: UUID = Field(description="New for each scan; the same one again gets the same verdict.")
    way: Literal["in", "out", "auto", ""] = Field(
        "", description="Of a gate for both ways; auto lets out who is inside."
    )
    override: StrictStr = Field(
        "", description="A supervisor's reason to admit nevertheless.", max_length=200
    )


class EarlierOut(Schema):
    """When and where the pass was used before."""

    at: Stamp
    gate: str | None
    device: str | None


class FoundOut(Schema):
    """The pass that was scanned."""

    id: int
    number: int
    state: str
    uses: int
    valid_from: Stamp | None
    valid_until: Stamp | None
    inside_since: Stamp | None
    holder: dict[str, Any] = Field(description="Only where the program shows it at gates.")


class VerdictOut(Schema):
    """How a scan ended."""

    attempt_id: int
    admitted: bool
    undone: bool = Field(description="A supervisor took it back since; then it admits nobody.")
    reason: str = Field(
        description="ok, bad_signature, revoked, not_yet_valid, expired, closed, held, already_used, "
        "not_inside, issuer_inactive, wrong_gate, full or unknown."
    )
    sentence: str
    may_override: bool = Field(description="A supervisor may admit with a reason.")
    refused_as: str
    direction: Literal["in", "out"]
    replayed: bool
    at: Stamp
    found: FoundOut | None = Field(description="null where the code was not read as a pass of ours.")
    earlier: EarlierOut | None
    zones: list[ZoneCount]


class PlateIn(Strict):
    """A plate that was typed or read by a camera."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"gate_id": 1, "plate": "B-AL 1815", "nonce": "0b5f8a36-5a4c-4f0e-9a5e-3f3d3c1b2a10"}
            ]
        },
    )

    gate_id: RowId
    plate: StrictStr = Field(description="Case, spaces and dashes do not matter.", max_length=80)
    nonce: UUID = Field(description="New for each car; the same one again counts once.")
    direction: Literal["in", "out", "auto"] = Field(
        "auto", description="Of a gate for both ways; auto lets out whoever is inside."
    )
    at: Moment | None = Field(None, description="When it was read, in the last 24 hours; now unless told.")


class PlateOut(Schema):
    """How a car was counted."""

    admitted: bool = Field(description="false where its pass was refused: then nobody was counted.")
    reason: str
    sentence: str
    direction: Literal["in", "out"]
    number: int | None = Field(description="Of the pass; null where somebody without one was counted.")
    replayed: bool
    zones: list[ZoneCount]


class CountIn(Strict):
    """Somebody without a pass went in or out."""

    gate_id: RowId
    delta: StrictInt = Field(description="1 or -1.")
    nonce: UUID


class CorrectionIn(Strict):
    """Somebody counted heads."""

    zone_id: RowId
    inside: StrictInt
    note: StrictStr = Field(max_length=400)


class ZonesOut(Schema):
    """The counts, as they are now."""

    zones: list[ZoneCount]


class SeenIn(Strict):
    """That the device is there."""

    battery: StrictInt | None = Field(None, description="Percent.")


class GateRate(Schema):
    """Who came and left at a gate in the last 15 minutes."""

    id: int
    name: str
    is_open: bool
    came: int
    left: int


class SeenOut(ZonesOut):
    """The counts, and what goes on at all gates of the program."""

    gates: list[GateRate]


class ScanOut(Schema):
    """A scan of this device."""

    attempt_id: int
    at: datetime
    reason: str
    sentence: str
    direction: Literal["in", "out"]
    number: int | None
    undone: bool
    offline: bool
    conflict: bool = Field(description="The device was offline, and would have refused had it known all.")


class ScansOut(Schema):
    """The last scans of this device, newest first."""

    data: list[ScanOut]
