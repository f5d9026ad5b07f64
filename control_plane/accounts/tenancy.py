"""The tenant wall, Python's side: which workspace (or user) this piece of work may touch.

The scope is opened together with a transaction, and PostgreSQL is told with `set_config(…, is_local=true)`:
the setting ends with the transaction, so it cannot survive in a pooled connection. Row-level security reads
it (accounts/wall.py). Two walls: the managers here refuse to build a query without a scope, and PostgreSQL
shows no row and takes no row without one, whatever Python does.

The scope is in context variables. asgiref carries those into the threads of `sync_to_async` and back, while
the transaction stays with the thread's connection; a thread without the transaction sees no row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from django.db import close_old_connections, connection, connections, models, transaction

from control_plane.accounts.errors import ScopeError

WORKSPACE_SETTING = "scanway.workspace_id"
USER_SETTING = "scanway.user_id"

_workspace: ContextVar[int | None] = ContextVar("scanway_workspace", default=None)
_user: ContextVar[int | None] = ContextVar("scanway_user", default=None)


@contextmanager
def workspace_scope(workspace_id: int) -> Iterator[None]:
    """One transaction in which this workspace's rows, and no others, can be read and written.

    The same workspace again is a savepoint; another one inside is refused with ScopeError: work that spans
    workspaces does one after the other.
    """
    current = _workspace.get()
    if current is not None and current != workspace_id:
        raise ScopeError(
            f"A scope of workspace {current} is open; workspace {workspace_id} cannot open inside it."
        )
    if current is not None:
        with transaction.atomic():
            yield
        return
    with _setting(WORKSPACE_SETTING, workspace_id, _workspace):
        yield


@contextmanager
def user_scope(user_id: int) -> Iterator[None]:
    """One transaction in which this person's own memberships, and their workspaces, can be read.

    The door for “which workspaces are mine?”, the only question that comes before a workspace is known.
    """
    current = _user.get()
    if current is not None and current != user_id:
        raise ScopeError(f"A scope of user {current} is open; user {user_id} cannot open inside it.")
    with _setting(USER_SETTING, user_id, _user):
        yield


@contextmanager
def _setting(name: str, value: int, variable: ContextVar[int | None]) -> Iterator[None]:
    nested = connection.in_atomic_block
    before = variable.get()
    with transaction.atomic():
        _set_config(name, str(int(value)))
        token = variable.set(value)
        try:
            yield
        finally:
            variable.reset(token)
        # In a longer transaction the setting would outlive the scope. An exception needs no such line:
        # PostgreSQL takes the setting back with the savepoint.
        if nested:
            _set_config(name, "" if before is None else str(before))


def _set_config(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def current_workspace_id() -> int | None:
    """The open scope's workspace, or None."""
    return _workspace.get()


def require_workspace_id() -> int:
    """The open scope's workspace. Raises ScopeError where there is none."""
    workspace_id = _workspace.get()
    if workspace_id is None:
        raise ScopeError("Open a workspace_scope before touching a workspace's data.")
    return workspace_id


def release_connections() -> None:
    """Give this thread's connections back to the pool: before a stream that may last for hours."""
    for alias in connections:
        if alias in connections.settings and not connections[alias].in_atomic_block:
            connections[alias].close()
    close_old_connections()


class TenantQuerySet(models.QuerySet[Any]):
    """A query that belongs to the scope it was built in, and is read nowhere else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._scope: tuple[int | None, int | None] | None = None

    def scoped(self) -> Self:
        self._scope = (_workspace.get(), _user.get())
        return self

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._scope = self._scope
        return clone

    def _fetch_all(self) -> None:
        # PostgreSQL would answer with no rows, which looks like “there are none”.
        if self._result_cache is None and self._scope not in (None, (_workspace.get(), _user.get())):  # type: ignore[has-type]
            raise ScopeError("This query was built in a workspace's scope and is read outside of it.")
        super()._fetch_all()  # type: ignore[misc]


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """Only the open scope's rows. Raises ScopeError where no scope is open."""

    def get_queryset(self) -> TenantQuerySet:
        return super().get_queryset().filter(workspace_id=require_workspace_id()).scoped()


class OwnManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """The rows of the person whose user_scope is open, across workspaces."""

    def get_queryset(self) -> TenantQuerySet:
        user_id = _user.get()
        if user_id is None:
            raise ScopeError("Open a user_scope before asking for a person's own memberships.")
        return super().get_queryset().filter(user_id=user_id).scoped()


class WorkspaceManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """The open scope's workspace itself."""

    def get_queryset(self) -> TenantQuerySet:
        return super().get_queryset().filter(id=require_workspace_id()).scoped()
