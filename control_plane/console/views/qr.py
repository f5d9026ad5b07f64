"""The link's QR code as an image, for the preview and for downloads."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from control_plane.accounts.access import WorkspaceRequest
from control_plane.accounts.permissions import Permission
from control_plane.campaigns import qr, selectors
from control_plane.campaigns.errors import NotFound
from control_plane.console.addresses import short_base
from control_plane.console.shell import page_view


@require_GET
@page_view(Permission.LINKS_READ)
def image(request: WorkspaceRequest, link_id: int, kind: str) -> HttpResponse:
    """`?mm=&error_correction=&quiet_zone=&dpi=`; with `download` as a file named after the code.

    422 with a sentence where the code could not be scanned when printed like this.
    """
    try:
        link = selectors.get_link(workspace_id=request.workspace.pk, link_id=link_id)
    except NotFound as error:
        raise Http404("There is no such link in this workspace.") from error
    query = {name: value for name, value in request.GET.items() if name != "download"}
    try:
        options = qr.QrOptions.parse(query)
        data = qr.render(kind, short_base(), link.code, options)
    except qr.InvalidQr as error:
        return HttpResponse(error.message, status=422, content_type="text/plain; charset=utf-8")
    response = HttpResponse(data, content_type=qr.CONTENT_TYPES[kind])
    disposition = "attachment" if "download" in request.GET else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{link.code}.{kind}"'
    response["Cache-Control"] = "private, max-age=300"
    return response
