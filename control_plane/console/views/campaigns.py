"""Campaigns: named groups of links. Made, renamed, deleted; their links have a list of their own."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission, allows
from control_plane.campaigns import services
from control_plane.campaigns.errors import CampaignsError, NotFound
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


@require_http_methods(["GET", "POST"])
@page_view(Permission.LINKS_WRITE)
def rename(request: WorkspaceRequest, campaign_id: int) -> HttpResponse:
    campaign = _campaign(campaign_id)
    form = CampaignForm(request.POST or None, initial={"name": campaign.name})
    if request.method == "POST" and form.is_valid():
        try:
            services.rename_campaign(
                workspace_id=request.workspace.pk, campaign_id=campaign_id, name=form.cleaned_data["name"]
            )
        except NotFound as error:
            raise Http404 from error
        except CampaignsError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved. Its links stay with it.")
            return redirect("console:campaigns", request.workspace.slug)
    return page(
        request,
        "console/campaigns/form.html",
        section="campaigns",
        status=422 if form.is_bound else 200,
        form=form,
        campaign=campaign,
    )


@require_POST
@page_view(Permission.LINKS_WRITE)
def delete(request: WorkspaceRequest, campaign_id: int) -> HttpResponse:
    name = _campaign(campaign_id).name
    try:
        services.delete_campaign(workspace_id=request.workspace.pk, campaign_id=campaign_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, f"“{name}” is deleted. Its links stay, without a campaign.")
    return redirect("console:campaigns", request.workspace.slug)


def _campaign(campaign_id: int) -> Campaign:
    campaign = Campaign.objects.filter(id=campaign_id).first()
    if campaign is None:
        raise Http404("There is no such campaign in this workspace.")
    return campaign
