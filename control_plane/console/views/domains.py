"""A workspace's short domains: connect one, check its DNS, say what it answers beside links, remove it."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.campaigns import domains as services
from control_plane.campaigns.addresses import short_base
from control_plane.campaigns.errors import CampaignsError, NotFound
from control_plane.campaigns.models import Domain
from control_plane.console.domain_form import DomainForm, NewDomainForm
from control_plane.console.shell import page, page_view


@require_http_methods(["GET", "POST"])
@page_view(Permission.DOMAINS_WRITE)
def domains(request: WorkspaceRequest) -> HttpResponse:
    form = NewDomainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_domain(workspace_id=request.workspace.pk, host=form.cleaned_data["host"])
        except CampaignsError as error:
            form.refuse(error)
        else:
            said = "is ready." if made.is_verified else "is added. Now set its DNS record, then check it."
            messages.success(request, f"{made.host} {said}")
            return redirect("console:domains", request.workspace.slug)
    record, value = _record()
    return page(
        request,
        "console/settings/domains.html",
        section="settings",
        tab="domains",
        status=422 if form.is_bound else 200,
        form=form,
        domains=services.list_domains(workspace_id=request.workspace.pk),
        record=record,
        value=value,
        default_host=short_base().split("://", 1)[-1],
    )


@require_http_methods(["GET", "POST"])
@page_view(Permission.DOMAINS_WRITE)
def domain(request: WorkspaceRequest, domain_id: int) -> HttpResponse:
    found = _domain(request, domain_id)
    form = DomainForm(request.POST or None, request.FILES or None, domain=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_domain(
                workspace_id=request.workspace.pk,
                domain_id=found.pk,
                expected_version=form.cleaned_data["version"],
                **form.values(),
            )
        except NotFound as error:
            raise Http404 from error
        except CampaignsError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved. The domain answers so within a second.")
            return redirect("console:domains", request.workspace.slug)
    return page(
        request,
        "console/settings/domain.html",
        section="settings",
        tab="domains",
        status=422 if form.is_bound else 200,
        form=form,
        domain=found,
    )


@require_POST
@page_view(Permission.DOMAINS_WRITE)
def verify(request: WorkspaceRequest, domain_id: int) -> HttpResponse:
    try:
        found = services.verify_domain(workspace_id=request.workspace.pk, domain_id=domain_id)
    except NotFound as error:
        raise Http404 from error
    except CampaignsError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found.host} leads here. You can use it for links now.")
    return redirect("console:domains", request.workspace.slug)


@require_POST
@page_view(Permission.DOMAINS_WRITE)
def delete(request: WorkspaceRequest, domain_id: int) -> HttpResponse:
    host = _domain(request, domain_id).host
    try:
        services.delete_domain(workspace_id=request.workspace.pk, domain_id=domain_id)
    except NotFound as error:
        raise Http404 from error
    except CampaignsError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{host} is removed.")
    return redirect("console:domains", request.workspace.slug)


@require_GET
@page_view(Permission.LINKS_READ)
def icon(request: WorkspaceRequest, domain_id: int) -> HttpResponse:
    """The stored icon, a PNG that this program made from what was uploaded."""
    found = _domain(request, domain_id)
    if not found.favicon:
        raise Http404("This domain has no icon of its own.")
    response = HttpResponse(bytes(found.favicon), content_type="image/png")
    response["Cache-Control"] = "private, no-cache"
    return response


def _record() -> tuple[str, str]:
    """Type and value of the record that leads a domain here: a CNAME, or an address where we are one."""
    host = settings.CONFIG.short_url.hostname or ""
    plain = host.replace(".", "")
    if ":" in host:
        return "AAAA", host
    return ("A", host) if plain.isdigit() else ("CNAME", host)


def _domain(request: WorkspaceRequest, domain_id: int) -> Domain:
    try:
        return services.get_domain(workspace_id=request.workspace.pk, domain_id=domain_id)
    except NotFound as error:
        raise Http404("There is no such domain in this workspace.") from error
