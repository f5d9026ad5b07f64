"""The schemes of the workspace's own apps, which rules may open: read the list, replace it."""

from django.http import HttpRequest
from ninja import Router

from control_plane.accounts.permissions import KeyScope
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import AppSchemes, AppSchemesIn
from control_plane.campaigns.app_schemes import list_app_schemes, set_app_schemes

router = Router(tags=["Workspace"])


@router.get(
    "",
    auth=ApiKey(KeyScope.LINKS_READ),
    response=AppSchemes,
    operation_id="get_app_schemes",
    summary="Schemes of the workspace's apps",
)
def get_app_schemes(request: HttpRequest) -> AppSchemes:
    """Besides https, a rule's action `app` opens addresses of these schemes only."""
    return AppSchemes(schemes=list_app_schemes(workspace_id=request.auth.workspace_id))  # type: ignore[attr-defined]


@router.put(
    "",
    auth=ApiKey(KeyScope.DOMAINS_WRITE),
    response=AppSchemes,
    operation_id="set_app_schemes",
    summary="Replace the schemes of the workspace's apps",
)
def put_app_schemes(request: HttpRequest, apps: AppSchemesIn) -> AppSchemes:
    """The whole list, at most 20. Rules that are saved stay as they are, also with a scheme that is gone."""
    stored = set_app_schemes(workspace_id=request.auth.workspace_id, **apps.model_dump())  # type: ignore[attr-defined]
    return AppSchemes(schemes=stored)
