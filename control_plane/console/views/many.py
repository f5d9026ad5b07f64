"""Many passes at once: first what would become of each, then the same, done."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from control_plane.accounts.permissions import Permission
from control_plane.console import many_form
from control_plane.console.many_form import ManyForm
from control_plane.console.program_page import ProgramRequest, program_page, program_view
from control_plane.console.views.passes import ticked
from control_plane.passes import many
from control_plane.passes.errors import PassesError


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def change(request: ProgramRequest) -> HttpResponse:
    """`?n=1&n=2`: those that were ticked; `?numbers=…&action=…`: what would be done, which a POST does."""
    of = {"workspace_id": request.workspace.pk, "program_id": request.program.pk}
    asks = not request.GET.keys().isdisjoint(ManyForm.base_fields)
    form = ManyForm(
        request.POST if request.method == "POST" else request.GET if asks else None,
        initial={"numbers": ticked(request)},
    )
    plan = None
    try:
        if form.is_valid() and request.method == "POST":
            note = form.cleaned_data["note"]
            outcome = many.change(**of, **form.values(), note=note, by=request.user)
            tell = messages.success if outcome.done else messages.warning
            tell(request, many_form.said(outcome))
            return redirect("console:passes", request.workspace.slug, request.program.pk)
    except PassesError as error:
        form.refuse(error)
    try:
        # Where only the note is wrong, the plan is there with its sentence.
        if form.is_bound and form.errors.keys() <= {"note"}:
            plan = many.look(**of, **form.values())
    except PassesError as error:
        form.refuse(error)
    return program_page(
        request,
        "console/passes/many.html",
        tab="passes",
        status=422 if form.errors else 200,
        form=form,
        plan=plan and many_form.shown(plan),
    )
