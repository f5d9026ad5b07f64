"""GET /workspace: whose key is this?"""

from django.http import HttpRequest
from ninja import Router

from control_plane.accounts.models import Workspace
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import KeyOut, WorkspaceOut

router = Router(tags=["Workspace"])


@router.get(
    "", auth=ApiKey(), response=WorkspaceOut, operation_id="get_workspace", summary="The key's workspace"
)
def get_workspace(request: HttpRequest) -> WorkspaceOut:
    """The workspace the key belongs to, and what the key may do. Any valid key may ask."""
    holder = request.auth  # type: ignore[attr-defined]
    with workspace_scope(holder.workspace_id):
        workspace = Workspace.objects.get()
    return WorkspaceOut(
        id=workspace.pk,
        name=workspace.name,
        slug=workspace.slug,
        time_zone=workspace.time_zone,
        key=KeyOut(name=holder.name, scopes=sorted(holder.scopes)),
    )
