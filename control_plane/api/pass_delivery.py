"""How a pass reaches its holder: its links, its code as a picture, and mail."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import creation
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import Strict
from control_plane.passes import access, card, delivery, issuing, symbols, wallet_apple, wallet_google
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Delivery, Pass, PassState

router = Router(tags=["Passes"])
READ, WRITE = ApiKey(KeyScope.PASSES_READ), ApiKey(KeyScope.PASSES_WRITE)


class LinksOut(Schema):
    """Secret: whoever opens one gets in. A change of the holder makes them new."""

    web: str = Field(description="The pass's own page, with its holder's name; works offline once opened.")
    pkpass: str | None = Field(description="The file for Apple's Wallet; null where there can be none.")
    google_wallet: str | None = Field(description="Saves it to Google Wallet; null where that cannot be.")


class DeliveryIn(Strict):
    """By mail, to the address of its holder."""

    kind: Literal["email"] = "email"


class DeliveryOut(Schema):
    """A mail to a pass's holder."""

    id: int
    state: Literal["waiting", "sent", "failed"]
    tries: int
    problem: str = Field(description="Why it was not sent, in a sentence.")
    created_at: datetime
    next_at: datetime | None = Field(description="When it is tried, while it waits.")
    sent_at: datetime | None


class DeliveryList(Schema):
    """Newest first; the last 20."""

    data: list[DeliveryOut]


@router.get(
    "/{int:pass_id}/links",
    auth=WRITE,
    response=LinksOut,
    operation_id="get_pass_links",
    summary="Get a pass's links",
)
def get_pass_links(request: HttpRequest, pass_id: int) -> LinksOut:
    """What its holder opens on a phone."""
    with workspace_scope(_own(request)):
        shown = card.card(_row(request, pass_id))
    web = access.web_link(shown.row)
    # Wallets take no code that changes, and gates no pass that is cancelled.
    lasting = not shown.secret and shown.state not in ("cancelled", "replaced")
    return LinksOut(
        web=web,
        pkpass=f"{web}/pass.pkpass" if lasting and wallet_apple.is_on() else None,
        google_wallet=wallet_google.save_link(shown) if lasting and wallet_google.is_on() else None,
    )


@router.get(
    "/{int:pass_id}/deliveries",
    auth=READ,
    response=DeliveryList,
    operation_id="list_pass_deliveries",
    summary="List mails of a pass",
)
def list_pass_deliveries(request: HttpRequest, pass_id: int) -> DeliveryList:
    """Whether and when it was sent."""
    _row(request, pass_id)
    rows = delivery.deliveries(workspace_id=_own(request), pass_id=pass_id)
    return DeliveryList(data=[_delivery(row) for row in rows])


@router.post(
    "/{int:pass_id}/deliveries",
    auth=WRITE,
    response={201: DeliveryOut},
    operation_id="send_pass",
    summary="Send a pass by mail",
    openapi_extra=creation.openapi_extra(),
)
def send_pass(request: HttpRequest, pass_id: int, wanted: DeliveryIn) -> HttpResponse:
    """To its holder's address, within seconds. One that is on its way already is not sent twice."""

    def create() -> DeliveryOut:
        return _delivery(delivery.send_one(workspace_id=_own(request), pass_id=pass_id))

    return creation.created(request, create)


def _image(request: HttpRequest, pass_id: int, kind: str) -> HttpResponse:
    with workspace_scope(_own(request)):
        row = _row(request, pass_id)
        if row.state in (PassState.REVOKED, PassState.REPLACED):
            raise Invalid("pass_id", "Gates refuse this pass, so there is no code of it.")
        content = symbols.symbol(symbols.text_of(row, row.program), kind)
    headers = {
        "Content-Disposition": f'inline; filename="pass-{row.number}.{kind}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type=symbols.CONTENT_TYPES[kind], headers=headers)


def _extra(kind: str) -> dict[str, Any]:
    schema = {"type": "string"} if kind == "svg" else {"type": "string", "format": "binary"}
    content = {symbols.CONTENT_TYPES[kind]: {"schema": schema}}
    return {
        "auth": WRITE,
        "operation_id": f"get_pass_qr_{kind}",
        "summary": f"A pass's QR code as {kind.upper()}",
        "openapi_extra": {"responses": {200: {"description": "The image.", "content": content}}},
    }


@router.get("/{int:pass_id}/qr.svg", **_extra("svg"))
def svg(request: HttpRequest, pass_id: int) -> HttpResponse:
    """What is printed. None where the program's codes change every 15 seconds."""
    return _image(request, pass_id, "svg")


@router.get("/{int:pass_id}/qr.png", **_extra("png"))
def png(request: HttpRequest, pass_id: int) -> HttpResponse:
    """What is printed. None where the program's codes change every 15 seconds."""
    return _image(request, pass_id, "png")


def _own(request: HttpRequest) -> int:
    return int(request.auth.workspace_id)  # type: ignore[attr-defined]


def _row(request: HttpRequest, pass_id: int) -> Pass:
    return issuing.get_pass(workspace_id=_own(request), pass_id=pass_id)


def _delivery(row: Delivery) -> DeliveryOut:
    waits = row.state == "waiting"
    return DeliveryOut(
        id=row.pk,
        state=row.state,
        tries=row.tries,
        problem=row.problem,
        created_at=row.created_at,
        next_at=row.next_at if waits else None,
        sent_at=row.sent_at,
    )
