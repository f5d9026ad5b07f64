"""Passes on their way to their holders by mail: queued by people and jobs, sent by the worker.

    queue → waiting ── claim: one try more, not again for ten minutes ── send ──► sent, or waiting for the
                       (committed before the mail server is asked)        next try, or failed with a sentence

A worker that dies between the server's yes and ours sends once more, ten minutes later: for a ticket, rather
twice than never. Each try of a delivery has the same Message-ID, by which many mailboxes show it once.
"""

import logging
import random
import smtplib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import holder as holders
from control_plane.passes import mail
from control_plane.passes.errors import Invalid, NotFound, PassesError
from control_plane.passes.models import Change, Delivery, DeliveryState, Pass, PassState

TRIES: Final = 6
FIRST_WAIT: Final = 30
"""Seconds before the second try; each further wait is four times as long: 30 s, 2 min, 8 min, 32 min, 2 h."""
CLAIM: Final = timedelta(minutes=10)
"""How long nobody else takes up what one worker is at."""
AT_ONCE: Final = 20
"""Mails in one claim, by one connection: some seconds of work."""
NO_SERVER: Final = (
    "No mail server is set up here, so nothing can be sent. Copy the link and send it yourself, or let the "
    "operator set SCANWAY_EMAIL_URL."
)
_CHUNK: Final = 500
_LOCK: Final = 7_312_000_000_000_000
_SENDABLE: Final = (PassState.ACTIVE, PassState.HELD)

log = logging.getLogger("passes")


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of passes that were to be sent."""

    waiting: int
    """Will be sent now."""
    already: int
    """Were on their way before."""
    before: int
    """Were sent to this holder before, and are not to be sent again."""
    no_address: int
    """Have a holder without an e-mail address, or none."""
    refused: int
    """Are cancelled or replaced."""


def is_on() -> bool:
    """Whether there is a mail server."""
    return settings.CONFIG.smtp is not None


def check_on() -> None:
    """Raises Invalid(email) where there is no mail server."""
    if not is_on():
        raise Invalid("email", NO_SERVER)


def queue(*, workspace_id: int, pass_ids: Iterable[int], by: User | None = None) -> Queued:
    """Send each of these passes to its holder's address, soon. Those that cannot be sent are counted.

    Raises Invalid(email) where there is no mail server.
    """
    wanted = list(dict.fromkeys(pass_ids))
    counts = dict.fromkeys(("waiting", "already", "before", "no_address", "refused"), 0)
    with workspace_scope(workspace_id):
        for start in range(0, len(wanted), _CHUNK):
            rows = Pass.objects.filter(id__in=wanted[start : start + _CHUNK]).order_by("id")
            for what, those in queue_rows(list(rows), workspace_id=workspace_id, by=by).items():
                counts[what] += len(those)
    return Queued(**counts)


def queue_rows(
    rows: list[Pass], *, workspace_id: int, again: bool = True, by: User | None = None
) -> dict[str, list[Pass]]:
    """`queue` of rows, in the workspace's scope. Returns them by what became of them, as `Queued` counts."""
    check_on()
    # Two who press the button at once send one mail. No pass is locked: gates need them.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK + workspace_id])
    found = sort(rows, workspace_id=workspace_id, again=again)
    Delivery.objects.bulk_create(
        [Delivery(workspace_id=workspace_id, of=row, by=by) for row in found.get("waiting", [])]
    )
    return found


def sort(rows: list[Pass], *, workspace_id: int, again: bool = True) -> dict[str, list[Pass]]:
    """What would become of each now. Without `again`, whoever got a mail since holding the pass gets none."""
    of = Delivery.objects.filter(of__in=rows)
    waiting = set(of.filter(state=DeliveryState.WAITING).values_list("of_id", flat=True))
    before: set[int] = set()
    if not again:
        # The address was read right after the last claim, which set `next_at`.
        read_at = ExpressionWrapper(OuterRef("next_at") - CLAIM, output_field=DateTimeField())
        changed = Change.objects.filter(of=OuterRef("of"), what="transferred", at__gt=read_at)
        sent = of.filter(~Exists(changed), state=DeliveryState.SENT)
        before = set(sent.values_list("of_id", flat=True))
    found: dict[str, list[Pass]] = {}
    for row in rows:
        if row.state not in _SENDABLE:
            what = "refused"
        elif row.pk in waiting:
            what = "already"
        elif row.pk in before:
            what = "before"
        elif not holders.opened(row.holder, workspace_id).get("email"):
            what = "no_address"
        else:
            what = "waiting"
        found.setdefault(what, []).append(row)
    return found


def send_one(*, workspace_id: int, pass_id: int, by: User | None = None) -> Delivery:
    """Queue one pass. Raises NotFound, Invalid(email or state) with why it cannot be sent."""
    with workspace_scope(workspace_id):
        row = Pass.objects.filter(id=pass_id).first()
        if row is None:
            raise NotFound("There is no such pass in this workspace.")
        done = queue(workspace_id=workspace_id, pass_ids=[pass_id], by=by)
        if done.refused:
            raise Invalid(
                "state", "Gates refuse this pass, so it is not sent. Restore it first, or send the new one."
            )
        if done.no_address:
            raise Invalid("email", "Its holder has no e-mail address. Add one with “Change the holder”.")
        return Delivery.objects.filter(of_id=pass_id).latest("id")  # type: ignore[no-any-return]


def deliveries(*, workspace_id: int, pass_id: int) -> list[Delivery]:
    """Of one pass, newest first; the last 20."""
    with workspace_scope(workspace_id):
        return list(Delivery.objects.filter(of_id=pass_id).order_by("-id")[:20])


def workspaces_to_send() -> list[int]:
    """By a door in the wall: those with mail whose time has come."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspaces_with_deliveries()")
        return [row[0] for row in cursor.fetchall()]


def send_some(workspace_id: int, most: int = AT_ONCE) -> int:
    """Send what is due, at most so many. Returns how many were tried; no row is locked meanwhile."""
    claimed = _claim(workspace_id, most)
    if not claimed:
        return 0
    server = get_connection(fail_silently=False)
    try:
        for delivery_id in claimed:
            try:
                _send(server, workspace_id, delivery_id)
            except Exception:  # one letter that cannot be written keeps no other waiting
                log.exception("Workspace %d: delivery %d could not be made.", workspace_id, delivery_id)
                with workspace_scope(workspace_id):
                    found = Delivery.objects.get(id=delivery_id)
                    if found.tries >= TRIES:
                        _failed(found, "This mail could not be written. The server's log says why.")
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.close()
    return len(claimed)


def _claim(workspace_id: int, most: int) -> list[int]:
    now = timezone.now()
    with workspace_scope(workspace_id):
        due = Delivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=now).order_by("next_at", "id")
        rows = list(due.select_for_update(skip_locked=True, no_key=True)[:most])
        for row in [one for one in rows if one.tries > TRIES]:
            # Each time whoever worked on it was gone before the end.
            rows.remove(row)
            _failed(row, f"It was tried {row.tries} times, and never to the end.")
        for row in rows:
            row.tries += 1
            row.next_at = now + CLAIM
        Delivery.objects.bulk_update(rows, ["tries", "next_at"])
    return [row.pk for row in rows]


def _send(server: Any, workspace_id: int, delivery_id: int) -> None:
    with workspace_scope(workspace_id):
        found = Delivery.objects.select_related("of__program", "of__issuer", "workspace").get(id=delivery_id)
        address = holders.opened(found.of.holder, workspace_id).get("email", "")
        try:
            if found.of.state not in _SENDABLE:
                raise Invalid("state", "The pass was cancelled or replaced before it was sent.")
            if not address:
                raise Invalid("email", "The holder’s e-mail address was taken away before it was sent.")
            letter = mail.letter(found, address)
        except PassesError as error:
            _failed(found, error.message)
            return
    try:
        server.open()
        if not server.send_messages([letter]):
            raise smtplib.SMTPServerDisconnected
    except (OSError, smtplib.SMTPException) as error:
        with suppress(OSError, smtplib.SMTPException):
            server.close()
        said, for_good = why(error)
        log.warning(
            "Workspace %d: delivery %d was not sent, try %d. %s", workspace_id, delivery_id, found.tries, said
        )
        with workspace_scope(workspace_id):
            if for_good or found.tries >= TRIES:
                _failed(found, said if for_good else f"{said} It was tried {found.tries} times.")
            else:
                _again(found, said)
        return
    with workspace_scope(workspace_id), transaction.atomic():
        now = timezone.now()
        Delivery.objects.filter(id=found.pk).update(state=DeliveryState.SENT, sent_at=now, problem="")
        Change.objects.create(workspace_id=workspace_id, of_id=found.of_id, what="sent", by_id=found.by_id)


def why(error: OSError | smtplib.SMTPException) -> tuple[str, bool]:
    """A sentence without the address in it, and whether trying again is of no use."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            code = min((code for code, _ in refused.values()), default=0)
            if code >= 500:
                return (
                    f"The mail server says that this address does not exist or takes no mail ({code}).",
                    True,
                )
            return f"The mail server does not take mail for this address now ({code}).", False
        case smtplib.SMTPSenderRefused(smtp_code=code):
            return f"The mail server refuses our sender’s address ({code}): see SCANWAY_EMAIL_FROM.", False
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            return f"The mail server refuses our user or password ({code}): see SCANWAY_EMAIL_URL.", False
        case smtplib.SMTPDataError(smtp_code=code):
            return f"The mail server refuses the mail itself ({code}).", code >= 500
        case smtplib.SMTPResponseException(smtp_code=code):
            return f"The mail server answers with an error ({code}).", False
        case _:
            return "The mail server cannot be reached.", False


def wait_after(tries: int, dice: random.Random | None = None) -> timedelta:
    """Before the next one, after so many: between half of it and all, so that not all come back at once."""
    whole = FIRST_WAIT * 4 ** (tries - 1)
    return timedelta(seconds=whole * (dice or random.SystemRandom()).uniform(0.5, 1))


def _again(found: Delivery, said: str) -> None:
    Delivery.objects.filter(id=found.pk).update(
        problem=said, next_at=timezone.now() + wait_after(found.tries)
    )


def _failed(found: Delivery, said: str) -> None:
    Delivery.objects.filter(id=found.pk).update(state=DeliveryState.FAILED, problem=said[:300])
