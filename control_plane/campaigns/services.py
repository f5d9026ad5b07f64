"""What can be done with campaigns and links. Each function owns its transaction; publishing follows."""

from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns.destinations import check_destination
from control_plane.campaigns.errors import (
    CodeTaken,
    EditConflict,
    InvalidCampaign,
    InvalidLink,
    LinkBlocked,
    NotFound,
)
from control_plane.campaigns.models import Campaign, Link, LinkState
from control_plane.campaigns.own_hosts import own_hosts
from control_plane.campaigns.publish import publication, publish_link
from edge.code import CodeError, check_own_code, random_code

REDIRECT_STATUSES: Final = (301, 302, 303, 307, 308)
EDITABLE: Final = frozenset(
    {"title", "destination", "campaign_id", "starts_at", "expires_at", "redirect_status"}
)


def create_link(
    *,
    workspace_id: int,
    destination: str,
    title: str = "",
    code: str = "",
    campaign_id: int | None = None,
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    redirect_status: int = 302,
    created_by: User | None = None,
) -> Link:
    """A new active link; a random code where none is given. Raises InvalidLink(field, message), CodeTaken."""
    try:
        own_code = check_own_code(code) if code.strip() else ""
    except CodeError as error:
        raise InvalidLink("code", str(error)) from None
    with workspace_scope(workspace_id):
        link = Link(created_by=created_by)
        _apply(
            link,
            {
                "title": title,
                "destination": destination,
                "campaign_id": campaign_id,
                "starts_at": starts_at,
                "expires_at": expires_at,
                "redirect_status": redirect_status,
            },
        )
        # A random code that is taken: one chance in 10^9 with a million links. Five times running: never.
        for tried in [own_code] if own_code else [random_code() for _ in range(5)]:
            link.code = tried
            try:
                with transaction.atomic():
                    link.save(force_insert=True)
                break
            except IntegrityError as error:
                if "campaigns_link_code" not in str(error):
                    raise
        else:
            raise CodeTaken(f"The code “{link.code}” is taken. Choose another one, or leave it empty.")
        _publish_on_commit(link)
    return link


def update_link(
    *, workspace_id: int, link_id: int, expected_version: int | None = None, **changes: Any
) -> Link:
    """Change any of EDITABLE; what is not named stays. The version counts up by one where anything differs.

    With `expected_version`, refuses to overwrite an edit that the caller has not seen. Raises
    InvalidLink(field, message), NotFound, LinkBlocked, EditConflict.
    """
    if unknown := changes.keys() - EDITABLE:
        raise InvalidLink(min(unknown), "This cannot be changed.")
    with workspace_scope(workspace_id):
        link = _locked_link(link_id)
        if expected_version is not None and link.version != expected_version:
            raise EditConflict
        if _apply(link, changes):
            _save_next_version(link)
    return link


def pause_link(*, workspace_id: int, link_id: int) -> Link:
    """Visitors see a friendly page; again is harmless. Raises NotFound, LinkBlocked."""
    return _set_state(workspace_id, link_id, LinkState.PAUSED)


def resume_link(*, workspace_id: int, link_id: int) -> Link:
    """Raises NotFound, LinkBlocked."""
    return _set_state(workspace_id, link_id, LinkState.ACTIVE)


def delete_link(*, workspace_id: int, link_id: int) -> Link:
    """For good: visitors see “gone”, and nobody gets the code again. Raises NotFound, LinkBlocked."""
    return _set_state(workspace_id, link_id, LinkState.DELETED)


def block_link(*, workspace_id: int, link_id: int) -> Link:
    """The abuse desk's kill switch; members of the workspace cannot undo it. Raises NotFound."""
    return _set_state(workspace_id, link_id, LinkState.BLOCKED, abuse_desk=True)


def unblock_link(*, workspace_id: int, link_id: int) -> Link:
    """The abuse desk gives a link back, paused: its people decide when it answers again. Raises NotFound."""
    return _set_state(workspace_id, link_id, LinkState.PAUSED, abuse_desk=True)


def create_campaign(*, workspace_id: int, name: str) -> Campaign:
    """Raises InvalidCampaign(name, message)."""
    with workspace_scope(workspace_id):
        campaign = Campaign(name=_campaign_name(name))
        _save_campaign(campaign)
    return campaign


def rename_campaign(*, workspace_id: int, campaign_id: int, name: str) -> Campaign:
    """Raises InvalidCampaign(name, message), NotFound."""
    with workspace_scope(workspace_id):
        campaign = Campaign.objects.select_for_update().filter(id=campaign_id).first()
        if campaign is None:
            raise NotFound
        campaign.name = _campaign_name(name)
        _save_campaign(campaign)
    return campaign


def delete_campaign(*, workspace_id: int, campaign_id: int) -> None:
    """Its links stay, without a campaign. Raises NotFound."""
    with workspace_scope(workspace_id):
        campaign = Campaign.objects.filter(id=campaign_id).first()
        if campaign is None:
            raise NotFound
        Link.objects.filter(campaign_id=campaign_id).update(campaign=None)
        campaign.delete()


def _save_campaign(campaign: Campaign) -> None:
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError:
        raise InvalidCampaign("name", f"There is a campaign called “{campaign.name}” already.") from None


def _campaign_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise InvalidCampaign("name", "Give the campaign a name of 1 to 80 characters.")
    return name


def _locked_link(link_id: int) -> Link:
    """The lock makes `version += 1` safe: of two edits at once, the second starts from the first's result."""
    link = (
        Link.objects.select_for_update(of=("self",))
        .filter(id=link_id)
        .exclude(state=LinkState.DELETED)
        .first()
    )
    if link is None:
        raise NotFound
    if link.state == LinkState.BLOCKED:
        raise LinkBlocked
    return link


def _set_state(workspace_id: int, link_id: int, state: LinkState, *, abuse_desk: bool = False) -> Link:
    with workspace_scope(workspace_id):
        if abuse_desk:
            link = Link.objects.select_for_update(of=("self",)).filter(id=link_id).first()
            if link is None or link.state == LinkState.DELETED:
                raise NotFound
        else:
            link = _locked_link(link_id)
        if link.state != state:
            link.state = state
            _save_next_version(link)
    return link


def _save_next_version(link: Link) -> None:
    link.version += 1
    link.updated_at = timezone.now()
    link.save()
    _publish_on_commit(link)


def _publish_on_commit(link: Link) -> None:
    # The one place where an edit leaves PostgreSQL. What is sent is fixed now: `link` may change after.
    transaction.on_commit(partial(publish_link, publication(link)), robust=True)


def _apply(link: Link, changes: dict[str, Any]) -> bool:
    """Checks and sets; True where something differs. Raises InvalidLink."""
    clean = {name: _CLEAN[name](value) for name, value in changes.items()}
    differs = any(getattr(link, name) != value for name, value in clean.items())
    for name, value in clean.items():
        setattr(link, name, value)
    if link.starts_at and link.expires_at and link.expires_at <= link.starts_at:
        raise InvalidLink("expires_at", "The end has to come after the start.")
    return differs


def _clean_title(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidLink("title", "A title is text.")
    title = " ".join(value.split())
    if len(title) > 200:
        raise InvalidLink("title", f"A title has at most 200 characters; this one has {len(title)}.")
    if not title.isprintable():
        raise InvalidLink("title", "The title holds characters that cannot be shown. Type it again.")
    return title


def _clean_destination(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidLink("destination", "Give an address, such as https://example.com/menu.")
    return check_destination(value, own_hosts())


def _clean_campaign(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or not Campaign.objects.filter(id=value).exists():
        raise InvalidLink("campaign_id", "There is no such campaign in this workspace.")
    return value


def _clean_time(field: str, value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or timezone.is_naive(value):
        raise InvalidLink(
            field, "Give a date and time with its time zone, such as 2030-01-31T18:00:00+01:00."
        )
    if not 1970 <= value.year <= 9998:
        raise InvalidLink(field, "Give a year from 1970 to 9998.")
    return value


def _clean_status(value: Any) -> int:
    if value not in REDIRECT_STATUSES:
        raise InvalidLink("redirect_status", f"Choose one of {', '.join(map(str, REDIRECT_STATUSES))}.")
    return int(value)


_CLEAN: Final = {
    "title": _clean_title,
    "destination": _clean_destination,
    "campaign_id": _clean_campaign,
    "starts_at": partial(_clean_time, "starts_at"),
    "expires_at": partial(_clean_time, "expires_at"),
    "redirect_status": _clean_status,
}
