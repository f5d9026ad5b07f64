"""Short domains: list, connect, read, change, verify, remove."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import creation, pagination, versions
from control_plane.api.auth import ApiKey
from control_plane.api.domain_schemas import AndroidApp, DomainIn, DomainOut, DomainPage, DomainPatch
from control_plane.api.schemas import PageQuery, changes
from control_plane.campaigns import domains
from control_plane.campaigns.addresses import short_base
from control_plane.campaigns.models import Domain

router = Router(tags=["Domains"])
READ, WRITE = ApiKey(KeyScope.LINKS_READ), ApiKey(KeyScope.DOMAINS_WRITE)


def shown(domain: Domain) -> DomainOut:
    """A domain as the API shows it."""
    return DomainOut(
        id=domain.pk,
        host=domain.host,
        base_url=short_base(domain.host),
        verified_at=domain.verified_at,
        root_redirect=domain.root_redirect,
        not_found_redirect=domain.not_found_redirect,
        robots_txt=domain.robots_txt,
        has_favicon=bool(domain.favicon),
        apple_apps=domain.apple_apps,
        android_apps=[AndroidApp(**app) for app in domain.android_apps],
        version=domain.version,
        created_at=domain.created_at,
        updated_at=domain.updated_at,
    )


@router.get("", auth=READ, response=DomainPage, operation_id="list_domains", summary="List domains")
def list_domains(request: HttpRequest, where: Query[PageQuery]) -> DomainPage:
    """Newest first. The default domain belongs to everybody and is not among them."""
    with workspace_scope(request.auth.workspace_id):  # type: ignore[attr-defined]
        mine = Domain.objects.filter(deleted_at=None)
        rows, following = pagination.page(mine, where.cursor, where.limit)
    return DomainPage(data=[shown(domain) for domain in rows], next=following)


@router.post(
    "",
    auth=WRITE,
    response={201: DomainOut},
    operation_id="create_domain",
    summary="Connect a domain",
    openapi_extra=creation.openapi_extra(),
)
def create_domain(request: HttpRequest, domain: DomainIn) -> HttpResponse:
    """Point its DNS to the default short domain, then verify it. Links may be put on it before."""
    workspace_id = request.auth.workspace_id  # type: ignore[attr-defined]
    return creation.created(
        request, lambda: shown(domains.create_domain(workspace_id=workspace_id, **domain.model_dump()))
    )


@router.get(
    "/{int:domain_id}", auth=READ, response=DomainOut, operation_id="get_domain", summary="Get a domain"
)
def get_domain(request: HttpRequest, response: HttpResponse, domain_id: int) -> DomainOut:
    """One domain, with its version as ETag. Its links: `GET /links?domain_id=…`."""
    domain = domains.get_domain(workspace_id=request.auth.workspace_id, domain_id=domain_id)  # type: ignore[attr-defined]
    return _tagged(response, domain)


@router.patch(
    "/{int:domain_id}",
    auth=WRITE,
    response=DomainOut,
    operation_id="update_domain",
    summary="Change a domain",
    openapi_extra={"parameters": [versions.IF_MATCH]},
)
def update_domain(
    request: HttpRequest, response: HttpResponse, domain_id: int, domain: DomainPatch
) -> DomainOut:
    """Fields left out stay as they are."""
    changed = versions.change(
        request,
        changes(domain),
        partial(domains.update_domain, workspace_id=request.auth.workspace_id, domain_id=domain_id),  # type: ignore[attr-defined]
    )
    return _tagged(response, changed)


@router.delete(
    "/{int:domain_id}",
    auth=WRITE,
    response={204: None},
    operation_id="delete_domain",
    summary="Remove a domain",
)
def delete_domain(request: HttpRequest, domain_id: int) -> HttpResponse:
    """While links use it, the answer is 409 and says how many."""
    domains.delete_domain(workspace_id=request.auth.workspace_id, domain_id=domain_id)  # type: ignore[attr-defined]
    return creation.nothing()


@router.post(
    "/{int:domain_id}/verify",
    auth=WRITE,
    response=DomainOut,
    operation_id="verify_domain",
    summary="Verify a domain",
)
def verify_domain(request: HttpRequest, response: HttpResponse, domain_id: int) -> DomainOut:
    """Asks the DNS whether the domain leads here; if not, the answer says what to change there.

    Of several workspaces that claim a host, the first to verify it has it; for the others, it is a 409.
    """
    domain = domains.verify_domain(workspace_id=request.auth.workspace_id, domain_id=domain_id)  # type: ignore[attr-defined]
    return _tagged(response, domain)


def _tagged(response: HttpResponse, domain: Domain) -> DomainOut:
    versions.tag(response, domain.version)
    return shown(domain)
