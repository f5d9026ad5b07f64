"""People in workspaces: roles, invitations, and the owner who cannot leave."""

import uuid
from datetime import timedelta

import pytest
from console_stack import new_tenant


def person():
    from control_plane.accounts.services import create_user

    return create_user(email=f"P{uuid.uuid4().hex[:10]}@Example.com", password="correct horse battery staple")


def own_membership(tenant):
    from control_plane.accounts.services import resolve_membership

    return resolve_membership(user=tenant.user, slug=tenant.slug)


def test_an_invitation_is_used_once_by_the_one_who_was_invited(tenant):
    from control_plane.accounts import services
    from control_plane.accounts.errors import AlreadyMember, InvitationRefused

    ana, bob = person(), person()
    made = services.invite_member(
        workspace_id=tenant.workspace_id, email=ana.email.upper(), role="editor", by=own_membership(tenant)
    )
    assert made.token not in str(vars(made.invitation))
    assert services.find_invitation(token=made.token).workspace.slug == tenant.slug
    with pytest.raises(InvitationRefused):
        services.accept_invitation(token=made.token, user=bob)
    assert services.accept_invitation(token=made.token, user=ana).role == "editor"
    assert services.resolve_membership(user=ana, slug=tenant.slug).workspace.slug == tenant.slug
    for token in (made.token, "nonsense"):
        with pytest.raises(InvitationRefused):
            services.accept_invitation(token=token, user=ana)
    with pytest.raises(AlreadyMember):
        services.invite_member(workspace_id=tenant.workspace_id, email=ana.email, role="viewer")


def test_an_old_or_revoked_invitation_is_refused(tenant):
    from django.utils import timezone

    from control_plane.accounts import services
    from control_plane.accounts.errors import InvitationRefused
    from control_plane.accounts.models import Invitation
    from control_plane.accounts.tenancy import workspace_scope

    ana = person()
    old = services.invite_member(workspace_id=tenant.workspace_id, email=ana.email, role="viewer")
    with workspace_scope(tenant.workspace_id):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.list_invitations(workspace_id=tenant.workspace_id) == []
    new = services.invite_member(workspace_id=tenant.workspace_id, email=ana.email, role="viewer")
    services.revoke_invitation(workspace_id=tenant.workspace_id, invitation_id=new.invitation.pk)
    for token in (old.token, new.token):
        with pytest.raises(InvitationRefused):
            services.accept_invitation(token=token, user=ana)


def test_the_last_owner_stays(tenant):
    from control_plane.accounts import services
    from control_plane.accounts.errors import LastOwner

    owner = own_membership(tenant)
    known = {"workspace_id": tenant.workspace_id, "membership_id": owner.pk, "by": owner}
    with pytest.raises(LastOwner):
        services.change_role(**known, role="viewer")
    with pytest.raises(LastOwner):
        services.remove_member(**known)
    services.add_member(workspace_id=tenant.workspace_id, user=person(), role="owner")
    services.remove_member(**known)
    assert services.memberships_of(user=tenant.user) == []


def test_an_admin_manages_everybody_but_owners(tenant):
    from control_plane.accounts import services
    from control_plane.accounts.errors import NotAllowed

    admin = services.add_member(workspace_id=tenant.workspace_id, user=person(), role="admin")
    viewer = services.add_member(workspace_id=tenant.workspace_id, user=person(), role="viewer", by=admin)
    known = {"workspace_id": tenant.workspace_id}
    assert services.change_role(**known, membership_id=viewer.pk, role="editor", by=admin).role == "editor"
    for work in (
        lambda: services.change_role(**known, membership_id=viewer.pk, role="owner", by=admin),
        lambda: services.change_role(
            **known, membership_id=own_membership(tenant).pk, role="viewer", by=admin
        ),
        lambda: services.remove_member(**known, membership_id=own_membership(tenant).pk, by=admin),
        lambda: services.remove_member(**known, membership_id=admin.pk, by=viewer),
        lambda: services.invite_member(**known, email="x@example.com", role="viewer", by=viewer),
    ):
        viewer.role = "editor"
        with pytest.raises(NotAllowed):
            work()
    services.remove_member(**known, membership_id=viewer.pk, by=viewer)


def test_members_of_another_workspace_are_not_there(tenant):
    from control_plane.accounts import services
    from control_plane.accounts.errors import NotFound

    other = new_tenant()
    theirs = own_membership(other)
    with pytest.raises(NotFound):
        services.resolve_membership(user=tenant.user, slug=other.slug)
    with pytest.raises(NotFound):
        services.change_role(workspace_id=tenant.workspace_id, membership_id=theirs.pk, role="viewer")
    with pytest.raises(NotFound):
        services.remove_member(workspace_id=tenant.workspace_id, membership_id=theirs.pk)


def test_two_workspaces_of_one_name_get_two_addresses(tenant):
    from control_plane.accounts.services import create_workspace

    name = f"Café {uuid.uuid4().hex[:8]}"
    one, two = (create_workspace(name=name, owner=tenant.user) for _ in range(2))
    assert one.slug == name.lower().replace("é", "e").replace(" ", "-")
    assert two.slug.startswith(one.slug + "-")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"slug": "Not a slug"}, "slug"),
    ],
)
def test_bad_values_name_their_field(tenant, values, field):
    from control_plane.accounts.errors import InvalidAccount
    from control_plane.accounts.services import create_workspace

    with pytest.raises(InvalidAccount) as caught:
        create_workspace(owner=tenant.user, **({"name": "n"} | values))
    assert caught.value.field == field


def test_an_address_has_one_account_in_any_case(tenant):
    from control_plane.accounts.errors import InvalidAccount
    from control_plane.accounts.services import create_user

    for email, password, field in (
        (tenant.user.email.upper(), "correct horse battery staple", "email"),
        ("nonsense", "correct horse battery staple", "email"),
        ("fresh@example.com", "password", "password"),
    ):
        with pytest.raises(InvalidAccount) as caught:
            create_user(email=email, password=password)
        assert caught.value.field == field


def test_the_command_leaves_an_installation_with_people_alone(tenant, capsys):
    from django.core.management import call_command

    email = f"{uuid.uuid4().hex}@example.com"
    call_command("create_user", "--email", email, "--password", "correct horse battery", "--if-no-users")
    assert capsys.readouterr().out.startswith("unchanged")
    call_command(
        "create_user", "--email", email, "--password", "correct horse battery", "--workspace", "Mine"
    )
    assert f"created account: {email}" in capsys.readouterr().out
