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
from datetime import datetime, timedelta
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
        gates = _gates(program.pk, gate_ids)
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


def update_device(*, workspace_id: int, device_id: int, **changes: Any) -> Device:
    """Change `name`, `role` or `gate_ids`. Its next scan goes by it; counts, corrections and undo do so
    within KEEP seconds where another process answers them. Raises Invalid, NotFound.
    """
    if unknown := changes.keys() - {"name", "role", "gate_ids"}:
        raise Invalid(min(unknown), "This cannot be changed.")
    with workspace_scope(workspace_id):
        device = _locked(device_id)
        if "name" in changes:
            device.name = values.text("name", changes["name"], required=True)
        if "role" in changes:
            device.role = values.one_of("role", changes["role"], Device.Role)
        device.save(update_fields=["name", "role"])
        if "gate_ids" in changes:
            gates = _gates(device.program_id, changes["gate_ids"])
            DeviceGate.objects.filter(device=device).exclude(gate__in=gates).delete()
            has = set(DeviceGate.objects.filter(device=device).values_list("gate_id", flat=True))
            for gate in gates:
                if gate.pk not in has:
                    DeviceGate(device=device, gate=gate).save()
    forget()
    return device


def gate_ids(*, workspace_id: int, device_id: int) -> list[int]:
    """Where a device may be used."""
    with workspace_scope(workspace_id):
        rows = DeviceGate.objects.filter(device_id=device_id)
        return sorted(rows.values_list("gate_id", flat=True))


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
        device = (
            Device.objects.select_for_update(no_key=True)
            .select_related("program")
            .filter(prefix=prefix)
            .first()
        )
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
        forget()
    return Paired(device, f"swg_{prefix}_{key}")


def authenticate(*, text: str) -> DeviceHolder:
    """Who this key speaks for, from memory for KEEP seconds. Raises DeviceRefused."""
    kept = _kept.get(_hash(text))
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    holder, removed_at = identify(text=text)
    if removed_at is not None:
        raise DeviceRefused
    if len(_kept) > 10_000:
        _kept.clear()
    _kept[_hash(text)] = (time.monotonic() + KEEP, holder)
    return holder


def identify(*, text: str) -> tuple[DeviceHolder, datetime | None]:
    """Who this key speaks for, as the database says now, and when the device was removed, if it was: it may
    then only hand in what it did before. Raises DeviceRefused."""
    prefix, secret, workspace_id = _read(text, "g")
    with workspace_scope(workspace_id):
        device = Device.objects.filter(prefix=prefix).first()
        if device is None or not device.key_hash or not hmac.compare_digest(device.key_hash, _hash(secret)):
            raise DeviceRefused
        gates = frozenset(DeviceGate.objects.filter(device=device).values_list("gate_id", flat=True))
    return DeviceHolder(device.pk, workspace_id, device.program_id, device.role, gates), device.revoked_at


def is_key(text: str) -> bool:
    """Whether it looks like a device's key; nobody is asked."""
    return len(text) < 100 and (match := _form.fullmatch(text)) is not None and match[1] == "g"


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


def forget() -> None:
    """What this process remembers of keys: one of them was refused."""
    _kept.clear()


def revoke_device(*, workspace_id: int, device_id: int) -> None:
    """At once and for good; places that were lent to it are free again. Its key is known to one door only,
    where it hands in what it did before: see `identify`. Raises NotFound."""
    from control_plane.passes import leases  # which reads devices itself

    with workspace_scope(workspace_id):
        leases.take_back(workspace_id=workspace_id, device_id=device_id)
        device = _locked(device_id)
        device.revoked_at = timezone.now()
        device.pairing_hash = ""
        device.save()
    forget()


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


def is_paired(workspace_id: int, device_id: int) -> bool:
    with workspace_scope(workspace_id):
        return Device.objects.filter(id=device_id, revoked_at=None).exclude(key_hash="").exists()


def _gates(program_id: int, gate_ids: list[int]) -> list[Gate]:
    gates = list(Gate.objects.filter(program_id=program_id, id__in=gate_ids))
    if not gates or len(gates) != len(set(gate_ids)):
        raise Invalid("gate_ids", "Choose at least one gate, all of this program.")
    return gates


def _new_code(device: Device) -> str:
    secret = secrets.token_urlsafe(32)
    device.pairing_hash = _hash(secret)
    device.pairing_until = timezone.now() + PAIR_WITHIN
    return f"swp_{device.prefix}_{secret}"


def _locked(device_id: int) -> Device:
    device = Device.objects.select_for_update(no_key=True).filter(id=device_id, revoked_at=None).first()
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
