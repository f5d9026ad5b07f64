"""The link's QR code as an image, for the preview and for downloads."""

import re

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.campaigns import qr, selectors
from control_plane.campaigns.addresses import link_base
from control_plane.campaigns.errors import NotFound
from control_plane.campaigns.models import Link
from control_plane.console.shell import page_view

_placement = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@require_GET
@page_view(Permission.LINKS_READ)
def image(request: WorkspaceRequest, link_id: int, kind: str) -> HttpResponse:
    """`?placement=&mm=&error_correction=&quiet_zone=&dpi=`; with `download` as a file named after the code.

    422 with a sentence where the code could not be scanned when printed like this.
    """
    try:
        link = selectors.get_link(workspace_id=request.workspace.pk, link_id=link_id)
    except NotFound as error:
        raise Http404("There is no such link in this workspace.") from error
    query = {
        name: value for name, value in request.GET.items() if name not in ("download", "placement", "gs1")
    }
    try:
        options = qr.QrOptions.parse(query)
        content, name = _content(link, request)
        data = qr.render(kind, link_base(link), content, options)
    except qr.InvalidQr as error:
        return HttpResponse(error.message, status=422, content_type="text/plain; charset=utf-8")
    response = HttpResponse(data, content_type=qr.CONTENT_TYPES[kind])
    disposition = "attachment" if "download" in request.GET else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{name}.{kind}"'
    response["Cache-Control"] = "private, max-age=300"
    return response


def _content(link: Link, request: WorkspaceRequest) -> tuple[str, str]:
    """What stands behind the host, the code with its placement or the GS1 name; and what a file of it is
    called. Raises qr.InvalidQr."""
    placement = request.GET.get("placement", "").strip().lower()
    if placement and not _placement.fullmatch(placement):
        raise qr.InvalidQr(
            "placement", "Name the placement with 1 to 64 letters a–z, digits, hyphens, dots and underscores."
        )
    if request.GET.get("gs1") and link.gs1:
        # The symbol is smaller in capitals, which is safe for codes but not for lots and serial numbers.
        if link.gs1 != link.gs1.upper():
            raise qr.InvalidQr(
                "gs1",
                "This lot or serial number has small letters, which this code cannot hold. Use the code.",
            )
        return link.gs1, link.code  # a GS1 name has no place for a placement
    if not placement:
        return link.code, link.code
    return f"{link.code}/p/{placement}", f"{link.code}-{placement}"
