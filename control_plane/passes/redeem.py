"""A scan at a gate: read, verify, then one statement in PostgreSQL, which is the truth.

text → token → signature and key → scanway_redeem (migrations/redeem_1.sql) → Verdict
"""

import base64
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import devices, keyring, rotating, vault
from control_plane.passes import holder as holders
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import DeviceRefused, Invalid, NotAllowed
from control_plane.passes.hours import is_open
from control_plane.passes.models import Gate
from control_plane.passes.reason import UNDONE, Reason, sentence
from edge import token
from edge.token import NotAToken

KEEP: Final = 2.0
"""Seconds that a process may go by opening hours it has read."""
WAYS: Final = ("in", "out", "auto")
log = logging.getLogger("gate")
NOT_ITS_GATE: Final = "This device may not be used at this gate. Choose one of its own."

_SQL: Final = (
    "SELECT scanway_redeem(w, d, g, n, u, r, c, y, o, a, f)::text FROM unnest(%s::bigint[], %s::bigint[],"
    " %s::bigint[], %s::uuid[], %s::bytea[], %s::text[], %s::boolean[], %s::text[], %s::text[],"
    " %s::timestamptz[], %s::boolean[]) AS scan (w, d, g, n, u, r, c, y, o, a, f)"
)
_kept: dict[int, tuple[float, "_Rules"]] = {}


@dataclass(frozen=True, slots=True)
class _Rules:
    way: str
    opening_hours: list[dict[str, Any]]
    time_zone: str
    show_holder: bool
    rotating: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate shows."""

    attempt_id: int
    reason: Reason
    sentence: str
    """For the steward; details after the first full stop."""
    direction: str
    undone: bool
    """An earlier answer, which a supervisor has taken back since."""
    replayed: bool
    """True where an earlier request with this nonce did the work: this is its answer."""
    refused_as: str
    """What a supervisor admitted nevertheless, or ""."""
    at: str
    found: dict[str, Any] | None = field(repr=False)
    """The pass: id, number, uses, validity, and its holder where the program shows it at gates."""
    earlier: dict[str, Any] | None
    """When and where it was used before."""
    zones: list[dict[str, Any]]
    """Outermost first, with how many are inside."""

    @property
    def admitted(self) -> bool:
        return self.reason == Reason.OK and not self.undone


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that was read and verified: what PostgreSQL is asked."""

    arguments: tuple[Any, ...]
    """Of scanway_redeem."""
    show_holder: bool
    place: tuple[int, bytes]
    """Program and pass: in this order several are redeemed together, so that nobody waits in a circle."""

    @property
    def workspace_id(self) -> int:
        return int(self.arguments[0])


def redeem(
    *,
    device: DeviceHolder,
    gate_id: int,
    text: str,
    nonce: UUID,
    way: str = "",
    override: str = "",
    now: datetime | None = None,
) -> Verdict:
    """Admit, let out or refuse whoever shows `text`. The same nonce again gets the same verdict.

    `way` is in, out or auto; "" is the gate's own. `override` is a supervisor's reason to admit nevertheless.
    A refusal is a verdict with its reason, and a row. Raises DeviceRefused, NotAllowed, Invalid(field).
    """
    scan = read(device=device, gate_id=gate_id, text=text, nonce=nonce, way=way, override=override, now=now)
    (verdict,) = redeem_all([scan])
    return verdict


def read(
    *,
    device: DeviceHolder,
    gate_id: int,
    text: str,
    nonce: UUID,
    way: str = "",
    override: str = "",
    now: datetime | None = None,
    offline: bool = False,
    refused: Reason | None = None,
) -> Scan:
    """The first half of `redeem`. Raises Invalid(field).

    `offline`: the device decided by itself, at `now`; `refused` is its own reason, None where it admitted.
    That is written down as it happened, and counted.
    """
    if way and way not in WAYS:
        raise Invalid("way", f"Choose one of: {', '.join(WAYS)}.")
    if gate_id not in device.gate_ids and not offline:
        raise Invalid("gate_id", NOT_ITS_GATE)
    override = " ".join(override.split())
    if len(override) > 200 or not override.isprintable():
        raise Invalid("override", "Give the reason in at most 200 characters.")
    now = now or timezone.now()
    rules = _rules(device.workspace_id, gate_id)
    uid, said = _read(text, device, rules, now)
    if offline and said in ("", Reason.STALE):
        said = refused.value if refused else f"was_{said}" if said else ""
    own = {Gate.Way.ENTRANCE: "in", Gate.Way.EXIT: "out"}.get(rules.way)  # type: ignore[call-overload]
    closed = not is_open(rules.opening_hours, rules.time_zone, now)
    return Scan(
        (device.workspace_id, device.device_id, gate_id, str(nonce), uid, said, closed,
         own or way or "auto", override, now, offline),
        rules.show_holder,
        (device.program_id, uid),
    )  # fmt: skip


def of_pass(*, device: DeviceHolder, gate_id: int, uid: bytes, nonce: UUID, way: str, now: datetime) -> Scan:
    """A pass that was known by something else than its code, such as a plate; `way` is in or out."""
    rules = _rules(device.workspace_id, gate_id)
    closed = not is_open(rules.opening_hours, rules.time_zone, now)
    return Scan(
        (device.workspace_id, device.device_id, gate_id, str(nonce), uid, "", closed, way, "", now, False),
        rules.show_holder,
        (device.program_id, uid),
    )


def redeem_all(scans: Sequence[Scan]) -> list[Verdict]:
    """The second half, of several at once: all are committed together, or none where this raises.

    Together, because a zone stays locked until its commit is on disk: one at a time, a disk that takes 8 ms
    would let 120 a second into it. Raises DeviceRefused, NotAllowed, DatabaseError.
    """
    order = sorted(range(len(scans)), key=lambda number: scans[number].place)
    columns = [list(column) for column in zip(*(scans[number].arguments for number in order), strict=True)]
    # Outside of a transaction: the statement is one, so that nothing is locked for a round trip.
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SQL, columns)
            answers = [json.loads(answer) for (answer,) in cursor.fetchall()]
    except DatabaseError as error:
        raise _refusal(error, scans) from error
    verdicts = {
        number: _verdict(answer, scans[number].workspace_id, scans[number].show_holder)
        for number, answer in zip(order, answers, strict=True)
    }
    return [verdicts[number] for number in range(len(scans))]


def _read(text: str, device: DeviceHolder, rules: _Rules, now: datetime) -> tuple[bytes, str]:
    """The pass's id where it is genuine, and why it is not to be admitted."""
    own, (text, code) = device.workspace_id, rotating.split(text)
    try:
        read = token.parse(text)
    except NotAToken:
        return b"", Reason.UNKNOWN.value
    claims = read.claims
    said = token.verify(read, keyring.keys_for(own, claims.key), workspace=own)
    if said != token.Verdict.OK:
        return b"", said.value  # who made it up names no pass of ours
    # A pass of another program is at the wrong gate, whatever its code.
    if rules.rotating and claims.program == device.program_id:
        secret = rotating.pass_secret(rotating.program_secret(own, claims.program), claims.pass_id)
        if not rotating.is_current(code, secret, now):
            return claims.pass_id, Reason.STALE.value
    return claims.pass_id, ""


def _rules(workspace_id: int, gate_id: int) -> _Rules:
    kept = _kept.get(gate_id)
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    with workspace_scope(workspace_id):
        gate = Gate.objects.select_related("program").filter(id=gate_id).first()
    if gate is None:
        raise Invalid("gate_id", "This gate was removed. Choose another one.")
    program = gate.program
    rules = _Rules(gate.way, program.opening_hours, program.time_zone, program.show_holder, program.rotating)
    _kept[gate_id] = (time.monotonic() + KEEP, rules)
    return rules


def _refusal(error: DatabaseError, scans: Sequence[Scan]) -> Exception:
    cause = error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state == "SW401":
        devices.forget()
        # Its gates were changed a moment ago. In a transaction that has failed nothing more can be asked.
        if not connection.in_atomic_block and all(devices.is_paired(*one.arguments[:2]) for one in scans):
            return Invalid("gate_id", NOT_ITS_GATE)
        return DeviceRefused()
    if state == "SW403":
        return NotAllowed("Only a supervisor's device may admit in spite of a refusal.")
    return error


def _shown(locked: bytes, workspace_id: int) -> dict[str, Any]:
    """Nobody waits at a gate for a name that cannot be read."""
    try:
        return holders.opened(locked, workspace_id)
    except vault.CannotOpen as error:
        log.error("Workspace %d: a holder cannot be shown at a gate. %s", workspace_id, error)
        return {}


def _verdict(answer: dict[str, Any], workspace_id: int, show_holder: bool) -> Verdict:
    reason = Reason(answer["reason"])
    found = answer["pass"]
    if found is not None:
        locked = base64.b64decode(found.pop("holder"))
        found["holder"] = _shown(locked, workspace_id) if show_holder else {}
    return Verdict(
        attempt_id=answer["attempt"],
        reason=reason,
        sentence=UNDONE if answer["undone"] else sentence(reason, answer["direction"]),
        direction=answer["direction"],
        undone=answer["undone"],
        replayed=answer["replayed"],
        refused_as=answer["refused_as"],
        at=answer["at"],
        found=found,
        earlier=answer["earlier"],
        zones=answer["zones"] or [],
    )
