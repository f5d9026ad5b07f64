"""API keys: shown once, hashed, scoped, expiring, revocable; and when they were last used."""

from datetime import timedelta

import pytest


@pytest.fixture
def made(tenant):
    from control_plane.accounts.keys import create_key

    return create_key(workspace_id=tenant.workspace_id, name=" Till  1 ", scopes=["links:read", "links:read"])


def row(key):
    from control_plane.accounts.models import ApiKey
    from control_plane.accounts.tenancy import workspace_scope

    with workspace_scope(key.workspace_id):
        return ApiKey.objects.get(id=key.pk)


def change(key, **values):
    from control_plane.accounts.models import ApiKey
    from control_plane.accounts.tenancy import workspace_scope

    with workspace_scope(key.workspace_id):
        ApiKey.objects.filter(id=key.pk).update(**values)


def test_a_key_speaks_for_its_workspace_within_its_scopes(made, tenant):
    from control_plane.accounts.keys import authenticate_key

    holder = authenticate_key(text=made.secret)
    assert (holder.workspace_id, holder.name) == (tenant.workspace_id, "Till 1")
    assert holder.may("links:read")
    assert not holder.may("links:write")


def test_the_secret_is_nowhere_in_the_row(made):
    secret = made.secret.split("_", 2)[2]
    stored = row(made.key)
    assert len(secret) == 43
    assert secret not in " ".join(str(value) for value in vars(stored).values())


def test_whatever_is_wrong_the_answer_is_the_same(made):
    from django.utils import timezone

    from control_plane.accounts.errors import KeyRefused
    from control_plane.accounts.keys import authenticate_key, create_key, revoke_key

    expired = create_key(workspace_id=made.key.workspace_id, name="old", scopes=["stats:read"])
    change(expired.key, expires_at=timezone.now() - timedelta(seconds=1))
    revoked = create_key(workspace_id=made.key.workspace_id, name="lost", scopes=["stats:read"])
    for _ in range(2):
        revoke_key(workspace_id=made.key.workspace_id, key_id=revoked.key.pk)
    flipped = made.secret[:-1] + ("A" if made.secret[-1] != "A" else "B")
    unknown = "sw_" + "0" * 12 + made.secret[15:]
    said = set()
    for text in (expired.secret, revoked.secret, flipped, unknown, "", "sw_", made.secret + "\n", "Ä" * 59):
        with pytest.raises(KeyRefused) as caught:
            authenticate_key(text=text)
        said.add(str(caught.value))
    assert len(said) == 1


def test_the_last_use_is_written_once_a_minute(made):
    from django.utils import timezone

    from control_plane.accounts.keys import authenticate_key

    authenticate_key(text=made.secret)
    first = row(made.key).last_used_at
    authenticate_key(text=made.secret)
    assert row(made.key).last_used_at == first
    change(made.key, last_used_at=timezone.now() - timedelta(minutes=2))
    authenticate_key(text=made.secret)
    assert row(made.key).last_used_at > first


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["links:burn"]}, "scopes"),
    ],
)
def test_bad_values_name_their_field(tenant, values, field):
    from control_plane.accounts.errors import InvalidAccount
    from control_plane.accounts.keys import create_key

    with pytest.raises(InvalidAccount) as caught:
        create_key(workspace_id=tenant.workspace_id, **({"name": "n", "scopes": ["links:read"]} | values))
    assert caught.value.field == field


def test_a_key_of_another_workspace_cannot_be_revoked(made):
    from console_stack import new_tenant

    from control_plane.accounts.errors import NotFound
    from control_plane.accounts.keys import authenticate_key, revoke_key

    with pytest.raises(NotFound):
        revoke_key(workspace_id=new_tenant().workspace_id, key_id=made.key.pk)
    assert authenticate_key(text=made.secret)


def test_the_command_prints_a_key_that_works(tenant, capsys):
    from django.core.management import CommandError, call_command

    from control_plane.accounts.keys import authenticate_key

    call_command("create_key", "--workspace", tenant.slug, "--name", "robot", "--scopes", "stats:read")
    holder = authenticate_key(text=capsys.readouterr().out.splitlines()[-1])
    assert (holder.workspace_id, holder.scopes) == (tenant.workspace_id, {"stats:read"})
    with pytest.raises(CommandError, match="no workspace with the slug"):
        call_command("create_key", "--workspace", "nowhere-at-all", "--name", "robot")
