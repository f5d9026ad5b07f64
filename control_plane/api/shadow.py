"""POST /links/{id}/shadow: a day's real scans against a draft of rules."""

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from control_plane.accounts.permissions import KeyScope
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import Strict, written
from control_plane.campaigns import shadow

router = Router(tags=["Rules"])


class ShadowIn(Strict):
    """A draft of rules, and the day whose scans are asked."""

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
                    ]
                }
            ]
        },
    )

    rules: list[Any] = Field(description="The draft, in the form of a link's `rules`.")
    day: Annotated[date, written("Write the day as 2027-03-01.")] | None = Field(
        None, description="A day of UTC; yesterday unless told.", examples=["2027-03-01"]
    )


class RuleShareOut(Schema):
    """What one rule of the draft takes; rule 0 stands for no rule."""

    rule: int
    name: str
    scans: int
    moved: int = Field(description="Those of them that would go elsewhere.")


class PairOut(Schema):
    """Scans that go to one place now and to one by the draft: addresses, or a page in words."""

    now: str = Field(examples=["https://example.com/"])
    draft: str = Field(examples=["https://example.com/de"])
    scans: int


class ShadowOut(Schema):
    """What would change."""

    day: date
    scans: int = Field(description="Scans by people that were looked at.")
    total: int = Field(
        description="Scans by people that reached the rules. More than `scans`: the rarest were left out."
    )
    moved: int = Field(description="How many would go elsewhere.")
    unknown_conditions: list[str] = Field(description="What recorded scans cannot answer, in sentences.")
    by_rule: list[RuleShareOut]
    by_destination: list[PairOut] = Field(description="Those that go elsewhere first; at most 200.")


@router.post(
    "/{int:link_id}/shadow",
    auth=ApiKey(KeyScope.STATS_READ),
    response=ShadowOut,
    operation_id="shadow_link",
    summary="Try rules on a day's scans",
)
def shadow_link(request: HttpRequest, link_id: int, draft: ShadowIn) -> ShadowOut:
    """How many of a day's recorded scans would go elsewhere by a draft. Nothing is saved.

    Only scans by people that reached the rules are looked at.
    """
    run = shadow.shadow_run(
        workspace_id=request.auth.workspace_id,  # type: ignore[attr-defined]
        link_id=link_id,
        rules=draft.rules,
        day=draft.day,
    )
    return ShadowOut(
        day=run.day,
        scans=run.scans,
        total=run.total,
        moved=run.moved,
        unknown_conditions=run.unknown_conditions,
        by_rule=[
            RuleShareOut(rule=one.rule, name=one.name, scans=one.scans, moved=one.moved)
            for one in run.by_rule
        ],
        by_destination=[PairOut(**pair._asdict()) for pair in run.by_destination],
    )
