"""A zone reaches 90 or 100 %: written down once, and told to whom it concerns.

An alert is a row as soon as the worker sees it, and is sent afterwards by whoever claims it. A claim notes
when the next try may be before anything is sent, so two workers do not send the same; a process that dies
between sending and noting it is followed by another one that sends again: perhaps twice, never not at all.

An alert stands until its zone has emptied to 85 or 95 %, so that one person who comes and goes at the line
does not ring all phones each time.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from control_plane.accounts.models import Workspace
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import alert_contacts, programs, vault
from control_plane.passes.alert_contacts import Contact
from control_plane.passes.models import Alert, AlertContact, Zone

LEVELS: Final = {90: 85, 100: 95}
"""Percent at which an alert is raised → below which it is over."""
TRIES: Final = 5
WAITS: Final = (20, 40, 80, 160)
"""Seconds after each try that failed until the next one."""
AT_ONCE: Final = 4
CLAIM: Final = timedelta(seconds=120)
"""For so long nobody else sends what was claimed: longer than it takes to send to all contacts."""
MOST: Final = 100
NOT_KNOWN: Final = "It is not known whether this message left: the server was stopped meanwhile."

log = logging.getLogger("passes")


@dataclass(frozen=True)
class Claimed:
    """An alert and those of its contacts whose turn it is."""

    alert_id: int
    title: str
    body: str
    contacts: list[Contact]


def watch(workspace_id: int, now: datetime | None = None) -> int:
    """Raises what reached a level, and clears what is over. Returns how many were raised."""
    now = now or timezone.now()
    raised = 0
    with workspace_scope(workspace_id):
        standing = set()
        for alert in Alert.objects.filter(cleared_at=None).select_related("zone"):
            if _is_over(alert):
                Alert.objects.filter(id=alert.pk, cleared_at=None).update(cleared_at=now)
            else:
                standing.add((alert.zone_id, alert.percent))
        for zone in Zone.objects.filter(capacity__gt=0).order_by("id"):
            reached = [percent for percent in LEVELS if _taken(zone) * 100 >= percent * zone.capacity]
            new = [percent for percent in reached if (zone.pk, percent) not in standing]
            for percent in new:
                # Who is told that a zone is full need not be told that it is nearly full.
                raised += _raise(zone, percent, now, silent=percent != max(new))
    return raised


def tell(workspace_id: int, now: datetime | None = None) -> int:
    """Sends what is due, four at a time. Returns how many messages were taken by a service."""
    now = now or timezone.now()
    sent = 0
    while (claimed := _claim(workspace_id, now)) is not None:
        problems: dict[int, str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            send = partial(alert_contacts.send, title=claimed.title, body=claimed.body)
            messages = pool.map(send, claimed.contacts)
            for contact, problem in zip(claimed.contacts, messages, strict=True):
                problems[contact.id] = problem
        _note(workspace_id, claimed.alert_id, problems, now)
        sent += sum(not problem for problem in problems.values())
    return sent


def workspaces_with_alerts() -> list[int]:
    """Those with a zone that is nearly full, or an alert that stands or is not settled."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scanway_workspaces_with_alerts()")
        return [row[0] for row in cursor.fetchall()]


def message(alert: Alert, workspace: Workspace) -> tuple[str, str]:
    """Title and text. `alert.zone` and `alert.program` are loaded."""
    program, zone = alert.program, alert.zone
    at = alert.raised_at.astimezone(ZoneInfo(program.time_zone))
    title = f"{zone.name} is full" if alert.percent == 100 else f"{zone.name} is {alert.percent} % full"
    inside = f"{alert.inside:,} inside, room for {alert.capacity:,}, at {at:%H:%M} ({program.time_zone})."
    then = " Gates admit nobody else until somebody leaves." if alert.percent == 100 else ""
    address = (
        f"{settings.CONFIG.console_url.geturl().rstrip('/')}/w/{workspace.slug}/passes/{program.pk}/room/"
    )
    return f"{title}: {program.name}", f"{inside}{then}\n{address}"


def _taken(zone: Zone) -> int:
    return int(zone.inside + zone.leased)


def _is_over(alert: Alert) -> bool:
    zone = alert.zone
    return not zone.capacity or _taken(zone) * 100 < LEVELS[alert.percent] * zone.capacity


def _raise(zone: Zone, percent: int, now: datetime, *, silent: bool) -> bool:
    alert = Alert(
        program_id=zone.program_id, zone=zone, percent=percent, inside=zone.inside, capacity=zone.capacity,
        raised_at=now, settled_at=now if silent else None,
    )  # fmt: skip
    try:
        with transaction.atomic():
            alert.save(force_insert=True)
    except IntegrityError as error:
        if "alert_stands_once" not in str(error):
            raise
        return False  # another worker was here first
    return not silent


def _claim(workspace_id: int, now: datetime) -> Claimed | None:
    """The oldest alert that is due, with its next try noted before anybody sends it."""
    with workspace_scope(workspace_id):
        due = Alert.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(
            settled_at=None
        )
        for alert in due.select_related("zone", "program").order_by("id"):
            contacts = {
                one.pk: one
                for one in AlertContact.objects.filter(program_id=alert.program_id).order_by("name")
            }
            lines = alert.sent or [_line(one, now) for one in contacts.values()]
            mine = []
            for line in lines:
                if line["done"] or datetime.fromisoformat(line["next_at"]) > now:
                    continue
                contact = contacts.get(line["id"])
                if contact is None:
                    line |= {"problem": "This contact was removed.", "tries": TRIES, "done": True}
                elif line["tries"] >= TRIES:
                    line |= {"problem": line["problem"] or NOT_KNOWN, "done": True}
                else:
                    line |= {"tries": line["tries"] + 1, "next_at": (now + CLAIM).isoformat()}
                    try:
                        mine.append(alert_contacts.opened(contact))
                    except vault.CannotOpen as error:
                        line |= {"problem": str(error), "done": True}
            alert.sent = lines
            if all(line["done"] for line in lines):
                alert.settled_at = now
            alert.save(update_fields=["sent", "settled_at"])
            if mine:
                title, body = message(alert, Workspace.objects.get())
                return Claimed(alert.pk, title, body, mine)
    return None


def _note(workspace_id: int, alert_id: int, problems: dict[int, str], now: datetime) -> None:
    with workspace_scope(workspace_id):
        alert = Alert.objects.select_for_update(no_key=True).filter(id=alert_id).first()
        if alert is None:
            return
        for line in alert.sent:
            if line["id"] not in problems or line["done"]:
                continue
            line["problem"] = problem = problems[line["id"]]
            line["done"] = not problem or line["tries"] >= TRIES
            if not line["done"]:
                line["next_at"] = (now + timedelta(seconds=WAITS[line["tries"] - 1])).isoformat()
            elif problem:
                log.warning("Workspace %d: alert %d did not reach a contact.", workspace_id, alert_id)
        if all(line["done"] for line in alert.sent):
            alert.settled_at = timezone.now()
        alert.save(update_fields=["sent", "settled_at"])


def _line(contact: AlertContact, now: datetime) -> dict[str, Any]:
    """What `Alert.sent` holds of a contact."""
    return {
        "id": contact.pk, "contact": contact.name, "kind": contact.kind, "problem": "", "tries": 0,
        "next_at": now.isoformat(), "done": False,
    }  # fmt: skip


def is_due(workspace_id: int) -> bool:
    """Whether anything waits to be sent."""
    with workspace_scope(workspace_id):
        return bool(Alert.objects.filter(settled_at=None).exists())


def list_alerts(*, workspace_id: int, program_id: int) -> list[Alert]:
    """The newest 100, newest first. Raises NotFound."""
    programs.get_program(workspace_id=workspace_id, program_id=program_id)
    with workspace_scope(workspace_id):
        rows = Alert.objects.filter(program_id=program_id).select_related("zone")
        return list(rows.order_by("-id")[:MOST])
