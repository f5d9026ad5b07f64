"""Settings of a workspace: name and time zone, API keys."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.errors import AccountsError, NotFound
from control_plane.accounts.keys import create_key, list_keys, revoke_key
from control_plane.accounts.permissions import Permission, allows
from control_plane.accounts.services import update_workspace
from control_plane.console.forms import KeyForm, WorkspaceForm
from control_plane.console.shell import page, page_view


@require_GET
@page_view(Permission.WORKSPACE_VIEW)
def settings(request: WorkspaceRequest) -> HttpResponse:
    """To the first part that this member may see."""
    for permission, name in (
        (Permission.WORKSPACE_MANAGE, "console:settings_workspace"),
        (Permission.MEMBERS_VIEW, "console:members"),
    ):
        if allows(request.membership.role, permission):
            return redirect(name, request.workspace.slug)
    return redirect("account_change_password")


@require_http_methods(["GET", "POST"])
@page_view(Permission.WORKSPACE_MANAGE)
def workspace(request: WorkspaceRequest) -> HttpResponse:
    current = {"name": request.workspace.name, "time_zone": request.workspace.time_zone}
    form = WorkspaceForm(request.POST or None, initial=current)
    if request.method == "POST" and form.is_valid():
        try:
            update_workspace(workspace_id=request.workspace.pk, **form.cleaned_data)
        except AccountsError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved.")
            return redirect("console:settings_workspace", request.workspace.slug)
    return page(
        request,
        "console/settings/workspace.html",
        section="settings",
        tab="workspace",
        status=422 if form.is_bound else 200,
        form=form,
    )


@require_http_methods(["GET", "POST"])
@page_view(Permission.KEYS_MANAGE)
def keys(request: WorkspaceRequest) -> HttpResponse:
    """The new key is in the answer to its own POST and nowhere else: not in a session, not in a URL."""
    form = KeyForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = create_key(
                workspace_id=request.workspace.pk,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(),
                created_by=request.user,
            ).secret
        except AccountsError as error:
            form.refuse(error)
        else:
            form = KeyForm()
    response = page(
        request,
        "console/settings/keys.html",
        section="settings",
        tab="keys",
        status=422 if form.is_bound else 200,
        form=form,
        secret=secret,
        keys=list_keys(workspace_id=request.workspace.pk),
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@page_view(Permission.KEYS_MANAGE)
def key_revoke(request: WorkspaceRequest, key_id: int) -> HttpResponse:
    try:
        revoke_key(workspace_id=request.workspace.pk, key_id=key_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, "Revoked. Programs with this key are refused from now on.")
    return redirect("console:keys", request.workspace.slug)
