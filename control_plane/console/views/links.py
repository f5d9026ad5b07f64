"""The list of links: search, filters, order, pages by cursor."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.campaigns import selectors, stats
from control_plane.campaigns.addresses import link_url
from control_plane.campaigns.errors import InvalidCursor, StatsUnavailable
from control_plane.campaigns.models import Link
from control_plane.console.link_state import ShownState, shown_state
from control_plane.console.shell import page, page_view

PAGE = 25
STATES = [("", "All states"), ("active", "Active"), ("paused", "Paused"), ("blocked", "Blocked")]
SORTS = [
    ("newest", "Newest first"),
    ("oldest", "Oldest first"),
    ("updated", "Last changed"),
    ("title", "Title"),
    ("code", "Code"),
]


@dataclass(frozen=True)
class Row:
    """One line of the list. humans: all scans by people so far; None where ClickHouse does not answer."""

    link: Link
    short: str
    state: ShownState
    humans: int | None


@dataclass(frozen=True)
class Filters:
    """The query string, with everything unknown left out."""

    q: str
    state: str
    campaign: int | None
    sort: str
    after: str

    def query(self, after: str = "") -> str:
        given = {"q": self.q, "state": self.state, "campaign": self.campaign, "sort": self.sort}
        given["after"] = after
        return urlencode({name: value for name, value in given.items() if value not in ("", None)})


def read_filters(request: WorkspaceRequest) -> Filters:
    get = request.GET.get
    campaign = get("campaign", "")
    return Filters(
        q=get("q", "").strip()[:200],
        state=get("state", "") if get("state", "") in dict(STATES) else "",
        campaign=int(campaign) if campaign.isascii() and campaign.isdigit() and len(campaign) < 18 else None,
        sort=get("sort", "") if get("sort", "") in dict(SORTS) else "newest",
        after=get("after", ""),
    )


@require_GET
@page_view(Permission.LINKS_READ)
def links(request: WorkspaceRequest) -> HttpResponse:
    filters = read_filters(request)
    where = selectors.LinkFilter(
        text=filters.q, state=filters.state, campaign_id=filters.campaign, order=filters.sort
    )
    workspace_id = request.workspace.pk
    try:
        found = selectors.list_links(workspace_id=workspace_id, where=where, cursor=filters.after, limit=PAGE)
    except InvalidCursor:
        messages.warning(request, "That page of the list does not exist any more. This is the first one.")
        return redirect(f"{request.path}?{filters.query()}")
    counts, problem = _counts(workspace_id, [link.pk for link in found.links])
    rows = [Row(link, link_url(link), shown_state(link), counts.get(link.pk)) for link in found.links]
    return page(
        request,
        "console/links/list.html",
        section="links",
        page={"links": rows, "next": found.next_cursor},
        filters=filters,
        filtered=bool(filters.q or filters.state or filters.campaign or filters.after),
        states=STATES,
        sorts=SORTS,
        campaigns=selectors.list_campaigns(workspace_id=workspace_id),
        problem=problem,
        next_query=filters.query(found.next_cursor or ""),
        first_query=filters.query(),
    )


def _counts(workspace_id: int, link_ids: list[int]) -> tuple[dict[int, int], str]:
    """Scans by people per link, and a sentence where they cannot be had."""
    if not link_ids:
        return {}, ""
    try:
        found = stats.links_totals(workspace_id=workspace_id, link_ids=link_ids)
    except StatsUnavailable as error:
        return {}, error.message
    return {link_id: found[link_id].humans if link_id in found else 0 for link_id in link_ids}, ""
