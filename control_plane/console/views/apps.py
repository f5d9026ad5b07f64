"""The schemes of the workspace's own apps, which rules may open: list, add, remove."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.campaigns import app_schemes as services
from control_plane.campaigns.errors import CampaignsError
from control_plane.console.forms import AppForm
from control_plane.console.shell import page, page_view


@require_http_methods(["GET", "POST"])
@page_view(Permission.WORKSPACE_MANAGE)
def apps(request: WorkspaceRequest) -> HttpResponse:
    form = AppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            scheme = services.add_app_scheme(workspace_id=request.workspace.pk, **form.cleaned_data)
        except CampaignsError as error:
            form.refuse(error)
        else:
            messages.success(request, f"Added. Rules may open {scheme}:// now.")
            return redirect("console:apps", request.workspace.slug)
    return page(
        request,
        "console/settings/apps.html",
        section="settings",
        tab="apps",
        status=422 if form.is_bound else 200,
        form=form,
        schemes=services.list_app_schemes(workspace_id=request.workspace.pk),
    )


@require_POST
@page_view(Permission.WORKSPACE_MANAGE)
def remove(request: WorkspaceRequest) -> HttpResponse:
    services.remove_app_scheme(workspace_id=request.workspace.pk, scheme=request.POST.get("scheme", ""))
    messages.success(request, "Removed. Rules that are saved stay as they are.")
    return redirect("console:apps", request.workspace.slug)
