"""The control room, alerts and the report as JSON."""

from datetime import date, datetime
from typing import Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictStr

from control_plane.api.schemas import Strict
from control_plane.passes.report_tables import NAMES

Level = Literal["ok", "warning", "full"]
AlertKind = Literal["mail", "sms", "chat"]


class ForecastOut(Schema):
    """When a zone is full at the rate of the last 15 minutes."""

    trend: Literal["endless", "full", "few", "steady", "emptying", "far", "filling"] = Field(
        description="`few`: too few to say; `far`: not within 12 hours; `filling`: full at `at`."
    )
    at: datetime | None
    per_minute: float
    words: str = Field(examples=["Full at about 15:40 at this rate."])


class ZoneNowOut(Schema):
    """A zone now; rates are of the last 5 minutes."""

    id: int
    name: str
    parent_id: int | None
    inside: int
    leased: int = Field(description="Places lent to devices that are offline.")
    capacity: int | None
    percent: int | None
    level: Level
    came_a_minute: float
    left_a_minute: float
    forecast: ForecastOut


class FlowOut(Schema):
    """Who came and left in the minute or hour that begins at `at`."""

    at: datetime
    came: int
    left: int


class IssuerNowOut(Schema):
    """Of today; id is null for passes without an issuer."""

    id: int | None
    name: str
    issued: int
    used: int


class RefusedOut(Schema):
    """Of today."""

    reason: str
    sentence: str
    count: int


class DeviceNowOut(Schema):
    """A device, and what it did alone today."""

    id: int
    name: str
    state: Literal["online", "away", "waiting"]
    seen_at: datetime | None
    battery: int | None
    offline: int = Field(description="Scans that it made without a network.")
    lent: int = Field(description="Places that it may fill while it is offline.")


class RoomOut(Schema):
    """What happens in a program now; what has no other time is of today in the program's time zone."""

    at: datetime
    zones: list[ZoneNowOut]
    minutes: list[FlowOut] = Field(description="The last 60, oldest first.")
    hours: list[FlowOut]
    came: int
    left: int
    refused: list[RefusedOut]
    issuers: list[IssuerNowOut]
    devices: list[DeviceNowOut]


class AlertContactIn(Strict):
    """Somebody to tell."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Night shift", "kind": "mail", "address": "night.shift@example.com"}]
        },
    )

    name: StrictStr = Field(description="1 to 80 characters.")
    kind: AlertKind
    address: StrictStr = Field(
        description="A mail address; or slack://, twilio://, https:// and others, as Apprise writes them."
    )


class AlertContactOut(Schema):
    """Somebody who is told. The address is not shown again."""

    id: int
    name: str
    kind: AlertKind
    shown: str = Field(description="Enough of the address to recognise it.", examples=["Slack"])


class AlertContactList(Schema):
    """By name."""

    data: list[AlertContactOut]


class ToldOut(Schema):
    """How it went with one contact."""

    contact: str
    kind: AlertKind
    tries: int
    done: bool
    problem: str


class AlertOut(Schema):
    """A zone reached 90 or 100 %."""

    id: int
    zone_id: int
    zone: str
    percent: Literal[90, 100]
    inside: int
    capacity: int
    raised_at: datetime
    cleared_at: datetime | None
    settled_at: datetime | None = Field(description="When all were told, or it was given up.")
    sent: list[ToldOut]


class AlertList(Schema):
    """Newest first."""

    data: list[AlertOut]


class DaysQuery(Schema):
    """Which days, both ends included."""

    first: date | None = Field(
        None, description="The program's first day unless told.", examples=["2027-06-01"]
    )
    last: date | None = Field(None, description="The program's last day or today unless told.")


class CsvQuery(DaysQuery):
    """Which days, and what of them."""

    table: Literal[NAMES] = Field("summary", description="Which table.")  # type: ignore[valid-type]


class ReportIssuer(Schema):
    """unused: neither used in these days nor cancelled."""

    name: str
    issued: int
    used: int
    unused: int
    cancelled: int
    uses: int


class ReportPeak(Schema):
    """The most people that a zone's count had."""

    zone: str
    capacity: int | None
    inside: int
    at: datetime | None


class ReportPlace(Schema):
    """A gate or a device."""

    name: str
    admitted: int
    left: int
    refused: int
    offline: int
    by_hand_in: int
    by_hand_out: int


class ReportRefusal(Schema):
    reason: str
    sentence: str
    times: int
    passes: int


class ReportClone(Schema):
    """The same pass, refused at another place than where it was admitted."""

    number: int
    reason: str
    admitted_gate: str
    admitted_device: str
    admitted_at: datetime
    refused_gate: str
    refused_device: str
    first_at: datetime
    last_at: datetime
    times: int


class ReportException(Schema):
    """A scan that went on in spite of `reason`; number is null for an unknown pass."""

    at: datetime
    received_at: datetime
    number: int | None
    gate: str
    device: str
    direction: str
    reason: str
    note: str


class ReportCorrection(Schema):
    at: datetime
    zone: str
    delta: int
    inside: int
    note: str
    by: str


class ReportOut(Schema):
    """What happened. Of clones, conflicts, overrides and corrections at most 2,000 are listed; `more` says
    how many there are of each."""

    first: date
    last: date
    time_zone: str
    is_over: bool
    total: ReportIssuer
    issuers: list[ReportIssuer]
    peaks: list[ReportPeak]
    hours: list[FlowOut]
    by_weekday: list[list[int]] = Field(description="Who came: 7 days from Monday, 24 hours each.")
    gates: list[ReportPlace]
    devices: list[ReportPlace]
    refusals: list[ReportRefusal]
    clones: list[ReportClone]
    conflicts: list[ReportException]
    overrides: list[ReportException]
    corrections: list[ReportCorrection]
    more: dict[str, int]
