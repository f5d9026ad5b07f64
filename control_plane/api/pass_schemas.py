"""Passes as JSON."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from control_plane.api.schemas import BIGINT, Moment, PageQuery, RowId, Strict

States = Literal["active", "held", "revoked", "replaced"]


class HolderIn(Strict):
    """Who holds a pass. All optional; encrypted at rest."""

    name: StrictStr = ""
    email: StrictStr = ""
    phone: StrictStr = ""
    plate: StrictStr = ""
    fields: dict[str, StrictStr] = Field(default_factory=dict, description="Up to ten of your own.")


class PassesIn(Strict):
    """Passes to issue: `count` for nobody in particular, or one for each of `holders`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"program_id": 1, "count": 3},
                {"program_id": 1, "holders": [{"name": "Ada Lovelace", "plate": "B AL 1815"}]},
            ]
        },
    )

    program_id: RowId
    count: StrictInt | None = Field(None, description="1 to 1,000.")
    holders: list[HolderIn] | None = Field(None, description="1 to 1,000.")
    issuer_id: RowId | None = None
    valid_from: Moment | None = Field(None, description="The program's unless told.")
    valid_until: Moment | None = None
    max_uses: StrictInt | None = Field(None, description="Instead of the program's.")
    held: StrictBool = Field(False, description="On hold until somebody releases them.")


class PassOut(Schema):
    """A pass, and what its code says."""

    id: int
    program_id: int
    issuer_id: int | None
    job_id: int | None
    number: int
    state: States
    valid_from: datetime | None
    valid_until: datetime | None
    max_uses: int | None
    uses: int
    first_used_at: datetime | None
    last_used_at: datetime | None
    inside_zone_id: int | None
    inside_since: datetime | None
    replaced_by_id: int | None
    holder: dict[str, Any]
    text: str | None = Field(
        description="What its QR code says: an address that any phone opens. null for a key without "
        "passes:write, since whoever has it gets in."
    )
    created_at: datetime


class PassList(Schema):
    """Passes that were issued just now, in the order of `holders`."""

    data: list[PassOut]


class PassPage(Schema):
    """Passes, newest first."""

    data: list[PassOut]
    next: str | None


class PassQuery(PageQuery):
    """Which passes."""

    program_id: int | None = Field(None, ge=1, description="Of this program.")
    job_id: int | None = Field(None, ge=1, le=BIGINT, description="Made by this job.")
    q: str = Field(
        "", max_length=200, description="A number, or whole words of a name, address, phone or plate."
    )
    state: Literal["", "active", "held", "revoked", "replaced", "inside"] = Field(
        "", description="In this state, or inside now."
    )


class PassPatch(Strict):
    """What to change. `state`: active, held or revoked; the window and the holder as a whole."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"state": "revoked", "note": "Lost"}]}
    )

    state: Literal["active", "held", "revoked"] | None = None
    note: StrictStr = Field("", description="Why; kept in the pass's history.", max_length=400)
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    holder: HolderIn | None = None


class ReplaceIn(Strict):
    """A new code in the place of a lost one."""

    note: StrictStr = Field("", max_length=400)
    holder: HolderIn | None = None


class HappenedOut(Schema):
    """Something that happened to a pass, at a gate or in the office."""

    at: datetime
    what: str = Field(description="issued, held, released, revoked, …; at a gate: admitted, left or refused.")
    reason: str
    note: str
    gate: str | None
    device: str | None
    by: str | None
    undone: bool


class HistoryOut(Schema):
    """All of it, oldest first."""

    data: list[HappenedOut]
