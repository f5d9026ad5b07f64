"""What can be done with people and workspaces. Every function owns its transaction and its scope."""

import hashlib
import re
import secrets
import unicodedata
import zoneinfo
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from control_plane.accounts.errors import (
    AlreadyMember,
    InvalidAccount,
    InvitationRefused,
    LastOwner,
    NotAllowed,
    NotFound,
)
from control_plane.accounts.models import Invitation, Membership, User, Workspace
from control_plane.accounts.permissions import Role, manages
from control_plane.accounts.tenancy import user_scope, workspace_scope

INVITATION_DAYS = 7


def create_user(*, email: str, password: str, name: str = "", check_password: bool = True) -> User:
    """A new person, with a verified address. Raises InvalidAccount(field email or password)."""
    from allauth.account.models import EmailAddress

    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidAccount(
            "Give a complete e-mail address, such as ana@example.com.", field="email"
        ) from None
    user = User(email=email, name=name.strip())
    if check_password:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise InvalidAccount(" ".join(error.messages), field="password") from None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    except IntegrityError:
        raise InvalidAccount("There is an account with this e-mail address already.", field="email") from None
    return user


def create_workspace(*, name: str, owner: User, time_zone: str = "UTC", slug: str = "") -> Workspace:
    """A new workspace with its first owner. The slug is made from the name where none is given.

    Raises InvalidAccount(field name, time_zone or slug).
    """
    name = _clean_name(name)
    _check_time_zone(time_zone)
    if slug and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", slug):
        raise InvalidAccount("Use lower-case letters, digits and inner hyphens, at most 50.", field="slug")
    wanted = slug or _slug_of(name)
    for attempt in range(20):
        tried = wanted if attempt == 0 else f"{wanted[:42]}-{secrets.token_hex(3)}"
        try:
            return _insert_workspace(name=name, slug=tried, time_zone=time_zone, owner=owner)
        except IntegrityError as error:
            if "slug" not in str(error):
                raise
            if slug:
                raise InvalidAccount(f"“{slug}” is taken. Choose another address.", field="slug") from None
    raise InvalidAccount("No free address was found for this name. Give one yourself.", field="slug")


def _insert_workspace(*, name: str, slug: str, time_zone: str, owner: User) -> Workspace:
    # The number comes first, so that the row is born inside its own scope and needs no hole in the wall.
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_workspace', 'id'))")
            (workspace_id,) = cursor.fetchone()
        with workspace_scope(workspace_id):
            workspace = Workspace(id=workspace_id, name=name, slug=slug, time_zone=time_zone)
            workspace.save(force_insert=True)
            Membership(user=owner, role=Role.OWNER).save(force_insert=True)
    return workspace


def update_workspace(
    *, workspace_id: int, name: str | None = None, time_zone: str | None = None
) -> Workspace:
    """Raises InvalidAccount(field name or time_zone)."""
    with workspace_scope(workspace_id):
        workspace = Workspace.objects.select_for_update().get()
        if name is not None:
            workspace.name = _clean_name(name)
        if time_zone is not None:
            _check_time_zone(time_zone)
            workspace.time_zone = time_zone
        workspace.save()
    return workspace


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise InvalidAccount("Give a name.", field="name")
    if len(name) > 80:
        raise InvalidAccount(f"A name has at most 80 characters; this one has {len(name)}.", field="name")
    if not name.isprintable():
        raise InvalidAccount("The name holds characters that cannot be shown. Type it again.", field="name")
    return name


def _check_time_zone(time_zone: str) -> None:
    if time_zone not in zoneinfo.available_timezones():
        raise InvalidAccount("Choose a time zone such as Europe/Madrid.", field="time_zone")


def _slug_of(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:48].strip("-") or secrets.token_hex(4)


def memberships_of(*, user: User) -> list[Membership]:
    """A person's memberships, each with its workspace loaded, oldest first."""
    with user_scope(user.pk):
        return list(Membership.own.select_related("workspace").order_by("created_at", "id"))


def resolve_membership(*, user: User, slug: str) -> Membership:
    """The person's membership of the workspace with this slug, workspace loaded.

    Raises NotFound, in the same way for a workspace that does not exist and for one of other people.
    """
    with user_scope(user.pk):
        membership = Membership.own.select_related("workspace").filter(workspace__slug=slug).first()
    if membership is None:
        raise NotFound
    return membership


def list_members(*, workspace_id: int) -> list[Membership]:
    """All members with their user loaded, oldest first."""
    with workspace_scope(workspace_id):
        return list(Membership.objects.select_related("user").order_by("created_at", "id"))


def add_member(*, workspace_id: int, user: User, role: str, by: Membership | None = None) -> Membership:
    """Raises AlreadyMember, NotAllowed, InvalidAccount(role). `by` is None where an operator does it."""
    _check_role(role, by)
    with workspace_scope(workspace_id):
        membership = Membership(user=user, role=role)
        try:
            with transaction.atomic():
                membership.save(force_insert=True)
        except IntegrityError:
            raise AlreadyMember from None
    return membership


def change_role(
    *, workspace_id: int, membership_id: int, role: str, by: Membership | None = None
) -> Membership:
    """Raises NotFound, NotAllowed, LastOwner, InvalidAccount(role)."""
    _check_role(role, by)
    with workspace_scope(workspace_id):
        membership = _locked_member(membership_id, by)
        if membership.role == Role.OWNER and role != Role.OWNER:
            _check_another_owner(membership)
        membership.role = role
        membership.save(update_fields=["role"])
    return membership


def remove_member(*, workspace_id: int, membership_id: int, by: Membership | None = None) -> None:
    """Raises NotFound, NotAllowed, LastOwner. Everybody may leave; the last owner may not."""
    with workspace_scope(workspace_id):
        leaving = by is not None and by.pk == membership_id
        membership = _locked_member(membership_id, None if leaving else by)
        if membership.role == Role.OWNER:
            _check_another_owner(membership)
        membership.delete()


def _check_role(role: str, by: Membership | None) -> None:
    if role not in set(Role):
        raise InvalidAccount(f"Choose one of: {', '.join(Role)}.", field="role")
    if by is not None and not manages(by.role, role):
        raise NotAllowed(field="role")


def _locked_member(membership_id: int, by: Membership | None) -> Membership:
    """The member, with all owners locked first: two owners who leave at once would leave nobody."""
    list(Membership.objects.select_for_update().filter(role=Role.OWNER).order_by("id"))
    membership = Membership.objects.select_for_update().filter(id=membership_id).first()
    if membership is None:
        raise NotFound
    if by is not None and not manages(by.role, membership.role):
        raise NotAllowed
    return membership


def _check_another_owner(membership: Membership) -> None:
    if not Membership.objects.filter(role=Role.OWNER).exclude(id=membership.pk).exists():
        raise LastOwner


@dataclass(frozen=True)
class NewInvitation:
    """An invitation and the token for its link, which is shown this once."""

    invitation: Invitation
    token: str


def invite_member(*, workspace_id: int, email: str, role: str, by: Membership | None = None) -> NewInvitation:
    """A place for whoever shows the token within 7 days. Raises AlreadyMember, NotAllowed, InvalidAccount."""
    _check_role(role, by)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidAccount(
            "Give a complete e-mail address, such as ana@example.com.", field="email"
        ) from None
    token = secrets.token_urlsafe(32)
    with workspace_scope(workspace_id):
        if Membership.objects.filter(user__email=email).exists():
            raise AlreadyMember
        Invitation.objects.filter(email=email, accepted_at=None).delete()
        invitation = Invitation(
            email=email,
            role=role,
            token_hash=_sha256(token),
            invited_by_id=by.user_id if by else None,
            expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
        )
        invitation.save(force_insert=True)
    return NewInvitation(invitation, token)


def list_invitations(*, workspace_id: int) -> list[Invitation]:
    """The open ones, newest first."""
    with workspace_scope(workspace_id):
        open_ones = Invitation.objects.filter(accepted_at=None, expires_at__gt=timezone.now())
        return list(open_ones.order_by("-created_at", "-id"))


def revoke_invitation(*, workspace_id: int, invitation_id: int) -> None:
    """Raises NotFound."""
    with workspace_scope(workspace_id):
        deleted, _ = Invitation.objects.filter(id=invitation_id, accepted_at=None).delete()
        if not deleted:
            raise NotFound


def find_invitation(*, token: str) -> Invitation:
    """The open invitation of this token, workspace loaded. Raises InvitationRefused."""
    with workspace_scope(_workspace_of_invitation(token)):
        invitation = Invitation.objects.select_related("workspace").filter(token_hash=_sha256(token)).first()
    if invitation is None or invitation.accepted_at or invitation.expires_at <= timezone.now():
        raise InvitationRefused
    return invitation


def accept_invitation(*, token: str, user: User) -> Membership:
    """Used once: the conditional UPDATE decides who was first. Raises InvitationRefused, AlreadyMember."""
    now = timezone.now()
    workspace_id = _workspace_of_invitation(token)
    with workspace_scope(workspace_id):
        waiting = Invitation.objects.filter(
            token_hash=_sha256(token), email=user.email.lower(), accepted_at=None, expires_at__gt=now
        )
        invitation = waiting.first()
        if invitation is None or not waiting.update(accepted_at=now):
            raise InvitationRefused
        return add_member(workspace_id=workspace_id, user=user, role=invitation.role)


def _workspace_of_invitation(token: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspace_of_invitation(%s)", [_sha256(token)])
        (workspace_id,) = cursor.fetchone()
    if workspace_id is None:
        raise InvitationRefused
    return int(workspace_id)


def find_workspace(*, slug: str) -> Workspace:
    """For an operator on the command line, who belongs to no workspace. Raises NotFound."""
    for workspace_id in all_workspace_ids():
        with workspace_scope(workspace_id):
            if workspace := Workspace.objects.filter(slug=slug).first():
                return workspace
    raise NotFound(f"There is no workspace with the slug “{slug}”.", field="workspace")


def all_workspace_ids() -> list[int]:
    """For work that goes through all workspaces one by one, each in its own scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspaces()")
        return [row[0] for row in cursor.fetchall()]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
