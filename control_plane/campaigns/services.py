"""What can be done with campaigns and links. Each function owns its transaction; publishing follows."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import link_values, names
from control_plane.campaigns.errors import (
    CodeTaken,
    EditConflict,
    InvalidCampaign,
    InvalidLink,
    LinkBlocked,
    NewerRules,
    NotFound,
)
from control_plane.campaigns.link_values import EDITABLE, REDIRECT_STATUSES
from control_plane.campaigns.models import Campaign, Link, LinkState
from control_plane.campaigns.publish import publication, publish_link
from edge.code import CodeError, check_own_code, random_code

__all__ = [
    "EDITABLE", "REDIRECT_STATUSES", "block_link", "create_campaign", "create_link", "delete_campaign",
    "delete_link", "pause_link", "rename_campaign", "reset_scans", "resume_link", "unblock_link",
    "update_link",
]  # fmt: skip

TRIES: Final = 5
"""A random code that is taken: one chance in 10^9 with a million links. Five times running: never."""


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
    domain_id: int | None = None,
    rules: Sequence[dict[str, Any]] = (),
    max_scans: int | None = None,
    password: str | None = "",
    fallback: str | None = "",
    pass_query: bool = False,
    gs1: str | None = "",
    created_by: User | None = None,
) -> Link:
    """A new active link; a random code where none is given. `rules` in the JSON form of edge.rules.

    Raises InvalidLink(field, message), CodeTaken, NameTaken.
    """
    try:
        own_code = check_own_code(code) if code.strip() else ""
    except CodeError as error:
        raise InvalidLink("code", str(error)) from None
    with workspace_scope(workspace_id):
        link = Link(created_by=created_by)
        link_values.apply(
            link,
            {
                "title": title,
                "destination": destination,
                "campaign_id": campaign_id,
                "starts_at": starts_at,
                "expires_at": expires_at,
                "redirect_status": redirect_status,
                "domain_id": domain_id,
                "rules": list(rules) if isinstance(rules, tuple) else rules,
                "max_scans": max_scans,
                "password": password,
                "fallback": fallback,
                "pass_query": pass_query,
                "gs1": gs1,
            },
        )
        link.version = names.claim(link, None) + 1
        for tried in range(1 if own_code else TRIES):
            link.code = own_code or random_code()
            try:
                names.save(link, new=True)
                break
            except CodeTaken:
                if own_code or tried == TRIES - 1:
                    raise
        _publish_on_commit(link)
    return link


def update_link(
    *, workspace_id: int, link_id: int, expected_version: int | None = None, **changes: Any
) -> Link:
    """Change any of EDITABLE; what is not named stays. The version counts up where anything differs.

    With `expected_version`, refuses to overwrite an edit that the caller has not seen. Raises
    InvalidLink(field, message), NotFound, LinkBlocked, EditConflict, CodeTaken, NameTaken.

    With another `domain_id` or `gs1` the old name is gone for good; only this link may have it again, and a
    GS1 name any link of the workspace.
    """
    if unknown := changes.keys() - EDITABLE:
        raise InvalidLink(min(unknown), "This cannot be changed.")
    with workspace_scope(workspace_id):
        link = _locked_link(link_id)
        if expected_version is not None and link.version != expected_version:
            raise EditConflict
        before = names.Names.of(link)
        if link_values.apply(link, changes):
            link.version = max(link.version, names.claim(link, before))
            _save_next_version(link)
    return link


def reset_scans(*, workspace_id: int, link_id: int) -> Link:
    """The count of scans starts again at 0, for the limit and for rules by number. Raises NotFound,
    LinkBlocked."""
    with workspace_scope(workspace_id):
        link = _locked_link(link_id)
        link.scans_used = 0
        link.reset_version = link.version + 1
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
        .select_related("domain")
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
            link = (
                Link.objects.select_for_update(of=("self",))
                .select_related("domain")
                .filter(id=link_id)
                .first()
            )
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
    names.save(link)
    _publish_on_commit(link)


def _publish_on_commit(link: Link) -> None:
    # The one place where an edit leaves PostgreSQL. What is sent is fixed now: `link` may change after.
    try:
        sent = publication(link)
    except msgspec.ValidationError:
        raise NewerRules from None
    transaction.on_commit(partial(publish_link, sent), robust=True)
