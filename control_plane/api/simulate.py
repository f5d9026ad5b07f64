"""POST /links/{id}/simulate: what one made-up scan would meet, rule by rule."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from control_plane.accounts.permissions import KeyScope
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import Strict, changes
from control_plane.campaigns import simulate

router = Router(tags=["Rules"])

DRAFT = "Rules to try without saving them, in the form of a link's `rules`."


class ScanIn(Strict):
    """A scan; what is left out is not known, and `at` is now."""

    user_agent: StrictStr = Field(
        "", description="Says `os`, `device`, `in_app`, `is_bot` if they are left out."
    )
    os: StrictStr = Field("", description="ios, android, windows, macos, linux, chromeos or harmonyos.")
    device: StrictStr = Field("", description="phone, tablet, desktop, tv or other.")
    in_app: StrictStr = Field("", description="The app whose own browser it is, such as Instagram.")
    country: StrictStr = Field("", description="ISO 3166-1 alpha-2.", examples=["DE"])
    region: StrictStr = Field("", description="English name, such as Bavaria.")
    city: StrictStr = Field("", description="English name, such as Munich.")
    continent: StrictStr = Field("", description="AF, AN, AS, EU, NA, OC or SA; the country's if left out.")
    language: StrictStr = Field(
        "", description="An Accept-Language header.", examples=["de-AT,de;q=0.9,en;q=0.5"]
    )
    at: StrictStr = Field(
        "", description="Date and time with offset (RFC 3339).", examples=["2027-03-01T09:00:00+01:00"]
    )
    placement: StrictStr = Field("", description="Where the code hangs.", examples=["window"])
    query: StrictStr = Field("", description="The query string.", examples=["utm_source=poster"])
    referrer: StrictStr = Field("", description="Host, address or app it came from.")
    ip: StrictStr = Field("", description="The client's address; only for rules about networks.")
    is_bot: StrictBool | None = Field(None, description="Whether it is a robot.")
    scan_number: StrictInt | None = Field(None, description="Which scan of this link it is, from 1.")
    is_new: StrictBool | None = Field(None, description="Whether the visitor's first scan of it today.")
    bucket: StrictInt | None = Field(
        None, description="0 to 9,999: the visitor's place in every split; 0 if left out."
    )
    unlocked: StrictBool = Field(False, description="The link's password was given.")


class SimulateIn(Strict):
    """A scan, and rules to try."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "rules": [
                        {
                            "when": {"type": "country", "values": ["DE"]},
                            "then": {"type": "redirect", "to": "https://example.com/de"},
                        }
                    ],
                    "scan": {"country": "FR", "os": "ios"},
                }
            ]
        },
    )

    rules: list[Any] | None = Field(None, description=f"{DRAFT} Left out or null: the saved ones.")
    scan: ScanIn = Field(default_factory=ScanIn, description="The scan.")


class StepOut(Schema):
    """What became of one rule."""

    rule: int = Field(description="From 1.", examples=[1])
    name: str
    matched: bool
    reached: bool = Field(description="False where the answer was found before it.")
    why: str = Field(examples=["country is FR, wanted DE"])


class SimulateOut(Schema):
    """How the scan ends, and why."""

    reason: str = Field(description="As in statistics.", examples=["ok"])
    status: int = Field(examples=[302])
    location: str | None = Field(description="Where it is redirected; null for a page.")
    rule: int = Field(description="The rule that decided, from 1; 0: none.")
    variant: int = Field(description="The variant of a split, from 1; 0: none.")
    action: str = Field(description="Type of the rule's action; empty where none decided.")
    steps: list[StepOut]


@router.post(
    "/{int:link_id}/simulate",
    auth=ApiKey(KeyScope.LINKS_READ),
    response=SimulateOut,
    operation_id="simulate_link",
    summary="Try a link's rules",
)
def simulate_link(request: HttpRequest, link_id: int, attempt: SimulateIn) -> simulate.Simulation:
    """What a made-up scan would meet, by the saved rules or by a draft. Nothing is saved or counted."""
    return simulate.simulate(
        workspace_id=request.auth.workspace_id,  # type: ignore[attr-defined]
        link_id=link_id,
        rules=attempt.rules,
        facts=changes(attempt.scan),
    )
