"""A POST that arrives twice is done once: the answer is remembered in the transaction that did the work."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns.errors import IdempotencyConflict
from control_plane.campaigns.models import IdempotencyKey

KEEP: Final = timedelta(hours=24)
MAX_KEY: Final = 255


@dataclass(frozen=True)
class Answer:
    """What was answered: an HTTP status and a JSON body."""

    status: int
    body: Any
    replayed: bool = False
    """True where the work was done by an earlier request."""


def remember(*, workspace_id: int, key: str, request: bytes, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, or the one that an earlier request with this key got within 24 hours.

    `work` runs in the same transaction as the note that it ran: after a crash there is neither. Where it
    raises, nothing is kept, and a corrected request may use the key again. A second request with the same
    key at the same moment waits for the first one. `request` is whatever makes two requests the same
    (method, path, body). Raises IdempotencyConflict where the key came with another request before.
    """
    if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise IdempotencyConflict(f"An Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters.")
    # Keyed, because a body may hold a link's password, which is short enough to be guessed from a plain hash.
    digest = hmac.digest(settings.SECRET_KEY.encode(), request, "sha256").hex()
    with workspace_scope(workspace_id):
        IdempotencyKey.objects.filter(key=key, created_at__lt=timezone.now() - KEEP).delete()
        note = IdempotencyKey(key=key, request_hash=digest)
        try:
            with transaction.atomic():
                # Waits here, on the unique index, while another request with this key is at work.
                note.save(force_insert=True)
        except IntegrityError:
            earlier = IdempotencyKey.objects.get(key=key)
            if earlier.request_hash != digest:
                raise IdempotencyConflict from None
            return Answer(earlier.status, earlier.response, replayed=True)
        answer = work()
        note.status, note.response = answer.status, answer.body
        note.save(update_fields=["status", "response"])
    return answer


def forget_old() -> int:
    """Delete what is older than 24 hours, in every workspace. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspaces_to_forget()")
        workspaces = [row[0] for row in cursor.fetchall()]
    count = 0
    for workspace_id in workspaces:
        with workspace_scope(workspace_id):
            old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEEP)
            count += old.delete()[0]
    return count
