"""The frame around every page of a workspace: navigation, what the member may do, the time zone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from control_plane.accounts.access import WorkspaceRequest, workspace_view
from control_plane.accounts.models import Membership
from control_plane.accounts.permissions import Permission, allows
from control_plane.accounts.services import memberships_of

View = Callable[..., HttpResponse]

LAST_WORKSPACE = "console_workspace"

# What templates ask: {% if can.edit %}. The table itself is in accounts.permissions.
_CAN = {
    "read": Permission.LINKS_READ,
    "edit": Permission.LINKS_WRITE,
    "stats": Permission.STATS_READ,
    "see_members": Permission.MEMBERS_VIEW,
    "members": Permission.MEMBERS_MANAGE,
    "keys": Permission.KEYS_MANAGE,
    "domains": Permission.DOMAINS_WRITE,
    "manage": Permission.WORKSPACE_MANAGE,
    "see_passes": Permission.PASSES_READ,
    "issue": Permission.PASSES_WRITE,
    "gates": Permission.GATES_MANAGE,
}


def page_view(permission: Permission) -> Callable[[View], View]:
    """`workspace_view`, with the workspace's time zone for everything read and shown."""

    def decorate(view: View) -> View:
        @wraps(view)
        def in_time_zone(request: WorkspaceRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with timezone.override(request.workspace.time_zone):
                return view(request, *args, **kwargs)

        return workspace_view(permission)(in_time_zone)

    return decorate


def page(
    request: WorkspaceRequest, template: str, *, section: str, status: int = 200, **context: Any
) -> HttpResponse:
    """The template with everything the frame needs. `section` is the current entry of the navigation."""
    if request.session.get(LAST_WORKSPACE) != request.workspace.pk:
        request.session[LAST_WORKSPACE] = request.workspace.pk
    return render(request, template, frame(request) | {"section": section} | context, status=status)


def frame(request: HttpRequest) -> dict[str, Any]:
    """What `console/base.html` reads; also where the page belongs to no workspace."""
    membership = getattr(request, "membership", None)
    context: dict[str, Any] = {"can": dict.fromkeys(_CAN, False), "workspaces": []}
    if request.user.is_authenticated:
        memberships = memberships_of(user=request.user)
        context["workspaces"] = [other.workspace for other in memberships]
        membership = membership or last_visited(request, memberships)
    if membership is not None:
        context |= {
            "workspace": membership.workspace,
            "membership": membership,
            "can": {name: allows(membership.role, permission) for name, permission in _CAN.items()},
        }
    return context


def last_visited(request: HttpRequest, memberships: list[Membership]) -> Membership | None:
    """The membership of the workspace this person looked at last, else the oldest one."""
    last = request.session.get(LAST_WORKSPACE)
    return next((one for one in memberships if one.workspace_id == last), next(iter(memberships), None))
