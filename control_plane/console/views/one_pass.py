"""One pass: its page, its code, and everything that can be done with it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from control_plane.accounts.permissions import Permission
from control_plane.console import giving, pass_state
from control_plane.console.pass_form import HolderForm, ReplaceForm, WindowForm
from control_plane.console.program_page import ProgramRequest, own, program_page, program_view
from control_plane.passes import access, delivery, issuing, symbols
from control_plane.passes import holder as holders
from control_plane.passes.errors import NotFound, PassesError
from control_plane.passes.models import Pass, PassState

_SAID = {
    "active": "No. {} is valid again.",
    "held": "No. {} is on hold. Gates refuse it until it is released.",
    "revoked": "No. {} is cancelled.",
}


@require_GET
@program_view(Permission.PASSES_READ)
def show(request: ProgramRequest, pass_id: int) -> HttpResponse:
    row, program = own(request, Pass, pass_id), request.program
    history, left_out = pass_state.history(row)
    holder = holders.opened(row.holder, request.workspace.pk)
    return program_page(
        request,
        "console/passes/show.html",
        tab="passes",
        row=row,
        state=pass_state.shown_state(row, program),
        entries=pass_state.entries(row, program),
        holder=holder,
        give=giving.load(row, program, holder),
        inside=pass_state.whereabouts(row),
        replaces=row.replaces.first(),
        history=history,
        left_out=left_out,
    )


@require_GET
@program_view(Permission.PASSES_WRITE)
def image(request: ProgramRequest, pass_id: int, kind: str) -> HttpResponse:
    """Its code, which lets in whoever shows it: only for those who may issue passes. `?download`: a file."""
    row = own(request, Pass, pass_id)
    if row.state in (PassState.REVOKED, PassState.REPLACED):
        raise Http404("Gates refuse this pass, so its code is not shown.")
    try:
        text = symbols.text_of(row, request.program)
    except PassesError as error:
        return HttpResponse(error.message, status=422, content_type="text/plain; charset=utf-8")
    return _picture(request, text, kind, f"pass-{row.number}")


@require_GET
@program_view(Permission.PASSES_WRITE)
def link_image(request: ProgramRequest, pass_id: int, kind: str) -> HttpResponse:
    """The code of its secret link, for the holder's phone to scan from this screen."""
    row = own(request, Pass, pass_id)
    return _picture(request, access.web_link(row), kind, f"link-{row.number}")


def _picture(request: ProgramRequest, text: str, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(symbols.symbol(text, kind), content_type=symbols.CONTENT_TYPES[kind])
    disposition = "attachment" if "download" in request.GET else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{name}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@program_view(Permission.PASSES_WRITE)
def send(request: ProgramRequest, pass_id: int) -> HttpResponse:
    """By mail, to its holder's address."""
    row = own(request, Pass, pass_id)
    try:
        delivery.send_one(workspace_id=request.workspace.pk, pass_id=row.pk, by=request.user)
    except NotFound as error:
        raise Http404(error.message) from error
    except PassesError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"No. {row.number:,} is on its way to its holder.")
    return _back(request, row)


@require_POST
@program_view(Permission.PASSES_WRITE)
def state(request: ProgramRequest, pass_id: int) -> HttpResponse:
    """`to`: active, held or revoked; `note` is kept in the history."""
    row, to = own(request, Pass, pass_id), request.POST.get("to", "")
    try:
        issuing.change_state(
            workspace_id=request.workspace.pk,
            pass_id=row.pk,
            to=to,
            note=request.POST.get("note", ""),
            by=request.user,
        )
    except NotFound as error:
        raise Http404(error.message) from error
    except PassesError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _SAID[to].format(f"{row.number:,}"))
    return _back(request, row)


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def extend(request: ProgramRequest, pass_id: int) -> HttpResponse:
    row = own(request, Pass, pass_id)
    form = WindowForm(_posted(request), row=row)
    return _act(
        request,
        row,
        form,
        title="Change the validity",
        hint="What is printed keeps working. A gate that is offline learns of it when it is back.",
        button="Save",
        work=lambda: issuing.extend(
            workspace_id=request.workspace.pk, pass_id=row.pk, by=request.user, **form.cleaned_data
        ),
        said="Saved. The code stays as it is.",
    )


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def transfer(request: ProgramRequest, pass_id: int) -> HttpResponse:
    row = own(request, Pass, pass_id)
    form = HolderForm(_posted(request), initial=holders.opened(row.holder, request.workspace.pk))
    known = holders.opened(row.holder, request.workspace.pk).get("fields", {})
    return _act(
        request,
        row,
        form,
        title="Change the holder",
        hint="The code stays the same, and gets a new link: whoever shows it first gets in. To make the old "
        "paper, or the pass on the old phone, useless, replace the pass.",
        button="Save",
        work=lambda: issuing.transfer(
            workspace_id=request.workspace.pk,
            pass_id=row.pk,
            holder=form.holder() | ({"fields": known} if known else {}),
            by=request.user,
        ),
        said="Saved. The code stays as it is.",
    )


@require_http_methods(["GET", "POST"])
@program_view(Permission.PASSES_WRITE)
def replace(request: ProgramRequest, pass_id: int) -> HttpResponse:
    row = own(request, Pass, pass_id)
    form = ReplaceForm(_posted(request))
    return _act(
        request,
        row,
        form,
        title="Replace this pass",
        hint="A new pass with another code and number takes its place. The old code is refused from then "
        "on; uses that were made stay made. This cannot be undone.",
        button="Replace it",
        work=lambda: issuing.replace(
            workspace_id=request.workspace.pk, pass_id=row.pk, by=request.user, **form.cleaned_data
        ),
        said="Replaced. This is the new pass: print it, and take the old one back.",
    )


def _posted(request: ProgramRequest) -> QueryDict | None:
    """All fields are optional: an empty form is one that was sent, too."""
    return request.POST if request.method == "POST" else None


def _act(
    request: ProgramRequest, row: Pass, form: Any, *, work: Any, said: str, **context: Any
) -> HttpResponse:
    """A form of its own page, then the pass that came of it."""
    if request.method == "POST" and form.is_valid():
        try:
            made = work()
        except NotFound as error:
            raise Http404(error.message) from error
        except PassesError as error:
            form.refuse(error)
        else:
            messages.success(request, said)
            return _back(request, made)
    return program_page(
        request,
        "console/passes/action.html",
        tab="passes",
        status=422 if request.method == "POST" else 200,
        row=row,
        form=form,
        **context,
    )


def _back(request: ProgramRequest, row: Pass) -> HttpResponse:
    return redirect("console:pass", request.workspace.slug, request.program.pk, row.pk)
