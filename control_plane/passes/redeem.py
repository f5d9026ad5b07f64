"""A scan at a gate: read, verify, then one statement in PostgreSQL, which is the truth.

text → token → signature and key → scanway_redeem (migrations/redeem_1.sql) → Verdict
"""

import base64
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import holder as holders
from control_plane.passes import keyring
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.errors import DeviceRefused, Invalid, NotAllowed
from control_plane.passes.hours import is_open
from control_plane.passes.models import Gate
from control_plane.passes.reason import Reason, sentence
from edge import token
from edge.token import NotAToken

KEEP: Final = 2.0
"""Seconds that a process may go by opening hours it has read."""
WAYS: Final = ("in", "out", "auto")

_SQL: Final = "SELECT scanway_redeem(%s, %s, %s, %s::uuid, %s, %s, %s, %s, %s, %s, %s)::text"
_kept: dict[int, tuple[float, "_Rules"]] = {}


@dataclass(frozen=True, slots=True)
class _Rules:
    way: str
    opening_hours: list[dict[str, Any]]
    time_zone: str
    show_holder: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate shows."""

    attempt_id: int
    reason: Reason
    sentence: str
    """For the steward; details after the first full stop."""
    direction: str
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
        return self.reason == Reason.OK


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
    if way and way not in WAYS:
        raise Invalid("way", f"Choose one of: {', '.join(WAYS)}.")
    if gate_id not in device.gate_ids:
        raise Invalid("gate_id", "This device may not be used at this gate. Choose one of its own.")
    override = " ".join(override.split())
    if len(override) > 200 or not override.isprintable():
        raise Invalid("override", "Give the reason in at most 200 characters.")
    now = now or timezone.now()
    rules = _rules(device.workspace_id, gate_id)
    uid, refused = _read(text, device.workspace_id)
    own = {Gate.Way.ENTRANCE: "in", Gate.Way.EXIT: "out"}.get(rules.way)  # type: ignore[call-overload]
    closed = not is_open(rules.opening_hours, rules.time_zone, now)
    # Outside of a transaction: the statement is one, so that the zone's lock is held for no round trip.
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                _SQL,
                [device.workspace_id, device.device_id, gate_id, str(nonce), uid, refused, closed,
                 own or way or "auto", override, now, False],
            )  # fmt: skip
            (answer,) = cursor.fetchone()
    except DatabaseError as error:
        raise _refusal(error) from error
    return _verdict(json.loads(answer), device.workspace_id, rules.show_holder)


def _read(text: str, workspace_id: int) -> tuple[bytes, str]:
    """The pass's id where it is genuine, and why not where it is not."""
    try:
        read = token.parse(text)
    except NotAToken:
        return b"", Reason.UNKNOWN.value
    said = token.verify(read, keyring.keys_for(workspace_id, read.claims.key), workspace=workspace_id)
    return read.claims.pass_id, "" if said == token.Verdict.OK else said.value


def _rules(workspace_id: int, gate_id: int) -> _Rules:
    kept = _kept.get(gate_id)
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    with workspace_scope(workspace_id):
        gate = Gate.objects.select_related("program").filter(id=gate_id).first()
    if gate is None:
        raise Invalid("gate_id", "This gate was removed. Choose another one.")
    program = gate.program
    rules = _Rules(gate.way, program.opening_hours, program.time_zone, program.show_holder)
    _kept[gate_id] = (time.monotonic() + KEEP, rules)
    return rules


def _refusal(error: DatabaseError) -> Exception:
    cause = error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state == "SW401":
        return DeviceRefused()
    if state == "SW403":
        return NotAllowed("Only a supervisor's device may admit in spite of a refusal.")
    return error


def _verdict(answer: dict[str, Any], workspace_id: int, show_holder: bool) -> Verdict:
    reason = Reason(answer["reason"])
    found = answer["pass"]
    if found is not None:
        locked = base64.b64decode(found.pop("holder"))
        found["holder"] = holders.opened(locked, workspace_id) if show_holder else {}
    return Verdict(
        attempt_id=answer["attempt"],
        reason=reason,
        sentence=sentence(reason, answer["direction"]),
        direction=answer["direction"],
        replayed=answer["replayed"],
        refused_as=answer["refused_as"],
        at=answer["at"],
        found=found,
        earlier=answer["earlier"],
        zones=answer["zones"] or [],
    )
