"""A link's rules: the editor, one made-up scan against a draft, and a day of real scans against it."""

import json
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from analytics.visitors.glance import IN_APPS
from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission, allows
from control_plane.campaigns import services
from control_plane.campaigns.errors import CampaignsError, EditConflict, InvalidLink, NotFound
from control_plane.campaigns.models import Link
from control_plane.campaigns.rules import MAX_RULES_BYTES
from control_plane.console import names, rules_try
from control_plane.console.shell import page, page_view
from control_plane.console.views.link import find_link
from edge import rules as limits

MAX_TEXT: Final = 6 * MAX_RULES_BYTES
"""Characters of a draft. Indented, with one value a line, the largest list that may be saved is four times as
long as it is stored; what is longer is not even read."""
MAX_NESTED: Final = 64
"""Brackets inside brackets; rules that may be saved need about 20."""
ICONS: Final = (
    "arrow-down", "arrow-up", "chevron-down", "circle-alert", "copy-plus", "layers", "plus", "trash-2",
    "triangle-alert", "undo-2", "x",
)  # fmt: skip
"""What the editor's scripts draw."""


@require_http_methods(["GET", "POST"])
@page_view(Permission.LINKS_READ)
def rules(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    link = find_link(request, link_id)
    writes = allows(request.membership.role, Permission.LINKS_WRITE)
    if request.method == "GET":
        return _page(request, link, writes=writes)
    if not writes:
        raise PermissionDenied("Your role does not change links. Ask an editor.")
    typed = request.POST.get("rules", "")
    try:
        draft = read_draft(typed)
        changed = services.update_link(
            workspace_id=request.workspace.pk,
            link_id=link.pk,
            expected_version=_version(request),
            rules=draft,
        )
    except NotFound as error:
        raise Http404 from error
    except CampaignsError as error:
        return _page(request, find_link(request, link_id), writes=writes, typed=typed, error=error)
    count = len(changed.rules)
    said = (
        "No rules: every scan leads to the link’s destination."
        if not count
        else "The next scan follows them."
    )
    messages.success(request, f"Saved. {said}")
    return redirect("console:link_rules", request.workspace.slug, link.pk)


@require_POST
@page_view(Permission.LINKS_READ)
def attempt(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    """A fragment: what one scan with these facts would meet, by the draft."""
    link = find_link(request, link_id)
    context: dict[str, Any] = {"workspace": request.workspace, "link": link}
    try:
        scan = rules_try.read_scan(request.POST)
        context["result"] = rules_try.attempt(link, read_draft(request.POST.get("rules", "")), scan)
    except CampaignsError as error:
        context["error"] = error
    return render(request, "console/link/try.html", context, status=422 if "error" in context else 200)


@require_POST
@page_view(Permission.STATS_READ)
def shadow(request: WorkspaceRequest, link_id: int) -> HttpResponse:
    """A fragment: where the scans of a day would have gone by the draft."""
    link = find_link(request, link_id)
    context: dict[str, Any] = {"workspace": request.workspace, "link": link}
    try:
        day = rules_try.read_day(request.POST.get("day", ""))
        draft = read_draft(request.POST.get("rules", ""))
        found = rules_try.compare(link, draft, day)
        context |= {"run": found.run, "moves": found.moves, "more_moves": found.more, "share": found.share}
    except CampaignsError as error:
        context["error"] = error
    return render(request, "console/link/shadow.html", context, status=422 if "error" in context else 200)


def read_draft(text: str) -> list[Any]:
    """What the hidden field holds. Raises InvalidLink where it is no list of JSON."""
    if len(text) > MAX_TEXT:
        raise InvalidLink(
            "rules",
            f"These rules are too long to be read: {len(text):,} characters, and {MAX_TEXT:,} are the most. "
            "Leave values out, shorten texts, or share the rules out among several links.",
        )
    try:
        draft = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise InvalidLink(
            "rules", f"The rules are not JSON: {error}. Mend the text, or load the page again."
        ) from None
    if not isinstance(draft, list):
        raise InvalidLink("rules", "The rules have to be a list in square brackets, first one first.")
    if _is_deep(draft):
        raise InvalidLink("rules", "Conditions stand too deep inside each other. Write them flatter.")
    return draft


def _is_deep(value: Any) -> bool:
    """Nested further than the page could be written."""
    level = [value]
    for _ in range(MAX_NESTED):
        level = [
            inner
            for one in level
            if isinstance(one, list | dict)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _version(request: WorkspaceRequest) -> int:
    """The version that the person has seen; with `overwrite`, the one they chose to save over."""
    given = request.POST.get("overwrite") or request.POST.get("version", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0


def _page(
    request: WorkspaceRequest,
    link: Link,
    *,
    writes: bool,
    typed: str | None = None,
    error: CampaignsError | None = None,
) -> HttpResponse:
    """typed, error: what was sent and why it was refused; nothing of it is lost."""
    conflict = isinstance(error, EditConflict)
    return page(
        request,
        "console/link/rules.html",
        section="links",
        status=200 if error is None else 409 if conflict else 422,
        link=link,
        writes=writes,
        text=typed if typed is not None else json.dumps(link.rules, indent=2, ensure_ascii=False),
        error=error,
        conflict=conflict,
        version=_version(request) if error else link.version,
        data=_data(request, link, error, readonly=not writes or link.state == "blocked"),
        presets=rules_try.PRESETS,
        icons=ICONS,
        countries=sorted(names.COUNTRIES.items(), key=lambda pair: pair[1]),
        yesterday=rules_try.today() - timedelta(days=1),
        today=rules_try.today(),
    )


def _data(
    request: WorkspaceRequest, link: Link, error: CampaignsError | None, *, readonly: bool
) -> dict[str, Any]:
    """What the editor's scripts read beside the JSON field."""
    placed = error is not None and error.field.startswith("rules[")
    return {
        "saved": link.rules,
        "draft": error is not None,
        "errors": [{"path": error.field, "message": error.message}] if error and placed else [],
        "readonly": readonly,
        "has_password": link.has_password,
        "destination": link.destination,
        "zone": request.workspace.time_zone,
        "zones": names.zones(),
        "countries": names.COUNTRIES,
        "languages": names.languages(),
        "in_apps": list(IN_APPS),
        "limits": {"rules": limits.MAX_RULES},
    }
