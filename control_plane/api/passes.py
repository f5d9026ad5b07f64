"""Passes: issue, find, change, replace, and what happened to each."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import creation, pagination
from control_plane.api.auth import ApiKey
from control_plane.api.pass_schemas import (
    HappenedOut,
    HistoryOut,
    PassesIn,
    PassList,
    PassOut,
    PassPage,
    PassPatch,
    PassQuery,
    ReplaceIn,
)
from control_plane.api.problem import FieldError, invalid
from control_plane.api.schemas import changes
from control_plane.passes import holder as holders
from control_plane.passes import issuing
from control_plane.passes.history import history
from control_plane.passes.models import Pass
from edge.token import Key

router = Router(tags=["Passes"])
READ, WRITE = ApiKey(KeyScope.PASSES_READ), ApiKey(KeyScope.PASSES_WRITE)


@router.get("", auth=READ, response=PassPage, operation_id="list_passes", summary="List and find passes")
def list_passes(request: HttpRequest, where: Query[PassQuery]) -> PassPage:
    """Newest first. Words are found whole, since holders are stored encrypted."""
    own = _own(request)
    with workspace_scope(own):
        found = issuing.search(
            workspace_id=own,
            program_id=where.program_id,
            job_id=where.job_id,
            text=where.q,
            state=where.state,
        )
        rows, following = pagination.page(found, where.cursor, where.limit)
        return PassPage(data=_shown(request, rows), next=following)


@router.post(
    "",
    auth=WRITE,
    response={201: PassList},
    operation_id="issue_passes",
    summary="Issue passes",
    openapi_extra=creation.openapi_extra(),
)
def issue_passes(request: HttpRequest, passes: PassesIn) -> HttpResponse:
    """All of them, or none. The answer has the text of each one's QR code."""
    given = passes.model_dump()
    count, people = given.pop("count"), given.pop("holders")
    if (count is None) == (people is None):
        raise invalid(FieldError("count", "Give either count or holders."))
    if count is not None and not 1 <= count <= issuing.MOST_AT_ONCE:
        raise invalid(FieldError("count", f"Issue 1 to {issuing.MOST_AT_ONCE:,} passes at once."))

    def create() -> PassList:
        with workspace_scope(_own(request)):
            made = issuing.issue(
                workspace_id=_own(request), holders_of=people if count is None else [{}] * count, **given
            )
            return PassList(data=_shown(request, made))

    return creation.created(request, create)


@router.get("/{int:pass_id}", auth=READ, response=PassOut, operation_id="get_pass", summary="Get a pass")
def get_pass(request: HttpRequest, pass_id: int) -> PassOut:
    """One pass, with its holder and the text of its QR code."""
    return _one(request, issuing.get_pass(workspace_id=_own(request), pass_id=pass_id))


@router.patch(
    "/{int:pass_id}", auth=WRITE, response=PassOut, operation_id="update_pass", summary="Change a pass"
)
def update_pass(request: HttpRequest, pass_id: int, changed: PassPatch) -> PassOut:
    """Hold, release, cancel, extend or transfer; fields left out stay as they are."""
    own: dict[str, Any] = {"workspace_id": _own(request), "pass_id": pass_id}
    given = changes(changed)
    with workspace_scope(own["workspace_id"]):
        row = issuing.get_pass(**own)
        if {"valid_from", "valid_until"} & given.keys():
            issuing.extend(
                **own,
                valid_from=given.get("valid_from", row.valid_from),
                valid_until=given.get("valid_until", row.valid_until),
            )
        if "holder" in given:
            issuing.transfer(**own, holder=given["holder"] or {})
        if given.get("state") is not None:
            issuing.change_state(**own, to=given["state"], note=given.get("note", ""))
    return _one(request, issuing.get_pass(**own))


@router.post(
    "/{int:pass_id}/replace",
    auth=WRITE,
    response={201: PassOut},
    operation_id="replace_pass",
    summary="Replace a pass",
    openapi_extra=creation.openapi_extra(),
)
def replace_pass(request: HttpRequest, pass_id: int, replacement: ReplaceIn) -> HttpResponse:
    """A new pass with another code; the old one is refused from now on."""
    given = changes(replacement)

    def create() -> PassOut:
        return _one(request, issuing.replace(workspace_id=_own(request), pass_id=pass_id, **given))

    return creation.created(request, create)


@router.get(
    "/{int:pass_id}/history",
    auth=READ,
    response=HistoryOut,
    operation_id="get_pass_history",
    summary="Get a pass's history",
)
def get_pass_history(request: HttpRequest, pass_id: int) -> HistoryOut:
    """Everything that was done to it, and every scan at a gate, refusals included."""
    lines = history(workspace_id=_own(request), pass_id=pass_id)
    return HistoryOut(data=[HappenedOut(**asdict(line)) for line in lines])


def _own(request: HttpRequest) -> int:
    return int(request.auth.workspace_id)  # type: ignore[attr-defined]


def _one(request: HttpRequest, row: Pass) -> PassOut:
    with workspace_scope(_own(request)):
        return _shown(request, [row])[0]


def _shown(request: HttpRequest, rows: list[Pass]) -> list[PassOut]:
    """In the workspace's scope."""
    # Whoever has the text gets in: who may not issue passes does not see it.
    may_admit = request.auth.may(KeyScope.PASSES_WRITE)  # type: ignore[attr-defined]
    keys: dict[int, Key] = {}
    shown = []
    for row in rows:
        if row.program_id not in keys:
            keys[row.program_id] = issuing.signing_key(row.program)
        data = issuing.signed(row, row.program, keys[row.program_id])
        shown.append(
            PassOut(
                id=row.pk,
                program_id=row.program_id,
                issuer_id=row.issuer_id,
                job_id=row.job_id,
                number=row.number,
                state=row.state,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                max_uses=row.max_uses,
                uses=row.uses,
                first_used_at=row.first_used_at,
                last_used_at=row.last_used_at,
                inside_zone_id=row.inside_zone_id,
                inside_since=row.inside_since,
                replaced_by_id=row.replaced_by_id,
                holder=holders.opened(row.holder, row.workspace_id),
                text=issuing.printed_text(data) if may_admit else None,
                created_at=row.created_at,
            )
        )
    return shown
