"""Places of a zone that are lent to a device, for the time when it is offline.

What has to hold: `inside` and all that devices may still admit by themselves never exceed the capacity. The
table's CHECK holds `inside + leased <= capacity`, and redemption admits while `inside + leased < capacity`;
so it is enough that a device never has more places than its lease says. It goes by these rules:

 1. A device uses what the last answer gave it, less what it let in since, more what it let out.
 2. With each renewal it says how much it still holds, and which answer that was (`version`). It renews when
    all it did is handed in, and one renewal at a time.
 3. The server never lowers a lease below what the device says it holds, and lowers nothing at all where the
    version is not the newest: an answer may have been lost, and the device may hold what was in it, or this
    request may be an old one that took its time. It raises as it likes: a device holds nothing of an answer
    that it has not read.
 4. So a lower share takes two steps: the answer says what the device may use from now on, the device writes
    that down, and its next renewal, which it sends at once, says that it holds no more.
 5. A device that is not heard of keeps its lease for TERM, by the clock that it was given with it. A removed
    one keeps nothing, and neither does one whose places a person took back: what either admits nevertheless
    is a conflict, and is not counted beyond the capacity.

A lease must not keep people out while everything is online. A share is of what nobody holds who is away, and
the last tenth of a zone is never lent. Who finds a zone full only by leases renews at once, and each time
the shares are smaller: n devices hold at most n / (n + 1) of what is left, and nothing of the last tenth.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Sum
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import occupancy
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import DeviceRefused, NotFound
from control_plane.passes.models import Device, Gate, Lease, Zone
from control_plane.passes.models.gates import DeviceGate

MOST: Final = 50
"""Places of one zone for one device."""
TERM: Final = timedelta(hours=24)
SLACK: Final = timedelta(minutes=10)
"""The device's clock may be wrong by some minutes: so much later is a lease given to others."""
ONLINE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Leases:
    """What a device may use from now on, until `until`: zone → places, of each zone with a capacity."""

    version: str
    until: datetime
    places: dict[int, int]


def renew(
    *,
    device: DeviceHolder,
    held: Mapping[int, int] | None = None,
    version: str = "",
    now: datetime | None = None,
) -> Leases:
    """New shares for a device that is online. `held` and `version` are as in the rules above. Raises
    DeviceRefused where it was removed."""
    now = now or timezone.now()
    with workspace_scope(device.workspace_id):
        occupancy.lock_program(device.program_id)
        if _is_removed(device):
            raise DeviceRefused
        _expire(device.program_id, now)
        rows = {row.zone_id: row for row in Lease.objects.filter(device_id=device.device_id)}
        known = bool(version) and version == _version(rows.values())
        reached = _reached(device)
        zones = Zone.objects.filter(id__in=reached.keys() | rows.keys()).order_by("id")
        online = _online(device, now)
        answer: dict[int, int] = {}
        for zone in zones.select_for_update(no_key=True):
            row = rows.get(zone.pk)
            had = row.places if row else 0
            least = min(had, max(0, (held or {}).get(zone.pk, 0))) if known else had
            wanted = 0
            if zone.capacity is not None and zone.pk in reached:
                wanted = _share(zone, had, online)
                answer[zone.pk] = wanted
            _put(device, zone, max(least, wanted), row, now)
        # All at once, also those that did not change: an answer is known as a whole.
        Lease.objects.filter(device_id=device.device_id).update(renewed_at=now)
        return Leases(_stamp(now), now + TERM, answer)


def take_back(*, workspace_id: int, device_id: int) -> int:
    """A person says that the device is not coming back: its places are free again. Returns how many.

    Raises NotFound.
    """
    with workspace_scope(workspace_id):
        device = Device.objects.filter(id=device_id).first()
        if device is None:
            raise NotFound("There is no such device in this workspace.")
        occupancy.lock_program(device.program_id)
        return _free(Lease.objects.filter(device=device).select_related("zone"))


def use(*, device_id: int, zone_ids: list[int]) -> None:
    """One place of each of these zones, where the device holds one, is for somebody who came in.

    In the workspace's scope, with the program locked.
    """
    for row in Lease.objects.filter(device_id=device_id, zone_id__in=zone_ids, places__gt=0):
        Lease.objects.filter(id=row.pk).update(places=F("places") - 1)
        Zone.objects.filter(id=row.zone_id).update(leased=F("leased") - 1)


def give(*, device: DeviceHolder, freed: Mapping[int, int]) -> None:
    """The places of those whom it let out while it was offline are its own: it has counted on them. One that
    was removed gets none.

    `freed`: zone → places. In the workspace's scope, with the program locked.
    """
    if _is_removed(device):
        return
    now = timezone.now()
    rows = {row.zone_id: row for row in Lease.objects.filter(device_id=device.device_id)}
    for zone in Zone.objects.filter(id__in=freed).exclude(capacity=None).order_by("id"):
        row = rows.get(zone.pk)
        more = min(freed[zone.pk], zone.capacity - zone.inside - zone.leased)
        _put(device, zone, (row.places if row else 0) + max(0, more), row, now)
    # A renewal that is still on its way was sent before, and says that it holds less.
    Lease.objects.filter(device_id=device.device_id).update(renewed_at=now)


def of(*, device: DeviceHolder) -> dict[int, int]:
    """Zone → places that are kept for this device."""
    with workspace_scope(device.workspace_id):
        return dict(Lease.objects.filter(device_id=device.device_id).values_list("zone_id", "places"))


def lent(*, workspace_id: int, program_id: int) -> dict[int, int]:
    """How many places each device holds."""
    with workspace_scope(workspace_id):
        # Those of a zone are lent together with those of the zones around it: the outermost say how many.
        rows = Lease.objects.filter(device__program_id=program_id, places__gt=0, zone__parent=None)
        return dict(rows.values_list("device_id").annotate(sum=Sum("places")).order_by())


def _share(zone: Zone, had: int, online: Mapping[int, set[int]]) -> int:
    """Of a zone with a capacity, for one of the devices that are online at it."""
    there = {device_id for device_id, zones in online.items() if zone.pk in zones}
    with_them = Lease.objects.filter(zone=zone, device_id__in=there).aggregate(sum=Sum("places"))["sum"] or 0
    kept = max(1, -(-zone.capacity // 10))
    pool = zone.capacity - kept - zone.inside - (zone.leased - with_them)
    room = zone.capacity - zone.inside - (zone.leased - had)
    return max(0, min(MOST, pool // (len(there) + 1), room))


def _is_removed(device: DeviceHolder) -> bool:
    """As the database says, not as its key said a moment ago."""
    return not Device.objects.filter(id=device.device_id, revoked_at=None).exists()


def _reached(device: DeviceHolder) -> dict[int, None]:
    """All zones that somebody enters at the device's gates."""
    gates = Gate.objects.filter(id__in=device.gate_ids).select_related("zone")
    return {zone_id: None for gate in gates for zone_id in gate.zone.path}


def _online(asking: DeviceHolder, now: datetime) -> dict[int, set[int]]:
    """Device → its zones, of all in the program that are there now; the one that asks is."""
    found: dict[int, set[int]] = defaultdict(set)
    ties = DeviceGate.objects.filter(
        device__program_id=asking.program_id, device__revoked_at=None, device__paired_at__isnull=False
    ).values_list("device_id", "device__seen_at", "gate__zone__path")
    for device_id, seen_at, path in ties:
        if device_id == asking.device_id or (seen_at is not None and now - seen_at <= ONLINE):
            found[device_id].update(path)
    return found


def _put(device: DeviceHolder, zone: Zone, places: int, row: Lease | None, now: datetime) -> None:
    if row is None:
        if places:
            Lease(device_id=device.device_id, zone=zone, places=places, renewed_at=now).save(
                force_insert=True
            )
            Zone.objects.filter(id=zone.pk).update(leased=F("leased") + places)
        return
    if places != row.places:
        Lease.objects.filter(id=row.pk).update(places=places)
        Zone.objects.filter(id=zone.pk).update(leased=F("leased") + (places - row.places))


def _expire(program_id: int, now: datetime) -> None:
    gone = Lease.objects.filter(zone__program_id=program_id, renewed_at__lt=now - TERM - SLACK)
    gone = gone.select_related("zone")
    _free(gone)


def _free(rows: Iterable[Lease]) -> int:
    freed = 0
    for row in rows:
        Zone.objects.filter(id=row.zone_id).update(leased=F("leased") - row.places)
        freed += 0 if row.zone.parent_id else row.places
        row.delete()
    return freed


def _version(rows: Iterable[Lease]) -> str:
    stamps = {_stamp(row.renewed_at) for row in rows}
    return stamps.pop() if len(stamps) == 1 else ""


def _stamp(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1_000_000))
