"""The gate in front of every view below /w/<slug>/: who is it, a member? allowed? then in scope.

    @workspace_view(Permission.LINKS_READ)
    def links(request, ...): request.workspace, request.membership

The slug is taken out of the view's arguments. A plain view runs inside `workspace_scope`, its template
included. An async view (a stream) gets no scope and no connection: a stream may last for hours, and must
hold neither a transaction nor a place in the pool.
"""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from control_plane.accounts.errors import NotFound
from control_plane.accounts.models import Membership, User, Workspace
from control_plane.accounts.permissions import Permission, allows
from control_plane.accounts.services import resolve_membership
from control_plane.accounts.tenancy import release_connections, workspace_scope

View = Callable[..., Any]


class WorkspaceRequest(HttpRequest):
    """What a view behind `workspace_view` gets."""

    workspace: Workspace
    membership: Membership
    user: User


def workspace_view(permission: Permission) -> Callable[[View], View]:
    """Not signed in: to the log-in page. Not a member: 404. Not allowed: 403."""

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def stream(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> Any:
                def enter_and_let_go() -> HttpResponseBase | None:
                    try:
                        return _enter(request, slug, permission)
                    finally:
                        release_connections()

                refusal = await sync_to_async(enter_and_let_go)()
                return refusal or await view(request, *args, **kwargs)

            stream.workspace_permission = permission  # type: ignore[attr-defined]
            return stream

        @wraps(view)
        def page(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> Any:
            refusal = _enter(request, slug, permission)
            if refusal:
                return refusal
            with workspace_scope(request.workspace.pk):  # type: ignore[attr-defined]
                response = view(request, *args, **kwargs)
                # A template may still ask for rows; outside of the scope there are none.
                if hasattr(response, "render") and not response.is_rendered:
                    response = response.render()
            return response

        page.workspace_permission = permission  # type: ignore[attr-defined]
        return page

    return decorate


def _enter(request: HttpRequest, slug: str, permission: Permission) -> HttpResponseBase | None:
    user = request.user
    if not isinstance(user, User) and not user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    try:
        membership = resolve_membership(user=user, slug=slug)  # type: ignore[arg-type]
    except NotFound:
        raise Http404("There is no such workspace, or you are not a member of it.") from None
    if not allows(membership.role, permission):
        raise PermissionDenied("Your role does not allow this. Ask an owner or admin of the workspace.")
    request.membership = membership  # type: ignore[attr-defined]
    request.workspace = membership.workspace  # type: ignore[attr-defined]
    return None
