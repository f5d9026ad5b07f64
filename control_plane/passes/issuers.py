"""Who may issue passes of a program, how many, and on which days."""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import logos, values
from control_plane.passes.errors import InUse, Invalid, NameTaken, NotFound
from control_plane.passes.models import Issuer, IssuerDay, JobState, Program

_CHECKS = {
    "name": lambda value: values.text("name", value, required=True),
    "is_active": lambda value: values.flag("is_active", value),
    "quota_total": lambda value: values.number("quota_total", value, least=0),
    "quota_daily": lambda value: values.number("quota_daily", value, least=0),
}


def create_issuer(*, workspace_id: int, program_id: int, name: str, **settings: Any) -> Issuer:
    """Raises Invalid, NameTaken, NotFound."""
    with workspace_scope(workspace_id):
        program = Program.objects.filter(id=program_id).first()
        if program is None:
            raise NotFound("There is no such program in this workspace.")
        issuer = Issuer(program=program)
        _apply(issuer, {"name": name} | settings, new=True)
    return issuer


def update_issuer(*, workspace_id: int, issuer_id: int, **changes: Any) -> Issuer:
    """Change name, is_active, quota_total or quota_daily. Raises Invalid, NameTaken, NotFound."""
    with workspace_scope(workspace_id):
        issuer = _locked(issuer_id)
        _apply(issuer, changes)
    return issuer


def set_day(*, workspace_id: int, issuer_id: int, day: date, is_active: bool | None) -> None:
    """On or off on this day, whatever the issuer is otherwise; None: as otherwise. Raises NotFound."""
    with workspace_scope(workspace_id):
        issuer = _locked(issuer_id)
        IssuerDay.objects.filter(issuer=issuer, day=day).delete()
        if is_active is not None:
            IssuerDay(issuer=issuer, day=day, is_active=values.flag("is_active", is_active)).save()


def delete_issuer(*, workspace_id: int, issuer_id: int) -> None:
    """Only while it has issued nothing. Raises NotFound, InUse."""
    with workspace_scope(workspace_id):
        issuer = _locked(issuer_id)
        if count := issuer.passes.filter(program=issuer.program_id).count():
            raise InUse(f"{issuer.name} has issued {count:,} passes. Switch it off instead.")
        if issuer.jobs.filter(state__in=[JobState.WAITING, JobState.RUNNING]).exists():
            raise InUse(f"Passes of {issuer.name} are being made. Cancel its jobs first.")
        # They made nothing.
        issuer.jobs.all().delete()
        issuer.delete()


def set_logo(*, workspace_id: int, issuer_id: int, data: bytes) -> bytes:
    """Returns what is kept of the file. Raises Invalid(logo), NotFound."""
    logo = logos.normal(data)
    with workspace_scope(workspace_id):
        if not Issuer.objects.filter(id=issuer_id).update(logo=logo):
            raise NotFound("There is no such issuer in this workspace.")
    return logo


def remove_logo(*, workspace_id: int, issuer_id: int) -> None:
    """Again is harmless. Raises NotFound."""
    with workspace_scope(workspace_id):
        if not Issuer.objects.filter(id=issuer_id).update(logo=b""):
            raise NotFound("There is no such issuer in this workspace.")


def list_issuers(*, workspace_id: int, program_id: int) -> list[Issuer]:
    """By name, each with `issued` and `used`: how many passes there are, and how many of them were used."""
    with workspace_scope(workspace_id):
        return list(
            Issuer.objects.filter(program_id=program_id)
            .defer("logo")
            .annotate(issued=Count("passes"), used=Count("passes", filter=Q(passes__uses__gt=0)))
            .order_by("name")
        )


def _locked(issuer_id: int) -> Issuer:
    issuer = Issuer.objects.select_for_update(no_key=True).filter(id=issuer_id).first()
    if issuer is None:
        raise NotFound("There is no such issuer in this workspace.")
    return issuer  # type: ignore[no-any-return]


def _apply(issuer: Issuer, given: dict[str, Any], *, new: bool = False) -> None:
    if unknown := given.keys() - _CHECKS.keys():
        raise Invalid(min(unknown), "This cannot be changed.")
    for field, value in given.items():
        setattr(issuer, field, _CHECKS[field](value))
    try:
        with transaction.atomic():
            issuer.save(force_insert=new)
    except IntegrityError as error:
        if "name_unique" not in str(error):
            raise
        raise NameTaken(f"“{issuer.name}” is already in use here. Choose another name.") from None
