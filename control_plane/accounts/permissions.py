"""Who may do what: the one table. Views, API and templates ask `allows`."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A member's role in one workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    GATE_STAFF = "gate_staff"


class Permission(StrEnum):
    """One thing a person can be allowed to do."""

    WORKSPACE_VIEW = "workspace:view"
    WORKSPACE_MANAGE = "workspace:manage"
    WORKSPACE_DELETE = "workspace:delete"
    MEMBERS_VIEW = "members:view"
    MEMBERS_MANAGE = "members:manage"
    KEYS_MANAGE = "keys:manage"
    LINKS_READ = "links:read"
    LINKS_WRITE = "links:write"
    DOMAINS_WRITE = "domains:write"
    STATS_READ = "stats:read"
    PASSES_READ = "passes:read"
    PASSES_WRITE = "passes:write"
    GATES_MANAGE = "gates:manage"
    GATE_ADMIT = "gate:admit"


class KeyScope(StrEnum):
    """What an API key may do. The words are those of the permissions they grant."""

    LINKS_READ = "links:read"
    LINKS_WRITE = "links:write"
    DOMAINS_WRITE = "domains:write"
    STATS_READ = "stats:read"
    PASSES_READ = "passes:read"
    PASSES_WRITE = "passes:write"
    GATES_MANAGE = "gates:manage"


_GATE_STAFF = frozenset({Permission.WORKSPACE_VIEW, Permission.GATE_ADMIT})
_VIEWER = frozenset(
    {
        Permission.WORKSPACE_VIEW,
        Permission.MEMBERS_VIEW,
        Permission.LINKS_READ,
        Permission.STATS_READ,
        Permission.PASSES_READ,
    }
)
_EDITOR = _VIEWER | {Permission.LINKS_WRITE, Permission.PASSES_WRITE}
_ADMIN = _EDITOR | {
    Permission.WORKSPACE_MANAGE,
    Permission.DOMAINS_WRITE,
    Permission.MEMBERS_MANAGE,
    Permission.KEYS_MANAGE,
    Permission.GATES_MANAGE,
    Permission.GATE_ADMIT,
}
_OWNER = _ADMIN | {Permission.WORKSPACE_DELETE}

TABLE: Final[dict[Role, frozenset[Permission]]] = {
    Role.OWNER: _OWNER,
    Role.ADMIN: _ADMIN,
    Role.EDITOR: _EDITOR,
    Role.VIEWER: _VIEWER,
    Role.GATE_STAFF: _GATE_STAFF,
}

# Whom a member with this role may appoint, change and remove.
MANAGES: Final[dict[Role, frozenset[Role]]] = {
    Role.OWNER: frozenset(Role),
    Role.ADMIN: frozenset(Role) - {Role.OWNER},
    Role.EDITOR: frozenset(),
    Role.VIEWER: frozenset(),
    Role.GATE_STAFF: frozenset(),
}


def allows(role: str, permission: str) -> bool:
    """True where the table says so; an unknown role or permission is never allowed."""
    try:
        return Permission(permission) in TABLE[Role(role)]
    except ValueError:
        return False


def manages(role: str, other: str) -> bool:
    """True where a member with `role` may give or take the role `other`."""
    try:
        return Role(other) in MANAGES[Role(role)]
    except ValueError:
        return False
