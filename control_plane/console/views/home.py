"""Where `/` leads, and the pages that belong to no workspace."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from control_plane.accounts.adapter import INVITATION_SESSION_KEY
from control_plane.accounts.errors import AlreadyMember, InvitationRefused
from control_plane.accounts.services import accept_invitation, find_invitation, memberships_of
from control_plane.console.shell import frame, last_visited


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the workspace that the person looked at last; after an invitation, through it."""
    if token := request.session.get(INVITATION_SESSION_KEY):
        return redirect("console:invitation", token=token)
    if membership := last_visited(request, memberships_of(user=request.user)):
        return redirect("console:overview", slug=membership.workspace.slug)
    return render(request, "console/no_workspace.html", frame(request))


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Shows who invites to what; accepting needs a sign-in with the invited address."""
    try:
        found = find_invitation(token=token)
    except InvitationRefused as error:
        request.session.pop(INVITATION_SESSION_KEY, None)
        return render(request, "console/invitation.html", {"problem": error.message}, status=410)
    context = {"invitation": found, "role": found.get_role_display().lower()}
    if not request.user.is_authenticated:
        request.session[INVITATION_SESSION_KEY] = token
        return render(request, "console/invitation.html", context)
    if request.user.email.lower() != found.email.lower():
        request.session.pop(INVITATION_SESSION_KEY, None)
        context["problem"] = (
            f"This invitation is for {found.email}, and you are signed in as {request.user.email}. "
            "Sign out, open the link again and sign in with the invited address."
        )
        return render(request, "console/invitation.html", context, status=403)
    if request.method == "POST":
        request.session.pop(INVITATION_SESSION_KEY, None)
        try:
            accept_invitation(token=token, user=request.user)
        except AlreadyMember:
            messages.info(request, f"You are a member of {found.workspace.name} already.")
        except InvitationRefused as error:
            return render(request, "console/invitation.html", {"problem": error.message}, status=410)
        else:
            messages.success(request, f"Welcome to {found.workspace.name}.")
        return redirect("console:overview", slug=found.workspace.slug)
    return render(request, "console/invitation.html", context)
