"""Many passes of a program at once, by their numbers."""

from typing import Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import ConfigDict, Field, StrictBool, StrictStr

from control_plane.accounts.permissions import KeyScope
from control_plane.api import creation
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import Strict
from control_plane.passes import many, programs
from control_plane.passes.many import Action, Outcome
from control_plane.passes.numbers import MOST_NUMBERS, Numbers

router = Router(tags=["Passes"])
WRITE: Final = ApiKey(KeyScope.PASSES_WRITE)


class ManyIn(Strict):
    """Which passes, and what to do with all of them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"numbers": "401-500", "action": "cancel", "note": "The roll was stolen"},
                {"numbers": "1-100, 205", "action": "send", "check": True},
            ]
        },
    )

    numbers: StrictStr = Field(
        max_length=10_000, description=f"Such as 1-100, 205; at most {MOST_NUMBERS:,}."
    )
    action: Literal["send", "hold", "release", "cancel", "restore"] = Field(
        description="send: by mail. release: those on hold. restore: cancelled ones."
    )
    check: StrictBool = Field(False, description="Only say what would be done.")
    again: StrictBool = Field(False, description="Send also to holders who got a mail before.")
    note: StrictStr = Field(
        "", max_length=400, description="Why; kept in each one's history, unless they are sent."
    )


class LeftOutOut(Schema):
    """Passes with which nothing is done."""

    reason: Literal["unknown", "replaced", "cancelled", "same", "sent", "no_address"] = Field(
        description="unknown: there is none with this number. same: it is so already, or on its way already; "
        "to be restored, but not cancelled. sent: its holder got a mail before."
    )
    count: int
    numbers: str


class ManyOut(Schema):
    """What was done, or with `check` would be."""

    action: str
    done: int
    numbers: str = Field(description="Of those with which it is done, such as 1-98, 205.")
    inside: int = Field(description="How many of them are inside now.")
    left_out: list[LeftOutOut]


@router.post(
    "/{int:program_id}/passes/many",
    auth=WRITE,
    response=ManyOut,
    operation_id="change_many_passes",
    summary="Change or send many passes",
    openapi_extra=creation.openapi_extra(200),
)
def change_many_passes(request: HttpRequest, program_id: int, wanted: ManyIn) -> HttpResponse:
    """All of it in one transaction; once more changes nothing, but for `again`. For more than 1,000, ask
    several times."""
    own: dict[str, Any] = {
        "workspace_id": int(request.auth.workspace_id),  # type: ignore[attr-defined]
        "program_id": program_id,
    }
    programs.get_program(**own)
    asked = own | {"numbers": Numbers.read(wanted.numbers), "action": wanted.action, "again": wanted.again}

    def work() -> ManyOut:
        return _outcome(many.look(**asked) if wanted.check else many.change(**asked, note=wanted.note))

    return creation.created(request, work, status=200)


def _outcome(outcome: Outcome) -> ManyOut:
    return ManyOut(
        action=Action(outcome.action).value,
        done=len(outcome.done),
        numbers=Numbers.write(outcome.done),
        inside=outcome.inside,
        left_out=[
            LeftOutOut(reason=why.value, count=len(numbers), numbers=Numbers.write(numbers))
            for why, numbers in outcome.left.items()
        ],
    )
