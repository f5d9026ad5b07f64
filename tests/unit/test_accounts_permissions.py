"""The one table of who may do what."""

import pytest

from control_plane.accounts.permissions import (
    MANAGES,
    TABLE,
    KeyScope,
    Permission,
    Role,
    allows,
    manages,
)


def test_every_role_is_in_the_table():
    assert TABLE.keys() == MANAGES.keys() == set(Role)


def test_roles_grow_from_viewer_to_owner():
    assert TABLE[Role.VIEWER] < TABLE[Role.EDITOR] < TABLE[Role.ADMIN] < TABLE[Role.OWNER]
    assert TABLE[Role.OWNER] == set(Permission)


def test_gate_staff_see_no_links_and_no_statistics():
    assert not allows("gate_staff", Permission.LINKS_READ)
    assert not allows("gate_staff", Permission.STATS_READ)
    assert allows("gate_staff", Permission.GATE_ADMIT)


@pytest.mark.parametrize(
    ("role", "permission"), [("nobody", "links:read"), ("owner", "links:burn"), ("", "")]
)
def test_unknown_words_are_never_allowed(role, permission):
    assert not allows(role, permission)


def test_only_an_owner_makes_owners():
    assert [role for role in Role if manages(role, Role.OWNER)] == [Role.OWNER]
    assert not any(manages("editor", role) for role in Role)
    assert not manages("admin", "nobody")


def test_a_key_can_do_no_more_than_a_person():
    assert {scope.value for scope in KeyScope} <= {permission.value for permission in Permission}
