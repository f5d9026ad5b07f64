"""Links: list, create, read, change, pause, resume, delete, and count from 0 again."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.api import creation, versions
from control_plane.api.auth import ApiKey
from control_plane.api.link_schemas import LinkIn, LinkOut, LinkPage, LinkPatch, LinkQuery
from control_plane.api.schemas import changes
from control_plane.campaigns import selectors, services
from control_plane.campaigns.addresses import gs1_url, link_url
from control_plane.campaigns.models import Link

router = Router(tags=["Links"])
READ, WRITE = ApiKey(KeyScope.LINKS_READ), ApiKey(KeyScope.LINKS_WRITE)


def shown(link: Link) -> LinkOut:
    """A link as the API shows it."""
    return LinkOut(
        id=link.pk,
        code=link.code,
        short_url=link_url(link),
        title=link.title,
        destination=link.destination,
        campaign_id=link.campaign_id,
        state=link.state,
        starts_at=link.starts_at,
        expires_at=link.expires_at,
        redirect_status=link.redirect_status,
        domain_id=link.domain_id,
        rules=link.rules,
        max_scans=link.max_scans,
        scans_used=link.scans_used if link.counts else None,
        has_password=link.has_password,
        fallback=link.fallback,
        pass_query=link.pass_query,
        gs1=link.gs1,
        gs1_url=gs1_url(link),
        version=link.version,
        created_at=link.created_at,
        updated_at=link.updated_at,
    )


@router.get("", auth=READ, response=LinkPage, operation_id="list_links", summary="List links")
def list_links(request: HttpRequest, where: Query[LinkQuery]) -> LinkPage:
    """Newest first. Deleted links are not shown."""
    page = selectors.list_links(
        workspace_id=request.auth.workspace_id,  # type: ignore[attr-defined]
        where=selectors.LinkFilter(
            text=where.q,
            state=where.state or "",
            campaign_id=where.campaign_id,
            domain_id=where.domain_id,
        ),
        cursor=where.cursor,
        limit=where.limit,
    )
    return LinkPage(data=[shown(link) for link in page.links], next=page.next_cursor)


@router.post(
    "",
    auth=WRITE,
    response={201: LinkOut},
    operation_id="create_link",
    summary="Create a link",
    openapi_extra=creation.openapi_extra(),
)
def create_link(request: HttpRequest, link: LinkIn) -> HttpResponse:
    """With your own code, or a random one. It answers on the short domain within a second."""
    return creation.created(
        request,
        lambda: shown(
            services.create_link(workspace_id=request.auth.workspace_id, **link.model_dump())  # type: ignore[attr-defined]
        ),
    )


@router.get("/{int:link_id}", auth=READ, response=LinkOut, operation_id="get_link", summary="Get a link")
def get_link(request: HttpRequest, response: HttpResponse, link_id: int) -> LinkOut:
    """One link, with its version as ETag."""
    link = selectors.get_link(workspace_id=request.auth.workspace_id, link_id=link_id)  # type: ignore[attr-defined]
    return _tagged(response, link)


@router.patch(
    "/{int:link_id}",
    auth=WRITE,
    response=LinkOut,
    operation_id="update_link",
    summary="Change a link",
    openapi_extra={"parameters": [versions.IF_MATCH]},
)
def update_link(request: HttpRequest, response: HttpResponse, link_id: int, link: LinkPatch) -> LinkOut:
    """Fields left out stay as they are. The next scan follows the new destination within a second."""
    return _tagged(
        response,
        versions.change(
            request,
            changes(link),
            partial(services.update_link, workspace_id=request.auth.workspace_id, link_id=link_id),  # type: ignore[attr-defined]
        ),
    )


@router.delete(
    "/{int:link_id}", auth=WRITE, response={204: None}, operation_id="delete_link", summary="Delete a link"
)
def delete_link(request: HttpRequest, link_id: int) -> HttpResponse:
    """For good: who scans it sees that it is gone. Its code is never given to another link."""
    services.delete_link(workspace_id=request.auth.workspace_id, link_id=link_id)  # type: ignore[attr-defined]
    return creation.nothing()


@router.post(
    "/{int:link_id}/pause", auth=WRITE, response=LinkOut, operation_id="pause_link", summary="Pause a link"
)
def pause_link(request: HttpRequest, response: HttpResponse, link_id: int) -> LinkOut:
    """Who scans it sees a friendly page. Pausing a paused link changes nothing."""
    link = services.pause_link(workspace_id=request.auth.workspace_id, link_id=link_id)  # type: ignore[attr-defined]
    return _tagged(response, link)


@router.post(
    "/{int:link_id}/resume", auth=WRITE, response=LinkOut, operation_id="resume_link", summary="Resume a link"
)
def resume_link(request: HttpRequest, response: HttpResponse, link_id: int) -> LinkOut:
    """Scans are redirected again. Resuming an active link changes nothing."""
    link = services.resume_link(workspace_id=request.auth.workspace_id, link_id=link_id)  # type: ignore[attr-defined]
    return _tagged(response, link)


@router.post(
    "/{int:link_id}/reset-scans",
    auth=WRITE,
    response=LinkOut,
    operation_id="reset_scans",
    summary="Count scans from 0 again",
)
def reset_scans(request: HttpRequest, response: HttpResponse, link_id: int) -> LinkOut:
    """For the limit and for rules by scan number. Statistics keep all scans."""
    link = services.reset_scans(workspace_id=request.auth.workspace_id, link_id=link_id)  # type: ignore[attr-defined]
    return _tagged(response, link)


def _tagged(response: HttpResponse, link: Link) -> LinkOut:
    versions.tag(response, link.version)
    return shown(link)
