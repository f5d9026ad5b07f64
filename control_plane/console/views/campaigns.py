"""Campaigns: named groups of links."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission, allows
from control_plane.campaigns import services
from control_plane.campaigns.errors import CampaignsError
from control_plane.campaigns.models import Campaign, LinkState
from control_plane.console.forms import CampaignForm
from control_plane.console.shell import page, page_view


@require_http_methods(["GET", "POST"])
@page_view(Permission.LINKS_READ)
def campaigns(request: WorkspaceRequest) -> HttpResponse:
    form = CampaignForm(request.POST or None)
    if request.method == "POST":
        if not allows(request.membership.role, Permission.LINKS_WRITE):
            raise PermissionDenied("Your role reads here. Ask an editor to create the campaign.")
        if form.is_valid():
            try:
                campaign = services.create_campaign(
                    workspace_id=request.workspace.pk, name=form.cleaned_data["name"]
                )
            except CampaignsError as error:
                form.refuse(error)
            else:
                messages.success(request, f"“{campaign.name}” is ready for links.")
                return redirect("console:campaigns", request.workspace.slug)
    living = Count("links", filter=~Q(links__state=LinkState.DELETED))
    return page(
        request,
        "console/campaigns/list.html",
        section="campaigns",
        status=422 if form.is_bound else 200,
        form=form,
        campaigns=Campaign.objects.annotate(link_count=living).order_by("name", "id"),
    )
