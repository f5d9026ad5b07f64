"""People of an issuer, who make its passes on their own phones, and the issuer's logo."""

import base64
import binascii
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router, Schema
from pydantic import ConfigDict, Field, StrictStr

from control_plane.accounts.permissions import KeyScope
from control_plane.api import creation
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import Strict
from control_plane.passes import issuers, programs, seats
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Issuer, Seat

router = Router(tags=["Programs"])
WRITE, MANAGE = (ApiKey(scope) for scope in (KeyScope.PASSES_WRITE, KeyScope.GATES_MANAGE))

_PEOPLE = "/{int:program_id}/issuers/{int:issuer_id}/people"
_LOGO = "/{int:program_id}/issuers/{int:issuer_id}/logo"


class PersonIn(Strict):
    """A person of an issuer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Maria"}]})

    name: StrictStr = Field(description="1 to 80 characters.", max_length=200)


class PersonOut(Schema):
    """A person of an issuer, and whether their phone is signed in."""

    id: int
    issuer_id: int
    name: str
    state: Literal["invited", "signed_in", "signed_out"] = Field(
        description="invited: a link waits to be opened."
    )
    link_until: datetime | None
    signed_in_at: datetime | None
    seen_at: datetime | None


class PersonList(Schema):
    """All people of an issuer, by name."""

    data: list[PersonOut]


class PersonLinkOut(PersonOut):
    """With the link that signs the person's phone in: once, within 24 hours. It is not shown again."""

    link: str


class LogoIn(Strict):
    """An image to print on the issuer's passes."""

    image: StrictStr = Field(
        description="PNG, JPEG or WebP as base64: at most 1 MB and 4096 pixels a side.", max_length=1_400_000
    )


class LogoOut(Schema):
    """What is kept: a PNG of at most 600 × 240 pixels, as base64."""

    image: str


@router.get(
    _PEOPLE,
    auth=MANAGE,
    response=PersonList,
    operation_id="list_issuer_people",
    summary="List an issuer's people",
)
def list_issuer_people(request: HttpRequest, program_id: int, issuer_id: int) -> PersonList:
    """Those who were not removed."""
    _check(request, program_id, issuer_id)
    rows = seats.list_seats(workspace_id=_own(request), issuer_id=issuer_id)
    return PersonList(data=[PersonOut(**_person(row)) for row in rows])


@router.post(
    _PEOPLE,
    auth=MANAGE,
    response={201: PersonLinkOut},
    operation_id="create_issuer_person",
    summary="Add a person to an issuer",
)
def create_issuer_person(
    request: HttpRequest, response: HttpResponse, program_id: int, issuer_id: int, person: PersonIn
) -> PersonLinkOut:
    """The answer has the link that signs their phone in, once. No Idempotency-Key here: the answer would be
    kept with the link in it. Where a reply was lost, list the people and make a new link."""
    _check(request, program_id, issuer_id)
    made = seats.create_seat(workspace_id=_own(request), issuer_id=issuer_id, name=person.name)
    response["Location"] = f"{request.path.rstrip('/')}/{made.seat.pk}"
    return _with_link(made)


@router.post(
    _PEOPLE + "/{int:seat_id}/link",
    auth=MANAGE,
    response=PersonLinkOut,
    operation_id="create_issuer_person_link",
    summary="Make a new sign-in link",
)
def create_issuer_person_link(
    request: HttpRequest, program_id: int, issuer_id: int, seat_id: int
) -> PersonLinkOut:
    """The phone that is signed in goes on until the link is used; a link made before stops working."""
    _check(request, program_id, issuer_id, seat_id)
    return _with_link(seats.new_link(workspace_id=_own(request), seat_id=seat_id))


@router.delete(
    _PEOPLE + "/{int:seat_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_issuer_person",
    summary="Remove a person from an issuer",
)
def delete_issuer_person(request: HttpRequest, program_id: int, issuer_id: int, seat_id: int) -> HttpResponse:
    """Their phone is signed out at once; the passes that they made stay."""
    _check(request, program_id, issuer_id, seat_id)
    seats.remove_seat(workspace_id=_own(request), seat_id=seat_id)
    return creation.nothing()


@router.put(
    _LOGO, auth=WRITE, response=LogoOut, operation_id="set_issuer_logo", summary="Set an issuer's logo"
)
def set_issuer_logo(request: HttpRequest, program_id: int, issuer_id: int, logo: LogoIn) -> LogoOut:
    """Printed on its passes, and shown on its people's phones."""
    _check(request, program_id, issuer_id)
    try:
        data = base64.b64decode(logo.image.partition("base64,")[2] or logo.image, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("image", "Send the image as base64.") from None
    try:
        kept = issuers.set_logo(workspace_id=_own(request), issuer_id=issuer_id, data=data)
    except Invalid as error:
        raise Invalid("image", error.message) from None
    return LogoOut(image=base64.b64encode(kept).decode())


@router.delete(
    _LOGO,
    auth=WRITE,
    response={204: None},
    operation_id="delete_issuer_logo",
    summary="Remove an issuer's logo",
)
def delete_issuer_logo(request: HttpRequest, program_id: int, issuer_id: int) -> HttpResponse:
    """Its passes are printed without one from now on."""
    _check(request, program_id, issuer_id)
    issuers.remove_logo(workspace_id=_own(request), issuer_id=issuer_id)
    return creation.nothing()


def _own(request: HttpRequest) -> int:
    return int(request.auth.workspace_id)  # type: ignore[attr-defined]


def _check(request: HttpRequest, program_id: int, issuer_id: int, seat_id: int | None = None) -> None:
    """Raises NotFound where the issuer is of another program, or the person of another issuer."""
    own = _own(request)
    programs.check_belongs(workspace_id=own, model=Issuer, program_id=program_id, row_id=issuer_id)
    if seat_id is not None:
        seats.get_seat(workspace_id=own, issuer_id=issuer_id, seat_id=seat_id)


def _person(row: Seat) -> dict[str, object]:
    return {
        "id": row.pk,
        "issuer_id": row.issuer_id,
        "name": row.name,
        "state": seats.state(row),
        "link_until": row.link_until,
        "signed_in_at": row.signed_in_at,
        "seen_at": row.seen_at,
    }


def _with_link(made: seats.NewLink) -> PersonLinkOut:
    base = settings.CONFIG.console_url.geturl().rstrip("/")
    address = base + reverse("seat:sign_in", args=[made.code])
    return PersonLinkOut(**_person(made.seat), link=address)
