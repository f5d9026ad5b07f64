"""What a device needs to decide while it is offline: rules, places, keys, and every pass that is not new.

A document signed by the workspace's active Ed25519 key; no person is in it. A pass that was never used, and
is as its code says, needs no line: its signature is enough. Whoever has an older document asks for what
changed since: `cursor` names the last scan, change and movement that are in it. Scans and movements are
written one after the other (occupancy.lock_program), so that no lower number appears later. Changes are not:
those of the last minutes are looked at again.

A line, fields by commas, numbers in hexadecimal, empty for none:
    id (14 characters of base64url) , state (a h r p) , uses , own maximum , zone , last use , issuer ,
    window , used before (1) , number
Moments are seconds since 2020 began. `windows` has [from, until] pairs: the pass's own are by the database,
whatever its code says. `issuers` are those who are, or may be, off. `rotating` is the program's secret where
its codes change, to tell a stale one: with it nobody can make a pass.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import keyring, rotating
from control_plane.passes.devices import DeviceHolder
from control_plane.passes.models import (
    Attempt,
    Change,
    Gate,
    Issuer,
    IssuerDay,
    Movement,
    MovementKind,
    Pass,
    PassState,
    Program,
    SigningKey,
    Zone,
)
from edge.token import Algorithm, sign_document

FORMAT: Final = 1
TERM: Final = timedelta(hours=24)
"""After it a device no longer decides by these rules."""
LATE: Final = timedelta(minutes=5)
"""A change that was made and is not yet to be seen is written within this time."""
PURPOSE: Final = "snapshot"
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_WINDOWS: Final = (
    "SELECT DISTINCT valid_from, valid_until FROM passes_pass WHERE id IN ({chosen}) ORDER BY 1, 2"
)
_LINES: Final = """
    SELECT string_agg(concat_ws(',', translate(encode(uid, 'base64'), '+/=', '-_'),
        CASE state WHEN 'active' THEN 'a' WHEN 'held' THEN 'h' WHEN 'revoked' THEN 'r' ELSE 'p' END,
        CASE WHEN uses > 0 THEN to_hex(uses) ELSE '' END, COALESCE(to_hex(max_uses), ''),
        COALESCE(to_hex(inside_zone_id), ''),
        COALESCE(to_hex(floor(extract(epoch FROM last_used_at))::bigint - 1577836800), ''),
        CASE WHEN issuer_id = ANY (%s) THEN to_hex(issuer_id) ELSE '' END, to_hex(window_no - 1),
        CASE WHEN first_used_at IS NULL THEN '' ELSE '1' END, to_hex(number)), ';')
    FROM (SELECT *, dense_rank() OVER (ORDER BY valid_from, valid_until) AS window_no
        FROM passes_pass WHERE id IN ({chosen})) AS p
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """The document as text, the number of the key, and its signature."""

    body: str
    key: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class _Cursor:
    """What a document contains, of one program."""

    program: int
    scan: int
    change: int
    movement: int
    issuers: str
    """Who was listed: with another list, lines of passes are missing."""

    def __str__(self) -> str:
        return f"{FORMAT}.{self.program}.{self.scan}.{self.change}.{self.movement}.{self.issuers}"


def snapshot(*, device: DeviceHolder, since: str = "", now: datetime | None = None) -> Signed:
    """For this device; only what changed since the document with that cursor, where that is possible."""
    now = now or timezone.now()
    key = keyring.active_key(device.workspace_id, Algorithm.ED25519)
    with workspace_scope(device.workspace_id):
        document = _document(device, since, now)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Signed(body, key.number, sign_document(PURPOSE, body.encode(), key))


def public_keys(workspace_id: int) -> list[dict[str, Any]]:
    """All of a workspace, with their states: those of HMAC have no public half."""
    with workspace_scope(workspace_id):
        return [
            {
                "number": row.number,
                "algorithm": row.algorithm,
                "state": row.state,
                "public": base64.b64encode(bytes(row.public)).decode(),
            }
            for row in SigningKey.objects.order_by("number")
        ]


def _document(device: DeviceHolder, since: str, now: datetime) -> dict[str, Any]:
    program = Program.objects.get(id=device.program_id)
    issuers = _issuers(program)
    listed = _listed(issuers)
    before = _read_cursor(since, program.pk, listed)
    # First the cursor, then the passes: what happens between is in both documents.
    cursor = _cursor(program, before, listed, now)
    lines, windows = _passes(program, before, [one["id"] for one in issuers])
    return {
        "format": FORMAT,
        "issued_at": _rfc(now),
        "valid_until": _rfc(now + TERM),
        "cursor": str(cursor),
        "full": before is None,
        "workspace": device.workspace_id,
        "device": device.device_id,
        "program": {
            "id": program.pk,
            "state": program.state,
            "time_zone": program.time_zone,
            "opening_hours": program.opening_hours,
            "reentry": program.reentry,
            "max_uses": program.max_uses,
            "use_hours": program.use_hours,
            "rotating": rotating.program_secret(program.workspace_id, program.pk).hex()
            if program.rotating
            else None,
            "offline": program.offline,
        },
        "gates": [
            {"id": gate.pk, "zone_id": gate.zone_id, "way": gate.way, "is_open": gate.is_open}
            for gate in Gate.objects.filter(id__in=device.gate_ids).order_by("id")
        ],
        "zones": [
            {
                "id": zone.pk,
                "path": zone.path,
                "inside": zone.inside,
                "leased": zone.leased,
                "capacity": zone.capacity,
            }
            for zone in Zone.objects.filter(program=program).order_by("id")
        ],
        "keys": public_keys(device.workspace_id),
        "issuers": issuers,
        "windows": windows,
        "passes": lines,
    }


def _listed(issuers: list[dict[str, Any]]) -> str:
    return hashlib.sha256(repr([one["id"] for one in issuers]).encode()).hexdigest()[:8]


def _read_cursor(text: str, program_id: int, issuers: str) -> _Cursor | None:
    """None where only a whole document will do."""
    parts = text.split(".")
    if len(parts) != 6 or parts[0] != str(FORMAT) or parts[5] != issuers:
        return None
    if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in parts[1:5]):
        return None
    program, scan, change, movement = (int(part) for part in parts[1:5])
    return _Cursor(program, scan, change, movement, issuers) if program == program_id else None


def _cursor(program: Program, before: _Cursor | None, issuers: str, now: datetime) -> _Cursor:
    scan = Attempt.objects.filter(program=program).aggregate(most=Max("id"))["most"] or 0
    movement = Movement.objects.filter(program=program).aggregate(most=Max("id"))["most"] or 0
    changes = Change.objects.filter(id__gt=before.change if before else 0, at__lt=now - LATE)
    change = changes.aggregate(most=Max("id"))["most"] or (before.change if before else 0)
    return _Cursor(program.pk, scan, change, movement, issuers)


def _passes(
    program: Program, before: _Cursor | None, issuers: list[int]
) -> tuple[str, list[list[int | None]]]:
    mine = Pass.objects.filter(program=program)
    # Not as a new pass is, and not as its code says.
    special = (
        ~Q(state=PassState.ACTIVE)
        | Q(uses__gt=0)
        | ~Q(inside_zone=None)
        | ~Q(max_uses=None)
        | Q(issuer_id__in=issuers)
    )
    if before is None:
        found = mine.filter(special | Exists(Change.objects.filter(of=OuterRef("pk"), what="extended")))
    else:
        scans = Attempt.objects.filter(program=program, id__gt=before.scan, reason="ok")
        moved = Movement.objects.filter(program=program, id__gt=before.movement, kind=MovementKind.UNDO)
        changes = Change.objects.filter(id__gt=before.change, of__program=program)
        found = mine.filter(
            Q(id__in=scans.values("of_id"))
            | Q(id__in=moved.values("attempt__of_id"))
            | Q(id__in=changes.exclude(what="issued").values("of_id"))
            | special & Q(id__in=changes.filter(what="issued").values("of_id"))
        )
    return _lines(found, issuers)


def _lines(found: QuerySet[Any], issuers: list[int]) -> tuple[str, list[list[int | None]]]:
    """The lines and their windows. PostgreSQL writes them: 50,000 take it a tenth of the time."""
    chosen, parameters = found.order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS.format(chosen=chosen), parameters)
        windows = [[_seconds(start), _seconds(end)] for start, end in cursor.fetchall()]
        cursor.execute(_LINES.format(chosen=chosen), [issuers, *parameters])
        (lines,) = cursor.fetchone()
    return lines or "", windows


def _issuers(program: Program) -> list[dict[str, Any]]:
    """Those who are off, or on a day that is still to come, or has not yet ended anywhere."""
    yesterday = timezone.now().date() - timedelta(days=1)
    days: dict[int, dict[str, bool]] = {}
    for one in IssuerDay.objects.filter(issuer__program=program, day__gte=yesterday):
        days.setdefault(one.issuer_id, {})[one.day.isoformat()] = one.is_active
    rows = Issuer.objects.filter(program=program).filter(Q(is_active=False) | Q(id__in=days))
    return [
        {"id": row.pk, "is_active": row.is_active, "days": days.get(row.pk, {})}
        for row in rows.order_by("id")
    ]


def _rfc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(seconds=1)
