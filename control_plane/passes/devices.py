"""Phones and scanners at gates: paired by a code from the console, each with a key of its own.

`swp_<prefix>_<secret>` pairs a device once, within an hour; `swg_<prefix>_<secret>` is what it shows then.
Both are random, shown once and kept as hashes.
"""

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import values
from control_plane.passes.errors import DeviceRefused, Invalid, NotFound
from control_plane.passes.models import Device, Gate, Program
from control_plane.passes.models.gates import DeviceGate

PAIR_WITHIN: Final = timedelta(hours=1)
SEEN_EVERY: Final = timedelta(seconds=10)
KEEP: Final = 5.0
"""Seconds that a process may take a key for good without asking. Redemption itself asks each time."""
_form = re.compile(r"sw([pg])_([0-9a-z]{12})_([A-Za-z0-9_-]{43})")
_alphabet: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

_kept: dict[str, tuple[float, "DeviceHolder"]] = {}


@dataclass(frozen=True)
class NewDevice:
    """A device's row, and the code that pairs it: the only time anybody sees it."""

    device: Device
    code: str


@dataclass(frozen=True)
class Paired:
    """A device that was paired just now, and its key: the only time anybody sees it."""

    device: Device
    key: str


@dataclass(frozen=True)
class DeviceHolder:
    """Who a device's key speaks for."""

    device_id: int
    workspace_id: int
    program_id: int
    role: str
    gate_ids: frozenset[int]

    @property
    def is_supervisor(self) -> bool:
        return self.role == Device.Role.SUPERVISOR


def create_device(
    *,
    workspace_id: int,
    program_id: int,
    name: str,
    gate_ids: list[int],
    role: str = Device.Role.STEWARD,
    created_by: User | None = None,
) -> NewDevice:
    """A device that waits for a phone to pair with its code. Raises Invalid, NotFound."""
    with workspace_scope(workspace_id):
        program = Program.objects.filter(id=program_id).first()
        if program is None:
            raise NotFound("There is no such program in this workspace.")
        gates = list(Gate.objects.filter(program=program, id__in=gate_ids))
        if not gates or len(gates) != len(set(gate_ids)):
            raise Invalid("gate_ids", "Choose at least one gate, all of this program.")
        device = Device(
            program=program,
            name=values.text("name", name, required=True),
            role=values.one_of("role", role, Device.Role),
            prefix="".join(secrets.choice(_alphabet) for _ in range(12)),
            created_by=created_by,
        )
        code = _new_code(device)
        device.save(force_insert=True)
        for gate in gates:
            DeviceGate(device=device, gate=gate).save()
    return NewDevice(device, code)


def new_pairing_code(*, workspace_id: int, device_id: int) -> NewDevice:
    """For another phone, or the same one again: its present key stops working once the code is used.

    Raises NotFound.
    """
    with workspace_scope(workspace_id):
        device = _locked(device_id)
        code = _new_code(device)
        device.save()
    return NewDevice(device, code)


def pair(*, code: str) -> Paired:
    """Once for each code. Raises DeviceRefused."""
    prefix, secret, workspace_id = _read(code, "p")
    with workspace_scope(workspace_id):
        device = Device.objects.select_for_update().select_related("program").filter(prefix=prefix).first()
        if (
            device is None
            or device.revoked_at is not None
            or not device.pairing_hash
            or device.pairing_until < timezone.now()
            or not hmac.compare_digest(device.pairing_hash, _hash(secret))
        ):
            raise DeviceRefused("This pairing code was used or has run out. Make a new one in the console.")
        key = secrets.token_urlsafe(32)
        device.pairing_hash, device.pairing_until = "", None
        device.key_hash = _hash(key)
        device.paired_at = device.seen_at = timezone.now()
        device.save()
        _kept.clear()
    return Paired(device, f"swg_{prefix}_{key}")


def authenticate(*, text: str) -> DeviceHolder:
    """Who this key speaks for, from memory for KEEP seconds. Raises DeviceRefused."""
    kept = _kept.get(_hash(text))
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    prefix, secret, workspace_id = _read(text, "g")
    with workspace_scope(workspace_id):
        device = Device.objects.filter(prefix=prefix).first()
        if (
            device is None
            or device.revoked_at is not None
            or not device.key_hash
            or not hmac.compare_digest(device.key_hash, _hash(secret))
        ):
            raise DeviceRefused
        gates = frozenset(DeviceGate.objects.filter(device=device).values_list("gate_id", flat=True))
    holder = DeviceHolder(device.pk, workspace_id, device.program_id, device.role, gates)
    if len(_kept) > 10_000:
        _kept.clear()
    _kept[_hash(text)] = (time.monotonic() + KEEP, holder)
    return holder


def seen(holder: DeviceHolder, *, battery: int | None = None) -> None:
    """Notes that the device is there; at most each 10 seconds."""
    now = timezone.now()
    if battery is not None and not 0 <= battery <= 100:
        raise Invalid("battery", "Give the battery's charge in percent, from 0 to 100.")
    with workspace_scope(holder.workspace_id):
        stale = Q(seen_at=None) | Q(seen_at__lt=now - SEEN_EVERY)
        changes: dict[str, Any] = {"seen_at": now}
        if battery is not None:
            changes["battery"] = battery
        Device.objects.filter(stale, id=holder.device_id).update(**changes)


def revoke_device(*, workspace_id: int, device_id: int) -> None:
    """At once and for good; again is harmless. Raises NotFound."""
    with workspace_scope(workspace_id):
        device = _locked(device_id)
        if device.revoked_at is None:
            device.revoked_at = timezone.now()
            device.pairing_hash = device.key_hash = ""
            device.save()
    _kept.clear()


def list_devices(*, workspace_id: int, program_id: int) -> list[Device]:
    """Those in use, by name, with their gates."""
    with workspace_scope(workspace_id):
        rows = Device.objects.filter(program_id=program_id, revoked_at=None).order_by("name", "id")
        devices = list(rows)
        by_device: dict[int, list[Gate]] = {}
        for tie in (
            DeviceGate.objects.filter(device__in=devices).select_related("gate").order_by("gate__name")
        ):
            by_device.setdefault(tie.device_id, []).append(tie.gate)
    for device in devices:
        device.at = by_device.get(device.pk, [])  # type: ignore[attr-defined]
    return devices


def _new_code(device: Device) -> str:
    secret = secrets.token_urlsafe(32)
    device.pairing_hash = _hash(secret)
    device.pairing_until = timezone.now() + PAIR_WITHIN
    return f"swp_{device.prefix}_{secret}"


def _locked(device_id: int) -> Device:
    device = Device.objects.select_for_update().filter(id=device_id, revoked_at=None).first()
    if device is None:
        raise NotFound("There is no such device in this workspace.")
    return device  # type: ignore[no-any-return]


def _read(text: str, kind: str) -> tuple[str, str, int]:
    match = _form.fullmatch(text.strip())
    if match is None or match[1] != kind:
        raise DeviceRefused
    with connection.cursor() as cursor:
        cursor.execute("SELECT scanway_workspace_of_device(%s)", [match[2]])
        (workspace_id,) = cursor.fetchone()
    if workspace_id is None:
        raise DeviceRefused
    return match[2], match[3], workspace_id


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
