"""One link: its page, the forms for a new and a changed one, pause, resume, delete."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.campaigns import selectors, services
from control_plane.campaigns.addresses import gs1_url, link_url, short_base
from control_plane.campaigns.domains import list_domains
from control_plane.campaigns.errors import CampaignsError, NotFound
from control_plane.campaigns.models import Link
from control_plane.console import link_stats
from control_plane.console.link_form import LinkForm
from control_plane.console.link_state import shown_state
from control_plane.console.periods import PERIODS, read_period
from control_plane.console.shell import page, page_view


@require_GET
@page_view(Permission.LINKS_READ)
def show(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    link = find_link(request, link_id)
    period = read_period(request.GET.get("period", ""))
    return page(
        request,
        "console/link/show.html",
        section="links",
        link=link,
        state=shown_state(link),
        short_url=link_url(link),
        gs1_url=gs1_url(link),
        period=period,
        periods=PERIODS,
        stats=link_stats.load(request.workspace, link, period),
    )


@require_http_methods(["GET", "POST"])
@page_view(Permission.LINKS_WRITE)
def new(request: WorkspaceRequest) -> HttpResponse:
    workspace_id = request.workspace.pk
    form = _form(
        request,
        initial={name: request.GET.get(name, "") for name in ("campaign", "destination")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            link = services.create_link(
                workspace_id=workspace_id,
                code=form.cleaned_data["code"],
                created_by=request.user,
                **form.values(),
            )
        except CampaignsError as error:
            form.refuse(error)
        else:
            messages.success(request, "Your link works. Download its code, or scan it right from the screen.")
            return redirect("console:link", request.workspace.slug, link.pk)
    return _form_page(request, form, None)


@require_http_methods(["GET", "POST"])
@page_view(Permission.LINKS_WRITE)
def edit(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    link = find_link(request, link_id)
    form = _form(request, link=link)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_link(
                workspace_id=request.workspace.pk,
                link_id=link.pk,
                expected_version=form.cleaned_data["version"],
                **form.values(),
            )
        except NotFound as error:
            raise Http404 from error
        except CampaignsError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved. The next scan follows your change.")
            return redirect("console:link", request.workspace.slug, link.pk)
    return _form_page(request, form, link)


@require_POST
@page_view(Permission.LINKS_WRITE)
def check(request: WorkspaceRequest) -> HttpResponse:
    """What is wrong with each field so far, for sentences while a person types. Saves nothing."""
    form = _form(request)
    return JsonResponse({"errors": form.errors})


@require_POST
@page_view(Permission.LINKS_WRITE)
def pause(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    return _act(request, link_id, services.pause_link, "Paused. Whoever scans it now sees a friendly page.")


@require_POST
@page_view(Permission.LINKS_WRITE)
def resume(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    return _act(request, link_id, services.resume_link, "The link works again.")


@require_POST
@page_view(Permission.LINKS_WRITE)
def reset(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    """The count of scans starts again."""
    return _act(request, link_id, services.reset_scans, "The count starts again at 0.")


@require_POST
@page_view(Permission.LINKS_WRITE)
def delete(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    code = find_link(request, link_id).code
    _act(request, link_id, services.delete_link, f"{code} is deleted. Its code stays taken for ever.")
    return redirect("console:links", request.workspace.slug)


def _act(
    request: WorkspaceRequest, link_id: int, service: Callable[..., Link], sentence: str
) -> HttpResponse:
    try:
        service(workspace_id=request.workspace.pk, link_id=link_id)
    except NotFound as error:
        raise Http404 from error
    except CampaignsError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, sentence)
    return redirect("console:link", request.workspace.slug, link_id)


def find_link(request: WorkspaceRequest, link_id: int) -> Link:
    """Raises Http404, also for one of another workspace and a deleted one."""
    try:
        return selectors.get_link(workspace_id=request.workspace.pk, link_id=link_id)
    except NotFound as error:
        raise Http404("There is no such link in this workspace.") from error


def _form(request: WorkspaceRequest, **more: Any) -> LinkForm:
    workspace_id = request.workspace.pk
    return LinkForm(
        request.POST or None,
        campaigns=selectors.list_campaigns(workspace_id=workspace_id),
        domains=list_domains(workspace_id=workspace_id),
        **more,
    )


def _form_page(request: WorkspaceRequest, form: LinkForm, link: Link | None) -> HttpResponse:
    return page(
        request,
        "console/link/form.html",
        section="links",
        status=422 if form.is_bound else 200,
        form=form,
        link=link,
        code_prefix=f"{short_base().split('://', 1)[-1]}/",
        check_url=reverse("console:link_check", args=[request.workspace.slug]),
    )
