"""What goes in and comes out as JSON for a link: see schemas.py."""

from datetime import datetime
from typing import Annotated, Any, Final

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from control_plane.api.schemas import BIGINT, Moment, PageQuery, RowId, State, Strict
from control_plane.api.versions import VERSION

RULES: Final = [
    {
        "name": "Germany by day",
        "when": {
            "type": "all",
            "of": [
                {"type": "country", "values": ["DE", "AT"]},
                {"type": "time", "zone": "Europe/Berlin", "start": "08:00", "end": "20:00"},
            ],
        },
        "then": {"type": "redirect", "to": "https://example.com/de", "pass_query": True},
    },
    {
        "name": "Half and half",
        "then": {
            "type": "split",
            "variants": [
                {"to": "https://example.com/a", "weight": 50, "name": "A"},
                {"to": "https://example.com/b", "weight": 50, "name": "B"},
            ],
        },
    },
]
_RULES_TEXT: Final = (
    "In order; the first whose condition `when` holds decides by its action `then`. A rule without `when` "
    "always holds; where none does, the scan goes to `destination`. Conditions: all, any, not, os, device, "
    "in_app, country, region, city, continent, language, time, dates, scan_number, visitor, query, referrer, "
    "placement, ip, bot. Actions: redirect, split, app, password, notice, gone. What is wrong is named by "
    "its path, such as `rules[1].when.values`."
)
_PLACEHOLDERS: Final = (
    "After the host, {code}, {country}, {lang}, {placement} and {click_id} are filled in with the scan's own."
)
_FALLBACK: Final = "Where a scan goes when the link is paused, not started, over or used up; empty: a page."
_GS1: Final = (
    "A product's GS1 Digital Link that leads here too: a GTIN, or a path such as /01/09506000134352/10/LOT7."
)
_LIMIT: Final = "How many scans are redirected in all, counted from when there is a limit; null for no limit."

# Any, since each fault in it has a sentence of its own from the services.
Rules = Annotated[
    Any,
    WithJsonSchema({"type": "array", "items": {"type": "object"}, "maxItems": 50, "examples": [RULES]}),
]


class LinkIn(Strict):
    """A link to create."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"destination": "https://example.com/spring?utm_source=poster", "title": "Spring poster"},
                {
                    "destination": "https://example.com/menu",
                    "code": "menu-2027",
                    "expires_at": "2027-12-31T23:00:00Z",
                },
                {
                    "destination": "https://example.com/",
                    "rules": RULES,
                    "max_scans": 1000,
                    "fallback": "https://example.com/sold-out",
                },
            ]
        },
    )

    destination: StrictStr = Field(
        description=f"Where a scan is sent: an http or https URL, at most 2,048 characters. {_PLACEHOLDERS}",
        examples=["https://example.com/spring"],
    )
    title: StrictStr = Field(
        "", description="For people; never shown to who scans.", examples=["Spring poster"]
    )
    code: StrictStr = Field(
        "",
        description="What follows the host: 3 to 64 letters, digits, inner hyphens; any case. Empty: random.",
        examples=["spring-27"],
    )
    campaign_id: RowId | None = Field(None, description="The campaign this link belongs to.")
    starts_at: Moment | None = Field(None, description="Before this, a scan sees a friendly page.")
    expires_at: Moment | None = Field(None, description="From then on, a scan sees that it is over.")
    redirect_status: StrictInt = Field(302, description="301, 302, 303, 307 or 308.", examples=[302])
    domain_id: RowId | None = Field(None, description="One of your domains; null for the default one.")
    rules: Rules = Field([], description=_RULES_TEXT)
    max_scans: StrictInt | None = Field(None, description=_LIMIT, examples=[1000])
    password: StrictStr = Field(
        "",
        description="4 to 256 characters that a visitor has to type; empty: none. Never shown again.",
    )
    fallback: StrictStr = Field("", description=_FALLBACK, examples=["https://example.com/sold-out"])
    pass_query: StrictBool = Field(False, description="Adds the scan's own query to the destination.")
    gs1: StrictStr = Field("", description=_GS1, examples=["/01/09506000134352"])


class LinkPatch(Strict):
    """What to change; fields left out stay. The code cannot change: it is on paper."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"destination": "https://example.com/summer", "version": 3}]},
    )

    destination: StrictStr = Field("", description=f"Where the next scan is sent. {_PLACEHOLDERS}")
    title: StrictStr = Field("", description="For people; never shown to who scans.")
    campaign_id: RowId | None = Field(None, description="The campaign, or null for none.")
    starts_at: Moment | None = Field(None, description="Before this, a friendly page; null for no start.")
    expires_at: Moment | None = Field(None, description="From then on, it is over; null for no end.")
    redirect_status: StrictInt = Field(302, description="301, 302, 303, 307 or 308.")
    domain_id: RowId | None = Field(
        None,
        description="Another domain, or null for the default one. The old short URL is then gone for good.",
    )
    rules: Rules = Field([], description=f"All of them, in place of the old ones. {_RULES_TEXT}")
    max_scans: StrictInt | None = Field(None, description=_LIMIT)
    password: StrictStr | None = Field(
        "", description="A new one of 4 to 256 characters; null removes it; empty leaves it as it is."
    )
    fallback: StrictStr | None = Field("", description=_FALLBACK)
    pass_query: StrictBool = Field(False, description="Adds the scan's own query to the destination.")
    gs1: StrictStr | None = Field("", description=f"{_GS1} Empty or null for none.")
    version: RowId | None = Field(None, description=VERSION)


class LinkOut(Schema):
    """A link."""

    id: int = Field(examples=[42])
    code: str = Field(examples=["k7m2p9xq4r"])
    short_url: str = Field(examples=["https://go.example.com/k7m2p9xq4r"])
    title: str
    destination: str = Field(examples=["https://example.com/spring"])
    campaign_id: int | None
    state: State
    starts_at: datetime | None
    expires_at: datetime | None
    redirect_status: int = Field(examples=[302])
    domain_id: int | None = Field(description="null: the default domain.")
    rules: list[dict[str, Any]] = Field(description="In order; the first that holds decides.")
    max_scans: int | None
    scans_used: int | None = Field(
        description="Counted up to some seconds ago; null without a limit or a rule by number."
    )
    has_password: bool
    fallback: str
    pass_query: bool
    gs1: str = Field(description="In its normal form.", examples=["01/09506000134352"])
    gs1_url: str = Field(examples=["https://go.example.com/01/09506000134352"])
    version: int = Field(description="Grows with each edit; also the ETag.", examples=[1])
    created_at: datetime
    updated_at: datetime


class LinkPage(Schema):
    """Links, newest first."""

    data: list[LinkOut]
    next: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


class LinkQuery(PageQuery):
    """Which links."""

    q: str = Field("", max_length=200, description="Part of the title, code, GS1 name or destination.")
    state: State | None = Field(None, description="Only links in this state.")
    campaign_id: int | None = Field(None, ge=1, le=BIGINT, description="Only links of this campaign.")
    domain_id: int | None = Field(None, ge=1, le=BIGINT, description="Only links on this domain.")
