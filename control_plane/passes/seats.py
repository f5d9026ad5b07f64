"""People of an issuer, on their phones: a link from the console signs a phone in, which has a key of its own.

`swi_<prefix>_<secret>` in a link is used once, within a day; `sws_<prefix>_<secret>` is what the phone keeps
then, for 90 days. Both are random, shown once and kept as hashes.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import values
from control_plane.passes.errors import Invalid, NotFound, SeatRefused
from control_plane.passes.models import Issuer, Seat

LINK_WITHIN: Final = timedelta(hours=24)
SIGNED_IN_FOR: Final = timedelta(days=90)
SEEN_EVERY: Final = timedelta(minutes=1)
MOST: Final = 50
"""People of one issuer."""
_form = re.compile(r"sw([is])_([0-9a-z]{12})_([A-Za-z0-9_-]{43})")
_alphabet: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LINK_REFUSED: Final = "This link was used or has run out. Ask the organiser for a new one."


@dataclass(frozen=True)
class NewLink:
    """A person's row, and the code of the link that signs their phone in: the only time anybody sees it."""

    seat: Seat
    code: str


@dataclass(frozen=True)
class SignedIn:
    """A person whose phone was signed in just now, and its key: the only time anybody sees it."""

    seat: Seat
    key: str


def create_seat(*, workspace_id: int, issuer_id: int, name: str, created_by: User | None = None) -> NewLink:
    """A person who waits to open their link. Raises Invalid, NotFound."""
    with workspace_scope(workspace_id):
        issuer = Issuer.objects.defer("logo").select_for_update(no_key=True).filter(id=issuer_id).first()
        if issuer is None:
            raise NotFound("There is no such issuer in this workspace.")
        if Seat.objects.filter(issuer=issuer, revoked_at=None).count() >= MOST:
            raise Invalid("name", f"An issuer has at most {MOST} people. Remove one first.")
        seat = Seat(
            issuer=issuer,
            name=values.text("name", name, required=True),
            prefix="".join(secrets.choice(_alphabet) for _ in range(12)),
            created_by=created_by,
        )
        code = _new_code(seat)
        seat.save(force_insert=True)
    return NewLink(seat, code)


def new_link(*, workspace_id: int, seat_id: int) -> NewLink:
    """For another phone, or the same one again: the phone that is signed in goes on until the link is used.

    Raises NotFound.
    """
    with workspace_scope(workspace_id):
        seat = _locked(seat_id)
        code = _new_code(seat)
        seat.save()
    return NewLink(seat, code)


def offered(*, code: str) -> Seat:
    """Whom this link would sign in, with issuer and program; it stays as it is. Raises SeatRefused."""
    prefix, secret, workspace_id = _read(code, "i")
    with workspace_scope(workspace_id):
        seat = _seats().filter(prefix=prefix).first()
        if seat is None or not _good(seat, secret):
            raise SeatRefused(_LINK_REFUSED)
    return seat  # type: ignore[no-any-return]


def sign_in(*, code: str) -> SignedIn:
    """Once for each link; signs out the phone that was signed in before. Raises SeatRefused."""
    prefix, secret, workspace_id = _read(code, "i")
    with workspace_scope(workspace_id):
        seat = _seats().select_for_update(no_key=True, of=("self",)).filter(prefix=prefix).first()
        if seat is None or not _good(seat, secret):
            raise SeatRefused(_LINK_REFUSED)
        key = secrets.token_urlsafe(32)
        seat.link_hash, seat.link_until = "", None
        seat.key_hash = _hash(key)
        seat.signed_in_at = seat.seen_at = timezone.now()
        seat.save()
    return SignedIn(seat, f"sws_{prefix}_{key}")


def authenticate(*, key: str) -> Seat:
    """Whose phone this is, with issuer and program; asked each time. Raises SeatRefused."""
    prefix, secret, workspace_id = _read(key, "s")
    now = timezone.now()
    with workspace_scope(workspace_id):
        seat = _seats().filter(prefix=prefix, revoked_at=None, signed_in_at__gt=now - SIGNED_IN_FOR).first()
        if seat is None or not seat.key_hash or not hmac.compare_digest(seat.key_hash, _hash(secret)):
            raise SeatRefused
        stale = Q(seen_at=None) | Q(seen_at__lt=now - SEEN_EVERY)
        Seat.objects.filter(stale, id=seat.pk).update(seen_at=now)
    return seat  # type: ignore[no-any-return]


def sign_out(*, seat: Seat) -> None:
    """This phone's key works no longer; one that was signed in since keeps its own."""
    with workspace_scope(seat.workspace_id):
        Seat.objects.filter(id=seat.pk, key_hash=seat.key_hash).update(key_hash="")


def remove_seat(*, workspace_id: int, seat_id: int) -> None:
    """At once and for good; again is harmless. What the person made stays. Raises NotFound."""
    with workspace_scope(workspace_id):
        seat = Seat.objects.select_for_update(no_key=True).filter(id=seat_id).first()
        if seat is None:
            raise NotFound("There is no such person in this workspace.")
        if seat.revoked_at is None:
            seat.revoked_at = timezone.now()
            seat.link_hash = seat.key_hash = ""
            seat.save()


def list_seats(*, workspace_id: int, issuer_id: int) -> list[Seat]:
    """Without those who were removed, by name. Raises NotFound."""
    with workspace_scope(workspace_id):
        if not Issuer.objects.filter(id=issuer_id).exists():
            raise NotFound("There is no such issuer in this workspace.")
        return list(Seat.objects.filter(issuer_id=issuer_id, revoked_at=None).order_by("name", "id"))


def get_seat(*, workspace_id: int, issuer_id: int, seat_id: int) -> Seat:
    """Raises NotFound, also where the person is another issuer's."""
    with workspace_scope(workspace_id):
        seat = Seat.objects.filter(id=seat_id, issuer_id=issuer_id, revoked_at=None).first()
        if seat is None:
            raise NotFound("This issuer has no such person.")
    return seat  # type: ignore[no-any-return]


def state(seat: Seat) -> str:
    """signed_in, invited: a link waits to be used; or signed_out."""
    now = timezone.now()
    if seat.key_hash and seat.signed_in_at is not None and seat.signed_in_at > now - SIGNED_IN_FOR:
        return "signed_in"
    return (
        "invited"
        if seat.link_hash and seat.link_until is not None and seat.link_until > now
        else "signed_out"
    )


def _seats():  # type: ignore[no-untyped-def]
    return Seat.objects.select_related("issuer__program").defer("issuer__logo")


def _good(seat: Seat, secret: str) -> bool:
    return (
        seat.revoked_at is None
        and bool(seat.link_hash)
        and seat.link_until is not None
        and seat.link_until > timezone.now()
        and hmac.compare_digest(seat.link_hash, _hash(secret))
    )


def _new_code(seat: Seat) -> str:
    secret = secrets.token_urlsafe(32)
    seat.link_hash = _hash(secret)
    seat.link_until = timezone.now() + LINK_WITHIN
    return f"swi_{seat.prefix}_{secret}"


def _locked(seat_id: int) -> Seat:
    seat = Seat.objects.select_for_update(no_key=True).filter(id=seat_id, revoked_at=None).first()
    if seat is None:
        raise NotFound("There is no such person in this workspace.")
    return seat  # type: ignore[no-any-return]


def _read(text: str, kind: str) -> tuple[str, str, int]:
    refused = SeatRefused(_LINK_REFUSED) if kind == "i" else SeatRefused()
    match = _form.fullmatch(text.strip())
    if match is None or match[1] != kind:
        raise refused
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspace_of_seat(%s)", [match[2]])
        (workspace_id,) = cursor.fetchone()
    if workspace_id is None:
        raise refused
    return match[2], match[3], workspace_id


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
