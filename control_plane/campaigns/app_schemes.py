"""The schemes of a workspace's own apps, such as myapp of myapp://item: what rules may open besides https.

Whoever administers the workspace keeps the list. Taking a scheme off changes no stored rule: what is on paper
goes on opening its app, until the rule is saved again.
"""

from collections.abc import Callable, Collection
from typing import Final

from control_plane.accounts.models import Workspace
from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns.app_names import check_app_scheme
from control_plane.campaigns.errors import InvalidApps

MAX_SCHEMES: Final = 20


def workspace_app_schemes() -> frozenset[str]:
    """For `check_rules`: those of the open workspace."""
    return frozenset(Workspace.objects.get().app_schemes)


def list_app_schemes(*, workspace_id: int) -> list[str]:
    """In lower case and in order."""
    with workspace_scope(workspace_id):
        return list(Workspace.objects.get().app_schemes)


def set_app_schemes(*, workspace_id: int, schemes: Collection[str]) -> list[str]:
    """The whole list anew, in its stored form. Raises InvalidApps(schemes, sentence)."""
    clean = {check_app_scheme(scheme) for scheme in schemes}
    return _change(workspace_id, lambda _: clean)


def add_app_scheme(*, workspace_id: int, scheme: str) -> str:
    """The scheme as it is stored; once more is harmless. Raises InvalidApps(schemes, sentence)."""
    clean = check_app_scheme(scheme)
    _change(workspace_id, lambda stored: stored | {clean})
    return clean


def remove_app_scheme(*, workspace_id: int, scheme: str) -> None:
    """Once more is harmless, and so is one that never was there."""
    _change(workspace_id, lambda stored: stored - {scheme})


def _change(workspace_id: int, change: Callable[[set[str]], set[str]]) -> list[str]:
    with workspace_scope(workspace_id):
        workspace = Workspace.objects.select_for_update().get()
        changed = change(set(workspace.app_schemes))
        if len(changed) > MAX_SCHEMES:
            raise InvalidApps(
                "schemes", f"At most {MAX_SCHEMES} schemes are possible; these are {len(changed):,}."
            )
        workspace.app_schemes = sorted(changed)
        workspace.save(update_fields=["app_schemes"])
    return list(workspace.app_schemes)
