"""API keys: `sw_<prefix>_<secret>`. Shown once, kept as a hash, scoped, expiring, revocable."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from control_plane.accounts.errors import InvalidAccount, KeyRefused, NotFound
from control_plane.accounts.models import ApiKey, User
from control_plane.accounts.permissions import KeyScope
from control_plane.accounts.tenancy import workspace_scope

PREFIX_LENGTH: Final = 12
USED_EVERY: Final = timedelta(minutes=1)
_form = re.compile(r"sw_([0-9a-z]{12})_([A-Za-z0-9_-]{43})")
_prefix_alphabet: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class NewKey:
    """A key's row, and the whole key as text: the only time anybody sees it."""

    key: ApiKey
    secret: str


@dataclass(frozen=True)
class KeyHolder:
    """Who a valid key speaks for."""

    key_id: int
    workspace_id: int
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        return scope in self.scopes


def create_key(
    *,
    workspace_id: int,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    created_by: User | None = None,
) -> NewKey:
    """Raises InvalidAccount(field name, scopes or expires_at)."""
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise InvalidAccount("Give the key a name of 1 to 80 characters.", field="name")
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(KeyScope):
        raise InvalidAccount(f"Choose at least one of: {', '.join(KeyScope)}.", field="scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidAccount(
            "The key would be expired already. Choose a day in the future.", field="expires_at"
        )
    prefix = "".join(secrets.choice(_prefix_alphabet) for _ in range(PREFIX_LENGTH))
    secret = secrets.token_urlsafe(32)
    with workspace_scope(workspace_id):
        key = ApiKey(
            name=name,
            prefix=prefix,
            hash=_hash(secret),
            scopes=wanted,
            expires_at=expires_at,
            created_by=created_by,
        )
        key.save(force_insert=True)
    return NewKey(key, f"sw_{prefix}_{secret}")


def list_keys(*, workspace_id: int) -> list[ApiKey]:
    """All keys, also revoked ones, newest first."""
    with workspace_scope(workspace_id):
        return list(ApiKey.objects.select_related("created_by").order_by("-created_at", "-id"))


def revoke_key(*, workspace_id: int, key_id: int) -> None:
    """At once and for good; again is harmless. Raises NotFound."""
    with workspace_scope(workspace_id):
        if not ApiKey.objects.filter(id=key_id).exists():
            raise NotFound
        ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=timezone.now())


def authenticate_key(*, text: str) -> KeyHolder:
    """Who this key speaks for. Raises KeyRefused, without a hint at what was wrong with it.

    Two statements and a transaction: about a millisecond. The date of last use is written at most once a
    minute, so that a busy client does not turn every read into a write.
    """
    match = _form.fullmatch(text)
    if match is None:
        raise KeyRefused
    prefix, secret = match.groups()
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspace_of_key(%s)", [prefix])
        (workspace_id,) = cursor.fetchone()
    if workspace_id is None:
        raise KeyRefused
    with workspace_scope(workspace_id):
        key = ApiKey.objects.filter(prefix=prefix).first()
        if key is None or not hmac.compare_digest(key.hash, _hash(secret)) or not key.is_usable:
            raise KeyRefused
        now = timezone.now()
        if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
            ApiKey.objects.filter(stale, id=key.pk).update(last_used_at=now)
    return KeyHolder(key.pk, key.workspace_id, key.name, frozenset(key.scopes))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
