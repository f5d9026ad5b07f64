"""Reading campaigns and links: one, or a page of them by search, filter and cursor."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from control_plane.accounts.tenancy import TenantQuerySet, workspace_scope
from control_plane.campaigns.errors import InvalidCursor, InvalidLink, NotFound
from control_plane.campaigns.models import Campaign, Link, LinkState

MAX_PAGE: Final = 200

# Name → column and direction. The number of the link settles ties in the same direction.
ORDERS: Final = {
    "newest": ("created_at", True),
    "oldest": ("created_at", False),
    "updated": ("updated_at", True),
    "title": ("title", False),
    "code": ("code", False),
}


@dataclass(frozen=True)
class LinkFilter:
    """Which links. Empty fields do not filter; deleted links appear only where asked for by state."""

    text: str = ""
    """Found in code, GS1 name, title or destination, in any case; a whole short URL finds its link."""
    state: str = ""
    campaign_id: int | None = None
    domain_id: int | None = None
    order: str = "newest"


@dataclass(frozen=True)
class LinkPage:
    """Some links with campaign and domain loaded, and the cursor of the next page, None on the last one."""

    links: list[Link]
    next_cursor: str | None


def get_link(*, workspace_id: int, link_id: int) -> Link:
    """With campaign, domain and creator loaded. A deleted link is not found. Raises NotFound."""
    with workspace_scope(workspace_id):
        found = Link.objects.select_related("campaign", "created_by", "domain").exclude(
            state=LinkState.DELETED
        )
        link = found.filter(id=link_id).first()
    if link is None:
        raise NotFound
    return link


def list_links(
    *, workspace_id: int, where: LinkFilter | None = None, cursor: str = "", limit: int = 50
) -> LinkPage:
    """Raises InvalidLink(state or order), InvalidCursor. `limit` is kept within 1 and 200."""
    where = where or LinkFilter()
    if where.order not in ORDERS:
        raise InvalidLink("order", f"Choose one of {', '.join(ORDERS)}.")
    column, descending = ORDERS[where.order]
    limit = max(1, min(limit, MAX_PAGE))
    with workspace_scope(workspace_id):
        links = _matching(where)
        if cursor:
            value, link_id = _decode_cursor(cursor, where.order)
            op = "lt" if descending else "gt"
            links = links.filter(Q(**{f"{column}__{op}": value}) | Q(**{column: value, f"id__{op}": link_id}))
        sign = "-" if descending else ""
        found = list(
            links.select_related("campaign", "domain").order_by(f"{sign}{column}", f"{sign}id")[: limit + 1]
        )
    page = found[:limit]
    more = len(found) > limit
    return LinkPage(
        page, _encode_cursor(where.order, getattr(page[-1], column), page[-1].pk) if more else None
    )


def count_links(*, workspace_id: int, where: LinkFilter | None = None) -> int:
    """How many links match, over all pages. Raises InvalidLink(state)."""
    with workspace_scope(workspace_id):
        return _matching(where or LinkFilter()).count()


def links_by_id(*, workspace_id: int, link_ids: list[int]) -> dict[int, Link]:
    """Those of the links that are in this workspace, deleted ones too: for tables of statistics."""
    with workspace_scope(workspace_id):
        return {
            link.pk: link
            for link in Link.objects.select_related("campaign", "domain").filter(id__in=link_ids)
        }


def list_campaigns(*, workspace_id: int) -> list[Campaign]:
    """All, by name."""
    with workspace_scope(workspace_id):
        return list(Campaign.objects.order_by("name", "id"))


def _matching(where: LinkFilter) -> TenantQuerySet:
    links = Link.objects.all()
    if not where.state:
        links = links.exclude(state=LinkState.DELETED)
    elif where.state in LinkState.values:
        links = links.filter(state=where.state)
    else:
        raise InvalidLink("state", f"Choose one of {', '.join(LinkState.values)}.")
    if where.campaign_id is not None:
        links = links.filter(campaign_id=where.campaign_id)
    if where.domain_id is not None:
        links = links.filter(domain_id=where.domain_id)
    # PostgreSQL has no NUL in text; nothing that is stored holds one.
    if text := where.text.replace("\0", "").strip():
        matches = (
            Q(code__contains=text.lower())
            | Q(gs1__contains=text)
            | Q(title__icontains=text)
            | Q(destination__icontains=text)
        )
        if "://" in text:
            path = text.split("?")[0].rstrip("/").partition("://")[2].partition("/")[2]
            matches |= Q(code=path.rpartition("/")[2].lower()) | (~Q(gs1="") & Q(gs1=path))
        links = links.filter(matches)
    return links


def _encode_cursor(order: str, value: Any, link_id: int) -> str:
    text = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([order, text, link_id]).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, order: str) -> tuple[Any, int]:
    try:
        found, text, link_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        value = datetime.fromisoformat(text) if ORDERS[order][0].endswith("_at") else text
        if found != order or not isinstance(link_id, int) or not isinstance(value, str | datetime):
            raise InvalidCursor
        if isinstance(value, datetime) and value.tzinfo is None:
            raise InvalidCursor
        if (isinstance(value, str) and "\0" in value) or not -(2**63) <= link_id < 2**63:
            raise InvalidCursor
    except (binascii.Error, ValueError, TypeError, UnicodeError):
        raise InvalidCursor from None
    return value, link_id
