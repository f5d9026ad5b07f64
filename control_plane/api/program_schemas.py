"""Programs, zones, gates, devices and issuers as JSON. What a value may be is for the services to say."""

from datetime import date, datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from control_plane.api.gate_schemas import ZoneCount
from control_plane.api.schemas import Moment, RowId, Strict

Kind = Literal["event", "parking", "season"]
ProgramStates = Literal["active", "paused", "ended"]
Reentries = Literal["none", "after_exit", "count", "daily"]
Way = Literal["entrance", "exit", "both"]


class ProgramPatch(Strict):
    """What to change of a program; passes that are out keep their own window."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"state": "paused"}]})

    name: StrictStr = Field("", description="1 to 80 characters, unique in the workspace.")
    kind: Kind = "event"
    state: ProgramStates = "active"
    place: StrictStr = ""
    time_zone: StrictStr = Field("", description="IANA name; the workspace's unless told.", examples=["UTC"])
    starts_at: Moment | None = Field(None, description="Passes without a window of their own start here.")
    ends_at: Moment | None = None
    opening_hours: list[dict[str, Any]] = Field(
        [],
        description='`[{"days": [0], "from": "08:00", "to": "18:00"}]`; 0 is Monday. None: always open.',
    )
    reentry: Reentries = Field("none", description="Whether a pass that was used may enter again.")
    max_uses: StrictInt | None = Field(None, description="Entries of one pass.")
    use_hours: StrictInt | None = Field(None, description="A pass ends so many hours after its first use.")
    auto_exit_minutes: StrictInt | None = Field(None, description="Who is inside for longer has left.")
    offline: StrictBool = Field(True, description="Signed by Ed25519: verifiable without the network.")
    rotating: StrictBool = Field(
        False,
        description="Codes are on phones and change every 15 s, so that a screenshot is soon stale. "
        "Nothing can be printed; gates refuse what was printed before.",
    )
    show_holder: StrictBool = Field(False, description="Gates show name and plate.")
    keep_plates: StrictBool = Field(
        False, description="Plates that were read at gates are not deleted at the end of their day."
    )


class ProgramIn(ProgramPatch):
    """A program to create."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Summer festival", "kind": "event", "reentry": "after_exit"}]
        },
    )

    name: StrictStr = Field(description="1 to 80 characters, unique in the workspace.")


class ProgramOut(Schema):
    """An event, a car park or a season."""

    id: int
    name: str
    kind: Kind
    state: ProgramStates
    place: str
    time_zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    opening_hours: list[dict[str, Any]]
    reentry: Reentries
    max_uses: int | None
    use_hours: int | None
    auto_exit_minutes: int | None
    offline: bool
    rotating: bool
    show_holder: bool
    keep_plates: bool
    version: int
    created_at: datetime
    updated_at: datetime


class ProgramPage(Schema):
    """Programs, newest first."""

    data: list[ProgramOut]
    next: str | None


class ZoneIn(Strict):
    """A zone to create."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Hall", "capacity": 400}]}
    )

    name: StrictStr
    capacity: StrictInt | None = Field(None, description="null: counted, and never full.")
    parent_id: RowId | None = Field(None, description="The zone that this one is inside of.")


class ZonePatch(Strict):
    """What to change of a zone."""

    name: StrictStr = ""
    capacity: StrictInt | None = None


class ZoneOut(ZoneCount):
    """A zone and how many are inside."""

    program_id: int
    parent_id: int | None


class ZoneList(Schema):
    """All zones of a program, each followed by those inside of it."""

    data: list[ZoneOut]


class ZoneCorrectionIn(Strict):
    """Somebody counted heads."""

    inside: StrictInt
    note: StrictStr = Field(description="Why.")


class GateIn(Strict):
    """A gate to create."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "North", "zone_id": 1, "way": "entrance"}]}
    )

    name: StrictStr
    zone_id: RowId
    way: Way = "entrance"


class GatePatch(Strict):
    """What to change of a gate."""

    name: StrictStr = ""
    zone_id: RowId = 1
    way: Way = "entrance"
    is_open: StrictBool = True


class GateRow(Schema):
    """A gate into or out of a zone."""

    id: int
    program_id: int
    zone_id: int
    name: str
    way: Way
    is_open: bool


class GateList(Schema):
    """All gates of a program, by name."""

    data: list[GateRow]


class DeviceIn(Strict):
    """A device that waits for a phone to pair with it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "North 1", "gate_ids": [1]}]}
    )

    name: StrictStr
    gate_ids: list[RowId]
    role: Literal["steward", "supervisor"] = "steward"


class DevicePatch(Strict):
    """What to change of a device."""

    name: StrictStr = ""
    role: Literal["steward", "supervisor"] = "steward"
    gate_ids: list[RowId] = Field(
        [], max_length=500, description="All of them: those left out are taken away."
    )


class DeviceRow(Schema):
    """A phone or scanner at a gate."""

    id: int
    program_id: int
    name: str
    role: Literal["steward", "supervisor"]
    gate_ids: list[int]
    is_paired: bool
    seen_at: datetime | None
    battery: int | None


class NewDeviceOut(DeviceRow):
    """A device with the code that pairs it."""

    pairing_code: str = Field(description="Shown once; valid for an hour.")
    pairing_url: str = Field(description="To be opened on the phone, as a QR code for instance.")


class DeviceList(Schema):
    """All devices of a program, by name."""

    data: list[DeviceRow]


class IssuerPatch(Strict):
    """What to change of an issuer."""

    name: StrictStr = ""
    is_active: StrictBool = True
    quota_total: StrictInt | None = Field(None, description="Passes in all; null is no limit.")
    quota_daily: StrictInt | None = Field(None, description="Passes a day; null is no limit.")


class IssuerIn(IssuerPatch):
    """An issuer to create."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Bakery", "quota_daily": 20}]}
    )

    name: StrictStr


class IssuerOut(Schema):
    """A vendor, an organiser, a partner."""

    id: int
    program_id: int
    name: str
    is_active: bool
    quota_total: int | None
    quota_daily: int | None
    issued: int
    used: int


class IssuerList(Schema):
    """All issuers of a program, by name."""

    data: list[IssuerOut]


class IssuerDayIn(Strict):
    """On or off on one day."""

    day: date
    is_active: StrictBool | None = Field(description="null: as on other days.")
