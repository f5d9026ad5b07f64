"""A workspace's signing keys: made when first needed, rotated, revoked.

next → active → verify_only → revoked. A next key is known to every gate before anything is signed with it.
"""

import time
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import vault
from control_plane.passes.errors import Invalid, NotFound
from control_plane.passes.models import SigningKey
from edge.token import Algorithm, Key, KeyState, generate

KEEP: Final = 5.0
"""Seconds that a process may use keys it has read: a revoked key is dead everywhere after that."""

_kept: dict[int, tuple[float, dict[int, Key]]] = {}


def keys_for(workspace_id: int, number: int) -> dict[int, Key]:
    """Every key by number, revoked ones too; from memory for KEEP seconds.

    Read afresh where the one that is asked for is not known to sign: it may do so since a moment ago.
    """
    kept = _kept.get(workspace_id)
    if kept is not None and time.monotonic() < kept[0]:
        key = kept[1].get(number)
        if key is not None and key.state != KeyState.NEXT:
            return kept[1]
    with workspace_scope(workspace_id):
        found = {row.number: _opened(row) for row in SigningKey.objects.all()}
    _kept[workspace_id] = (time.monotonic() + KEEP, found)
    return found


def active_key(workspace_id: int, algorithm: Algorithm) -> Key:
    """The one that signs; made now where there is none."""
    with workspace_scope(workspace_id):
        active = SigningKey.objects.filter(algorithm=algorithm.value, state=KeyState.ACTIVE.value)
        row = active.first()
        if row is None:
            try:
                with transaction.atomic():
                    row = _new(workspace_id, algorithm, KeyState.ACTIVE)
            except IntegrityError:  # somebody else made it at the same moment
                row = active.get()
        return _opened(row)


def list_keys(*, workspace_id: int) -> list[SigningKey]:
    """Newest first."""
    with workspace_scope(workspace_id):
        return list(SigningKey.objects.order_by("-number"))


def rotate(*, workspace_id: int, algorithm: Algorithm) -> SigningKey:
    """The next key signs from now on, and another next one is made; what is printed stays valid.

    A gate that was offline since the next key was made learns of it when it is back.
    """
    with workspace_scope(workspace_id):
        mine = SigningKey.objects.select_for_update(no_key=True).filter(algorithm=algorithm.value)
        rows = {row.state: row for row in mine.exclude(state=KeyState.REVOKED.value).order_by("number")}
        if active := rows.get(KeyState.ACTIVE.value):
            _become(active, KeyState.VERIFY_ONLY)
        following = rows.get(KeyState.NEXT.value) or _new(workspace_id, algorithm, KeyState.NEXT)
        _become(following, KeyState.ACTIVE)
        _new(workspace_id, algorithm, KeyState.NEXT)
        transaction.on_commit(lambda: _kept.pop(workspace_id, None))
    return following


def revoke(*, workspace_id: int, number: int) -> None:
    """For good: every pass that was printed with it is refused. Raises NotFound, Invalid(number)."""
    with workspace_scope(workspace_id):
        row = SigningKey.objects.select_for_update(no_key=True).filter(number=number).first()
        if row is None:
            raise NotFound("There is no such signing key in this workspace.")
        if row.state == KeyState.ACTIVE:
            raise Invalid("number", "This key signs new passes. Rotate first, then revoke it.")
        _become(row, KeyState.REVOKED)
        transaction.on_commit(lambda: _kept.pop(workspace_id, None))


def _become(row: SigningKey, state: KeyState) -> None:
    row.state = state.value
    row.state_since = timezone.now()
    row.save()


def _new(workspace_id: int, algorithm: Algorithm, state: KeyState) -> SigningKey:
    secret, public = generate(algorithm)
    highest = SigningKey.objects.aggregate(most=Max("number"))["most"] or 0
    row = SigningKey(
        number=highest + 1,
        algorithm=algorithm.value,
        state=state.value,
        secret=vault.lock(secret, workspace_id=workspace_id, purpose="signing key"),
        public=public,
    )
    row.save(force_insert=True)
    return row


def _opened(row: SigningKey) -> Key:
    secret = vault.unlock(bytes(row.secret), workspace_id=row.workspace_id, purpose="signing key")
    return Key(row.number, Algorithm(row.algorithm), KeyState(row.state), secret, bytes(row.public))
