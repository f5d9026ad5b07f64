"""GET /links/{id}/qr.{svg,png,pdf}: the code to print."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.api.auth import ApiKey
from control_plane.api.schemas import QrQuery
from control_plane.campaigns import selectors
from control_plane.campaigns.addresses import link_base
from control_plane.campaigns.qr import CONTENT_TYPES, render
from control_plane.campaigns.qr_options import QrOptions

router = Router(tags=["QR codes"])


def _openapi(kind: str) -> dict[str, Any]:
    schema = {"type": "string"} if kind == "svg" else {"type": "string", "format": "binary"}
    return {
        "responses": {
            200: {"description": "The image.", "content": {CONTENT_TYPES[kind]: {"schema": schema}}}
        }
    }


_SUMMARIES: Final = {
    "svg": "QR code as SVG, sharp at any size",
    "png": "QR code as PNG, whole pixels for each module",
    "pdf": "QR code as PDF, one page of exactly that size",
}


def _image(request: HttpRequest, link_id: int, kind: str) -> HttpResponse:
    holder = request.auth  # type: ignore[attr-defined]
    options = QrOptions.parse(request.GET.dict())
    link = selectors.get_link(workspace_id=holder.workspace_id, link_id=link_id)
    content = render(kind, link_base(link), link.code, options)
    return HttpResponse(
        content,
        content_type=CONTENT_TYPES[kind],
        headers={
            "Content-Disposition": f'inline; filename="{link.code}.{kind}"',
            # An SVG opened by itself is a document of this origin.
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=300",
        },
    )


def _extra(kind: str) -> dict[str, Any]:
    return {
        "auth": ApiKey(KeyScope.LINKS_READ),
        "summary": _SUMMARIES[kind],
        "operation_id": f"get_qr_{kind}",
        "openapi_extra": _openapi(kind),
    }


@router.get("/{int:link_id}/qr.svg", **_extra("svg"))
def svg(request: HttpRequest, link_id: int, options: Query[QrQuery]) -> HttpResponse:
    """The smallest symbol that holds the short URL."""
    return _image(request, link_id, "svg")


@router.get("/{int:link_id}/qr.png", **_extra("png"))
def png(request: HttpRequest, link_id: int, options: Query[QrQuery]) -> HttpResponse:
    """The smallest symbol that holds the short URL. The file states at which density it prints `mm` wide."""
    return _image(request, link_id, "png")


@router.get("/{int:link_id}/qr.pdf", **_extra("pdf"))
def pdf(request: HttpRequest, link_id: int, options: Query[QrQuery]) -> HttpResponse:
    """The smallest symbol that holds the short URL."""
    return _image(request, link_id, "pdf")
