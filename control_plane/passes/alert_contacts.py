"""Who is told when a zone fills, and how a message leaves: mail by the server's SMTP, all else by Apprise."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import alert_services, values, vault
from control_plane.passes.errors import InUse, Invalid, NotFound
from control_plane.passes.models import AlertContact, Program

MOST: Final = 20
"""Contacts of a program."""
WITHIN: Final = 15
"""Seconds for one message, then its process is killed."""
PURPOSE: Final = "alert"
_PASSED_ON: Final = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")
_SENDER: Final = Path(__file__).with_name("alert_send.py")

log = logging.getLogger("passes")


@dataclass(frozen=True)
class Contact:
    """A contact whose address was decrypted. `shown` has none of its secrets."""

    id: int
    name: str
    kind: str
    address: str

    def __repr__(self) -> str:
        return f"Contact({self.id})"

    @property
    def shown(self) -> str:
        return alert_services.shown(self.kind, self.address)


def add(*, workspace_id: int, program_id: int, name: str, kind: str, address: str) -> Contact:
    """Raises Invalid(name, kind, address), InUse where there are 20, NotFound. Sends nothing."""
    name = values.text("name", name, required=True)
    address = alert_services.check(kind, address, private=settings.CONFIG.alert_private)
    if kind != "mail" and (problem := _run(address, check=True)):
        raise Invalid("address", problem)
    with workspace_scope(workspace_id):
        program = Program.objects.select_for_update(no_key=True).filter(id=program_id).first()
        if program is None:
            raise NotFound("There is no such program in this workspace.")
        if AlertContact.objects.filter(program=program).count() >= MOST:
            raise InUse(f"A program has at most {MOST} contacts. Remove one first.")
        row = AlertContact(
            program=program,
            name=name,
            kind=kind,
            address=vault.lock(address.encode(), workspace_id=workspace_id, purpose=PURPOSE),
        )
        row.save(force_insert=True)
    return Contact(row.pk, name, kind, address)


def remove(*, workspace_id: int, program_id: int, contact_id: int) -> str:
    """Returns its name. Raises NotFound."""
    with workspace_scope(workspace_id):
        row = _row(program_id, contact_id)
        row.delete()
    return str(row.name)


def list_contacts(*, workspace_id: int, program_id: int) -> list[Contact]:
    """By name. Raises NotFound where there is no such program."""
    with workspace_scope(workspace_id):
        if not Program.objects.filter(id=program_id).exists():
            raise NotFound("There is no such program in this workspace.")
        return [
            opened(row) for row in AlertContact.objects.filter(program_id=program_id).order_by("name", "id")
        ]


def opened(row: AlertContact) -> Contact:
    """Raises vault.CannotOpen."""
    address = vault.unlock(bytes(row.address), workspace_id=row.workspace_id, purpose=PURPOSE)
    return Contact(row.pk, row.name, row.kind, address.decode())


def get(*, workspace_id: int, program_id: int, contact_id: int) -> Contact:
    """Raises NotFound."""
    with workspace_scope(workspace_id):
        return opened(_row(program_id, contact_id))


def send(contact: Contact, title: str, body: str) -> str:
    """What went wrong, in words; "" where the message was taken. Waits up to 15 seconds; opens no scope."""
    if contact.kind == "mail":
        return _mail(contact.address, title, body)
    # It was checked when it was saved; the list of services and the setting may have changed since.
    try:
        alert_services.check(contact.kind, contact.address, private=settings.CONFIG.alert_private)
    except Invalid as error:
        return error.message
    return _run(contact.address, title=title, body=body)


def _mail(address: str, title: str, body: str) -> str:
    if settings.EMAIL_BACKEND.endswith(".Unsent"):
        return "This server sends no mail. Set SCANWAY_EMAIL_URL, or use another way to be told."
    try:
        taken = EmailMessage(title, body, to=[address]).send()
    except Exception as error:  # SMTP's words may hold the address
        log.warning("An alert could not be mailed: %s.", type(error).__name__)
        return "The mail server did not take it."
    return "" if taken else "The mail server did not take it."


def _run(address: str, *, title: str = "", body: str = "", check: bool = False) -> str:
    private = settings.CONFIG.alert_private
    asked = {
        "url": alert_services.apprise_address(address), "host": alert_services.own_host(address),
        "title": title, "body": body, "private": private, "check": check,
    }  # fmt: skip
    names = (*_PASSED_ON, *_PROXIES) if private else _PASSED_ON
    environment = {name: os.environ[name] for name in names if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 (our own file; the address goes by stdin)
            [sys.executable, "-P", str(_SENDER)],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=WITHIN,
            check=True,
            env=environment,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"The service gave no answer within {WITHIN} seconds."
    except (subprocess.CalledProcessError, ValueError):
        return "The message could not be sent: its process ended before it was done."
    return str(answer["problem"])


def _row(program_id: int, contact_id: int) -> AlertContact:
    row = AlertContact.objects.filter(id=contact_id, program_id=program_id).first()
    if row is None:
        raise NotFound("There is no such contact in this program.")
    return row  # type: ignore[no-any-return]
