"""What goes in and comes out as JSON. Types only: what a value may be is for the services to say, so that the
API and the console refuse it with the same sentence."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr

BIGINT: Final = 2**63 - 1


def _storable(moment: datetime) -> datetime:
    # Python's calendar ends at both ends where UTC has a few hours more.
    if not 2000 <= moment.year <= 9000:
        raise ValueError("Choose a date between the years 2000 and 9000.")
    return moment.astimezone(UTC)


def written(sentence: str) -> BeforeValidator:
    """Text only, with this sentence for anything else: a bare number could be seconds or milliseconds."""

    def check(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(sentence)
        return value

    return BeforeValidator(check)


Moment = Annotated[
    AwareDatetime,
    Field(examples=["2027-03-01T09:00:00Z"]),
    AfterValidator(_storable),
    written("Write date and time as RFC 3339, such as 2027-03-01T09:00:00Z."),
]
RowId = Annotated[StrictInt, Field(ge=1, le=BIGINT)]
State = Literal["active", "paused", "blocked"]


class Strict(Schema):
    """A body: unknown fields are refused by name, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid")


class CampaignIn(Strict):
    """A campaign to create, or its new name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Spring 2027"}]})

    name: StrictStr = Field(
        description="1 to 80 characters, unique in the workspace.", examples=["Spring 2027"]
    )


class CampaignOut(Schema):
    """A named group of links."""

    id: int
    name: str
    created_at: datetime


class CampaignPage(Schema):
    """Campaigns, newest first."""

    data: list[CampaignOut]
    next: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


class KeyOut(Schema):
    """The key that asked."""

    name: str
    scopes: list[str] = Field(examples=[["links:read", "stats:read"]])


class WorkspaceOut(Schema):
    """The workspace that the key belongs to."""

    id: int
    name: str
    slug: str
    time_zone: str = Field(examples=["Europe/Berlin"])
    key: KeyOut


class AppSchemes(Schema):
    """The schemes of the workspace's own apps."""

    schemes: list[str] = Field(description="In lower case and in order.", examples=[["myapp"]])


class AppSchemesIn(Strict):
    """The whole list; what is left out of it is taken off."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"schemes": ["myapp"]}, {"schemes": []}]}
    )

    schemes: list[StrictStr] = Field(
        description="What stands before :// in the apps' addresses; at most 20.", examples=[["myapp"]]
    )


class PageQuery(Schema):
    """Which part of a long list."""

    cursor: str = Field("", description="`next` of the page before; leave it out for the first page.")
    limit: int = Field(50, ge=1, le=100, description="Rows a page.")


class QrQuery(Schema):
    """How to print the code. Texts here, so that the sentences about wrong values are the console's."""

    mm: str = Field(
        "", description="Side of the image in mm, quiet zone included; 25 unless told.", examples=["25"]
    )
    error_correction: str = Field(
        "", description="L, M, Q or H. Left out: at least M, and more where it needs no larger symbol."
    )
    quiet_zone: str = Field(
        "", description="Light margin in modules, 0 to 16; 4 unless told.", examples=["4"]
    )
    dark: str = Field("", description="Colour of the modules as #rgb or #rrggbb.", examples=["#000000"])
    light: str = Field("", description="Colour of the background.", examples=["#ffffff"])
    dpi: str = Field("", description="PNG only: 72 to 2400; 300 unless told.", examples=["300"])


class StatsQuery(Schema):
    """Which time, and by what."""

    period: Literal["1h", "24h", "7d", "30d", "90d"] | None = Field(
        None, description="Up to now; 24h unless told. Instead of since and until."
    )
    since: Moment | None = Field(None, description="From this moment on.")
    until: Moment | None = Field(None, description="Until before this moment; now unless told.")
    tz: str = Field(
        "",
        max_length=64,
        description="IANA time zone of days; the workspace's unless told.",
        examples=["UTC"],
    )
    by: str = Field(
        "",
        max_length=300,
        description="Breakdowns, with commas: country, city, device, os, browser, referrer, utm_source, "
        "utm_medium, utm_campaign, language, reason, in_app, placement, rule, variant. The first six unless "
        "told.",
        examples=["country,device"],
    )
    top: int = Field(10, ge=1, le=100, description="Values of each breakdown, the most scanned first.")


class TotalsOut(Schema):
    """Scans by people, by robots, and unique people (per day, summed)."""

    humans: int
    bots: int
    visitors: int
    last_at: datetime | None


class PointOut(Schema):
    """One bar."""

    at: datetime | date = Field(description="Start of the minute or hour, or the date of the day in `tz`.")
    humans: int
    bots: int


class SliceOut(Schema):
    """One value of a breakdown; "" is what is not known, and of a referrer, placement, rule or variant, none.

    A rule is its number, from 1, of the edit that answered; a variant is "2.1", the first of rule 2.
    """

    value: str
    humans: int
    bots: int
    visitors: int


class StatsOut(Schema):
    """Statistics of one link."""

    link_id: int
    since: datetime
    until: datetime
    tz: str
    unit: Literal["minute", "hour", "day"]
    totals: TotalsOut
    series: list[PointOut]
    breakdowns: dict[str, list[SliceOut]]


class ProblemField(Schema):
    """One value that cannot be used."""

    field: str
    message: str


class ProblemOut(Schema):
    """An error, as RFC 9457 has it."""

    type: str = Field(examples=["urn:scanway:problem:invalid"])
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ProblemField] | None = None


def changes(patch: Schema) -> dict[str, Any]:
    """Only the fields that were in the body."""
    return patch.model_dump(exclude_unset=True)
