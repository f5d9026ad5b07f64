"""What a device at a gate does: pair, redeem, count, correct, undo. Its key can do nothing else."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router
from ninja.security.http import HttpAuthBase

from control_plane.accounts import limits
from control_plane.accounts.tenancy import workspace_scope
from control_plane.api import rate
from control_plane.api.gate_schemas import (
    CorrectionIn,
    CountIn,
    DeviceOut,
    FoundOut,
    GateOut,
    GateRate,
    PairedOut,
    PairIn,
    RedeemIn,
    ScanOut,
    ScansOut,
    SeenIn,
    SeenOut,
    VerdictOut,
    ZoneCount,
    ZonesOut,
)
from control_plane.api.problem import Problem
from control_plane.passes import devices, occupancy, room, snapshot
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import DeviceRefused
from control_plane.passes.models import Attempt, Device, Gate, Zone
from control_plane.passes.reason import OVERRIDABLE, Reason, sentence
from control_plane.passes.redeem import Verdict, redeem
from edge.token import KeyState

LIMIT = 1_200
"""Requests a minute and device: ten people a second would be a crowd."""
PAIRINGS, WRONG_CODES = 60, 20
"""A minute and address, where a whole team may stand behind one."""
LAST_SCANS = 10
_REALM = 'Bearer realm="scanway gate"'

router = Router(tags=["Gates"])


class DeviceKey(HttpAuthBase):
    """`Authorization: Bearer swg_…`, the key that a device got when it was paired."""

    openapi_scheme = "bearer"
    openapi_bearerFormat = "swg_<prefix>_<secret>"
    openapi_description = "The key of a gate's device, from `POST /gate/pair`."
    scope = "device"

    def __init__(self, *, also_removed: bool = False) -> None:
        """`also_removed`: a device that was removed may still hand in what it did before that."""
        super().__init__()
        self.also_removed = also_removed

    def __call__(self, request: HttpRequest) -> DeviceHolder:
        """Raises Problem 401, 429."""
        method, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            if method.lower() != "bearer":
                raise DeviceRefused
            if self.also_removed:
                holder, request.removed_at = devices.identify(text=text.strip())  # type: ignore[attr-defined]
            else:
                holder = devices.authenticate(text=text.strip())
        except DeviceRefused as refusal:
            raise Problem("unauthorized", refusal.message, headers={"WWW-Authenticate": _REALM}) from None
        request.rate_limit_headers = rate.take(f"device{holder.device_id}", limit=LIMIT)  # type: ignore[attr-defined]
        return holder


DEVICE = DeviceKey()


@router.post("/pair", auth=None, response=PairedOut, operation_id="pair_device", summary="Pair a device")
def pair_device(request: HttpRequest, pairing: PairIn) -> PairedOut:
    """With the code from the console, once and within an hour. The answer has the device's key."""
    visitor = limits.visitor(request)
    rate.take(f"pair:{visitor}", limit=PAIRINGS, who="Your network may send")
    rate.take(
        f"wrong-code:{visitor}", limit=WRONG_CODES, count=False, who="With wrong codes your network may send"
    )
    try:
        paired = devices.pair(code=pairing.code)
    except DeviceRefused:
        limits.spend(f"wrong-code:{visitor}", WRONG_CODES)
        raise
    return PairedOut(key=paired.key, device=_device(devices.authenticate(text=paired.key)))


@router.get("", auth=DEVICE, response=DeviceOut, operation_id="get_device", summary="Get this device")
def get_device(request: HttpRequest) -> DeviceOut:
    """Its program, its gates, and the counts of all zones."""
    return _device(_holder(request))


@router.post(
    "/redemptions",
    auth=DEVICE,
    response=VerdictOut,
    operation_id="redeem_pass",
    summary="Redeem a pass",
)
def redeem_pass(request: HttpRequest, response: HttpResponse, scan: RedeemIn) -> VerdictOut:
    """Admits once. A refusal is an answer like any other, with its reason; send the same nonce when a reply
    was lost."""
    began = time.perf_counter()
    verdict = redeem(
        device=_holder(request),
        gate_id=scan.gate_id,
        text=scan.text,
        nonce=scan.nonce,
        way=scan.way,
        override=scan.override,
    )
    response["Server-Timing"] = f"redeem;dur={(time.perf_counter() - began) * 1_000:.1f}"
    return VerdictOut(**answer(verdict))


@router.post("/counts", auth=DEVICE, response=ZonesOut, operation_id="count_person", summary="Count by hand")
def count_person(request: HttpRequest, count: CountIn) -> ZonesOut:
    """Who comes or goes without a pass of their own: 1 or -1."""
    counted = occupancy.count_by_hand(
        device=_holder(request), gate_id=count.gate_id, delta=count.delta, nonce=count.nonce
    )
    return ZonesOut(zones=[_row(zone) for zone in counted])


@router.post(
    "/corrections", auth=DEVICE, response=ZonesOut, operation_id="correct_count", summary="Correct a count"
)
def correct_count(request: HttpRequest, correction: CorrectionIn) -> ZonesOut:
    """A supervisor's device only; the zone has this many now, and the note says why."""
    holder = _holder(request)
    occupancy.correct(
        workspace_id=holder.workspace_id,
        zone_id=correction.zone_id,
        inside=correction.inside,
        note=correction.note,
        device=holder,
    )
    return ZonesOut(zones=zones(holder))


@router.get("/attempts", auth=DEVICE, response=ScansOut, operation_id="list_scans", summary="List last scans")
def list_scans(request: HttpRequest) -> ScansOut:
    """The last ten of this device, newest first."""
    holder = _holder(request)
    with workspace_scope(holder.workspace_id):
        rows = Attempt.objects.filter(device_id=holder.device_id).select_related("of")
        last = list(rows.order_by("-id")[:LAST_SCANS])
    return ScansOut(data=[_scan(attempt) for attempt in last])


@router.post(
    "/attempts/{int:attempt_id}/undo",
    auth=DEVICE,
    response=ScanOut,
    operation_id="undo_scan",
    summary="Undo a scan",
)
def undo_scan(request: HttpRequest, attempt_id: int) -> ScanOut:
    """A supervisor's device only: takes the last admission or exit of a pass back."""
    return _scan(occupancy.undo(device=_holder(request), attempt_id=attempt_id))


@router.post("/seen", auth=DEVICE, response=SeenOut, operation_id="device_seen", summary="Say hello")
def device_seen(request: HttpRequest, seen: SeenIn) -> SeenOut:
    """Every ten seconds or so, with the battery's charge; the answer has the counts, and who came and left at
    each gate of the program lately."""
    holder = _holder(request)
    devices.seen(holder, battery=seen.battery)
    lately = room.gates_lately(workspace_id=holder.workspace_id, program_id=holder.program_id)
    return SeenOut(zones=zones(holder), gates=[_rate(one) for one in lately])


def answer(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it; both ways of a redemption answer so."""
    found = verdict.found
    return {
        "attempt_id": verdict.attempt_id,
        "admitted": verdict.admitted,
        "undone": verdict.undone,
        "reason": verdict.reason.value,
        "sentence": verdict.sentence,
        "may_override": verdict.reason in OVERRIDABLE and verdict.direction == "in",
        "refused_as": verdict.refused_as,
        "direction": verdict.direction,
        "replayed": verdict.replayed,
        "at": verdict.at,
        "found": found and {name: found[name] for name in FoundOut.model_fields},
        "earlier": verdict.earlier,
        "zones": [_counted(**zone) for zone in verdict.zones],
    }


def _holder(request: HttpRequest) -> DeviceHolder:
    holder: DeviceHolder = request.auth  # type: ignore[attr-defined]
    return holder


def _device(holder: DeviceHolder) -> DeviceOut:
    with workspace_scope(holder.workspace_id):
        device = Device.objects.select_related("program").get(id=holder.device_id)
        gates = list(Gate.objects.filter(id__in=holder.gate_ids).order_by("name"))
    return DeviceOut(
        id=device.pk,
        name=device.name,
        role=device.role,
        program=device.program.name,
        kind=device.program.kind,
        place=device.program.place,
        time_zone=device.program.time_zone,
        show_holder=device.program.show_holder,
        gates=[
            GateOut(id=gate.pk, name=gate.name, way=gate.way, zone_id=gate.zone_id, is_open=gate.is_open)
            for gate in gates
        ],
        zones=zones(holder),
        now=timezone.now(),
        signing_keys=[
            {"number": key["number"], "public": key["public"]}
            for key in snapshot.public_keys(holder.workspace_id)
            if key["public"] and key["state"] != KeyState.REVOKED.value
        ],
    )


def zones(holder: DeviceHolder) -> list[ZoneCount]:
    """All counts of the device's program, outermost first."""
    with workspace_scope(holder.workspace_id):
        found = list(Zone.objects.filter(program_id=holder.program_id))
    return [_row(zone) for zone in sorted(found, key=lambda zone: (len(zone.path), zone.name))]


def _row(zone: Zone) -> ZoneCount:
    given = {"inside": zone.inside, "capacity": zone.capacity, "leased": zone.leased}
    return ZoneCount(**_counted(id=zone.pk, name=zone.name, **given))


def _counted(*, id: int, name: str, inside: int, capacity: int | None, leased: int) -> dict[str, Any]:
    level = occupancy.level(inside, capacity, leased)
    return {
        "id": id, "name": name, "inside": inside, "leased": leased, "capacity": capacity, "level": level
    }  # fmt: skip


def _rate(one: room.GateNow) -> GateRate:
    gate = one.gate
    return GateRate(id=gate.pk, name=gate.name, is_open=gate.is_open, came=one.came, left=one.left)


def _scan(attempt: Attempt) -> ScanOut:
    reason: Any = Reason(attempt.reason)
    return ScanOut(
        attempt_id=attempt.pk,
        at=attempt.at,
        reason=reason,
        sentence=sentence(reason, attempt.direction),
        direction=attempt.direction,
        number=attempt.of.number if attempt.of else None,
        undone=attempt.undone_at is not None,
        offline=attempt.offline,
        conflict=attempt.conflict,
    )
