"""Campaigns: list, create, read, rename, delete."""

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import creation, pagination
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import CampaignIn, CampaignOut, CampaignPage, PageQuery
from control_plane.campaigns import services
from control_plane.campaigns.errors import NotFound
from control_plane.campaigns.models import Campaign

router = Router(tags=["Campaigns"])
READ, WRITE = ApiKey(KeyScope.LINKS_READ), ApiKey(KeyScope.LINKS_WRITE)


def shown(campaign: Campaign) -> CampaignOut:
    """A campaign as the API shows it."""
    return CampaignOut(id=campaign.pk, name=campaign.name, created_at=campaign.created_at)


@router.get("", auth=READ, response=CampaignPage, operation_id="list_campaigns", summary="List campaigns")
def list_campaigns(request: HttpRequest, where: Query[PageQuery]) -> CampaignPage:
    """Newest first."""
    with workspace_scope(request.auth.workspace_id):  # type: ignore[attr-defined]
        rows, following = pagination.page(Campaign.objects.all(), where.cursor, where.limit)
    return CampaignPage(data=[shown(campaign) for campaign in rows], next=following)


@router.post(
    "",
    auth=WRITE,
    response={201: CampaignOut},
    operation_id="create_campaign",
    summary="Create a campaign",
    openapi_extra=creation.openapi_extra(),
)
def create_campaign(request: HttpRequest, campaign: CampaignIn) -> HttpResponse:
    """A named group for links."""
    workspace_id = request.auth.workspace_id  # type: ignore[attr-defined]
    return creation.created(
        request, lambda: shown(services.create_campaign(workspace_id=workspace_id, name=campaign.name))
    )


@router.get(
    "/{int:campaign_id}",
    auth=READ,
    response=CampaignOut,
    operation_id="get_campaign",
    summary="Get a campaign",
)
def get_campaign(request: HttpRequest, campaign_id: int) -> CampaignOut:
    """One campaign. Its links: `GET /links?campaign_id=…`."""
    with workspace_scope(request.auth.workspace_id):  # type: ignore[attr-defined]
        campaign = Campaign.objects.filter(id=campaign_id).first()
    if campaign is None:
        raise NotFound
    return shown(campaign)


@router.patch(
    "/{int:campaign_id}",
    auth=WRITE,
    response=CampaignOut,
    operation_id="rename_campaign",
    summary="Rename a campaign",
)
def rename_campaign(request: HttpRequest, campaign_id: int, campaign: CampaignIn) -> CampaignOut:
    """Its links stay with it."""
    workspace_id = request.auth.workspace_id  # type: ignore[attr-defined]
    return shown(
        services.rename_campaign(workspace_id=workspace_id, campaign_id=campaign_id, name=campaign.name)
    )


@router.delete(
    "/{int:campaign_id}",
    auth=WRITE,
    response={204: None},
    operation_id="delete_campaign",
    summary="Delete a campaign",
)
def delete_campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Its links stay, without a campaign."""
    services.delete_campaign(workspace_id=request.auth.workspace_id, campaign_id=campaign_id)  # type: ignore[attr-defined]
    return creation.nothing()
