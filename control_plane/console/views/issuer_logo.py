"""An issuer's logo: upload, preview, remove."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console.pass_form import LogoForm
from control_plane.console.program_page import ProgramRequest, own, program_view
from control_plane.console.views.issuers import one
from control_plane.passes import issuers, logos
from control_plane.passes.errors import PassesError
from control_plane.passes.models import Issuer


@require_POST
@program_view(Permission.PASSES_WRITE)
def change(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    """A file, or `remove`."""
    issuer = own(request, Issuer, issuer_id)
    if request.POST.get("remove") == "1":
        issuers.remove_logo(workspace_id=request.workspace.pk, issuer_id=issuer.pk)
        messages.success(request, "The logo is removed.")
        return _back(request, issuer)
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        # A byte more than it may have is enough to be refused by.
        data = form.cleaned_data["logo"].read(logos.MOST_BYTES + 1)
        try:
            issuers.set_logo(workspace_id=request.workspace.pk, issuer_id=issuer.pk, data=data)
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, "The logo is saved. It is printed on passes from now on.")
            return _back(request, issuer)
    return one(request, issuer, logo_form=form)


@require_GET
@program_view(Permission.PASSES_READ)
def image(request: ProgramRequest, issuer_id: int) -> HttpResponse:
    """The stored logo, a PNG that this program made from what was uploaded."""
    issuer = own(request, Issuer, issuer_id)
    if not issuer.logo:
        raise Http404("This issuer has no logo.")
    response = HttpResponse(bytes(issuer.logo), content_type="image/png")
    response["Cache-Control"] = "private, no-cache"
    return response


def _back(request: ProgramRequest, issuer: Issuer) -> HttpResponse:
    return redirect("console:issuer", request.workspace.slug, request.program.pk, issuer.pk)
