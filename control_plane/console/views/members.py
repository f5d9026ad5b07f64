"""Members of a workspace: who they are, their roles, invitations."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from control_plane.accounts import services
from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.errors import AccountsError, NotFound
from control_plane.accounts.models import Membership
from control_plane.accounts.permissions import Permission, allows, manages
from control_plane.console.forms import InvitationForm, roles_for
from control_plane.console.shell import page, page_view


@dataclass(frozen=True)
class Row:
    """roles: what this member may be made, empty where the reader may not decide that."""

    member: Membership
    is_self: bool
    roles: list[tuple[str, str]]
    removable: bool


@require_http_methods(["GET", "POST"])
@page_view(Permission.MEMBERS_VIEW)
def members(request: WorkspaceRequest) -> HttpResponse:
    """The invitation's link is in the answer to its own POST and nowhere else."""
    own = request.membership
    form = InvitationForm(request.POST or None, by_role=own.role)
    invited = None
    if request.method == "POST":
        if not allows(own.role, Permission.MEMBERS_MANAGE):
            raise PermissionDenied("Your role does not invite people. Ask an owner or admin.")
        if form.is_valid():
            try:
                invited = services.invite_member(
                    workspace_id=request.workspace.pk,
                    email=form.cleaned_data["email"],
                    role=form.cleaned_data["role"],
                    by=own,
                )
            except AccountsError as error:
                form.refuse(error)
            else:
                form = InvitationForm(by_role=own.role)
    rows = [_row(own, member) for member in services.list_members(workspace_id=request.workspace.pk)]
    context = {}
    if invited:
        path = reverse("console:invitation", args=[invited.token])
        context = {
            "invitation_url": f"{settings.CONFIG.console_origin}{path}",
            "invitation_email": invited.invitation.email,
        }
    response = page(
        request,
        "console/settings/members.html",
        section="settings",
        tab="members",
        status=422 if form.is_bound else 200,
        form=form,
        members=rows,
        invitations=services.list_invitations(workspace_id=request.workspace.pk),
        **context,
    )
    response["Cache-Control"] = "no-store"
    return response


def _row(own: Membership, member: Membership) -> Row:
    is_self = member.pk == own.pk
    # One's own role is changed by somebody else: nobody locks themselves out by a slip.
    decides = manages(own.role, member.role) and not is_self
    return Row(member, is_self, roles_for(own.role) if decides else [], decides or is_self)


@require_POST
@page_view(Permission.MEMBERS_MANAGE)
def role(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    try:
        member = services.change_role(
            workspace_id=request.workspace.pk,
            membership_id=membership_id,
            role=request.POST.get("role", ""),
            by=request.membership,
        )
    except NotFound as error:
        raise Http404 from error
    except AccountsError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{member.user.email} is now {member.get_role_display().lower()}.")
    return redirect("console:members", request.workspace.slug)


@require_POST
@page_view(Permission.WORKSPACE_VIEW)
def remove(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Everybody may leave; removing others is decided by the service."""
    try:
        services.remove_member(
            workspace_id=request.workspace.pk, membership_id=membership_id, by=request.membership
        )
    except NotFound as error:
        raise Http404 from error
    except AccountsError as error:
        messages.error(request, error.message)
        return redirect("console:members", request.workspace.slug)
    if membership_id == request.membership.pk:
        messages.success(request, f"You left {request.workspace.name}.")
        return redirect("console:home")
    messages.success(request, "Removed. They have no access any more.")
    return redirect("console:members", request.workspace.slug)


@require_POST
@page_view(Permission.MEMBERS_MANAGE)
def invitation_revoke(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    try:
        services.revoke_invitation(workspace_id=request.workspace.pk, invitation_id=invitation_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, "Withdrawn. Its link does not work any more.")
    return redirect("console:members", request.workspace.slug)
