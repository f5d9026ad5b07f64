"""What happened in a program: who drove traffic, when it was busiest, who did not come, what went wrong.

Of whole days in the program's time zone, counted by PostgreSQL (`report.sql`). No holder's name is in it.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import programs
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Program
from control_plane.passes.reason import SENTENCES, Reason

LONGEST: Final = 400
"""Days."""
MOST_ROWS: Final = 2_000
"""Of a list of single events; how many there are is counted all the same."""
NOBODY: Final = "Without an issuer"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a time zone, both ends included."""

    first: date
    last: date
    time_zone: str

    @property
    def since(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=ZoneInfo(self.time_zone))

    @property
    def until(self) -> datetime:
        after = self.last + timedelta(days=1)
        return datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(self.time_zone))


@dataclass(frozen=True, slots=True)
class IssuerLine:
    """issued: passes that could be used in the period. unused: neither used in it nor cancelled."""

    name: str
    issued: int
    used: int
    uses: int
    cancelled: int

    @property
    def unused(self) -> int:
        return self.issued - self.used - self.cancelled


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that a zone's count had, and when; at is None where nobody was counted."""

    zone: str
    depth: int
    capacity: int | None
    inside: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Hour:
    at: datetime
    came: int
    left: int


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """Of a gate or a device. by_hand_in, by_hand_out: people counted without a pass."""

    name: str
    admitted: int = 0
    left: int = 0
    refused: int = 0
    offline: int = 0
    by_hand_in: int = 0
    by_hand_out: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    sentence: str
    times: int
    passes: int


@dataclass(frozen=True, slots=True)
class Clone:
    """A pass that was refused at another place than where it was admitted: perhaps a copy of it."""

    number: int
    reason: str
    admitted_gate: str
    admitted_device: str
    admitted_at: datetime
    refused_gate: str
    refused_device: str
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A scan that was admitted, or let out, in spite of something. number is None for an unknown pass."""

    at: datetime
    received_at: datetime
    number: int | None
    gate: str
    device: str
    direction: str
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class Correction:
    at: datetime
    zone: str
    delta: int
    inside: int
    note: str
    by: str


@dataclass(frozen=True, slots=True)
class Report:
    """`more`: of clones, conflicts, overrides and corrections, how many there are, listed or not."""

    program: Program
    period: Period
    made_at: datetime
    issuers: list[IssuerLine]
    peaks: list[Peak]
    hours: list[Hour]
    gates: list[PlaceLine]
    devices: list[PlaceLine]
    refusals: list[Refusal]
    clones: list[Clone]
    conflicts: list[Exceptional]
    overrides: list[Exceptional]
    corrections: list[Correction]
    more: dict[str, int]

    @property
    def is_over(self) -> bool:
        """Before its end, whoever has not come may still come."""
        return self.made_at >= min(self.period.until, self.program.ends_at or self.period.until)

    @property
    def total(self) -> IssuerLine:
        names = ("issued", "used", "uses", "cancelled")
        return IssuerLine("All", *(sum(getattr(one, name) for one in self.issuers) for name in names))

    @property
    def refused(self) -> int:
        return sum(one.times for one in self.refusals)

    @property
    def came(self) -> int:
        return sum(one.came for one in self.hours)

    @property
    def left(self) -> int:
        return sum(one.left for one in self.hours)

    @property
    def busiest(self) -> Hour | None:
        return max(
            (one for one in self.hours if one.came),
            key=lambda one: (one.came, -one.at.timestamp()),
            default=None,
        )

    @property
    def by_weekday(self) -> list[list[int]]:
        """Who came, by weekday (Monday is 0) and hour of the day, in the program's time zone."""
        found = [[0] * 24 for _ in range(7)]
        zone = ZoneInfo(self.period.time_zone)
        for one in self.hours:
            local = one.at.astimezone(zone)
            found[local.weekday()][local.hour] += one.came
        return found


def load(*, program: Program, first: date | None = None, last: date | None = None) -> Report:
    """Days left out are the program's own: see `own_period`. Raises Invalid(first, last)."""
    now = timezone.now()
    with workspace_scope(program.workspace_id):
        own = own_period(program, now)
        period = checked(first or own.first, last or max(own.last, first or own.last), program.time_zone)
        bound = {
            "program": program.pk, "since": period.since, "until": period.until,
            "zone": program.time_zone, "most": MOST_ROWS,
        }  # fmt: skip
        asked = {name: _rows(name, bound) for name in ("clones", "corrections")}
        asked["conflicts"] = _rows("exceptions", bound | {"conflict": True})
        asked["overrides"] = _rows("exceptions", bound | {"conflict": False})
        gates, devices = _places(bound)
        return Report(
            program=program,
            period=period,
            made_at=now,
            issuers=[
                IssuerLine(r["issuer"] or NOBODY, r["issued"], r["used"], r["uses"], r["cancelled"])
                for r in _rows("issuers", bound)
            ],
            peaks=_peaks(program, bound),
            hours=[Hour(row["at"], row["came"], row["left_again"]) for row in _rows("hours", bound)],
            gates=gates,
            devices=devices,
            refusals=[
                Refusal(row["reason"], SENTENCES[Reason(row["reason"])], row["times"], row["passes"])
                for row in _rows("refusals", bound)
            ],
            clones=[_clone(row) for row in asked["clones"]],
            conflicts=[_exceptional(row) for row in asked["conflicts"]],
            overrides=[_exceptional(row) for row in asked["overrides"]],
            corrections=[_correction(row) for row in asked["corrections"]],
            more={name: rows[0]["of"] if rows else 0 for name, rows in asked.items()},
        )


def own_period(program: Program, now: datetime) -> Period:
    """From its start, or the first thing that happened, to its end or today; whole days, at most 400."""
    zone = ZoneInfo(program.time_zone)
    today = now.astimezone(zone).date()
    last = min(program.ends_at.astimezone(zone).date(), today) if program.ends_at else today
    began = program.starts_at
    if began is None:
        (row,) = _rows("activity", {"program": program.pk})
        began = row["at"] or program.created_at
    first = min(began.astimezone(zone).date(), last)
    return Period(max(first, last - timedelta(days=LONGEST - 1)), last, program.time_zone)


def checked(first: date, last: date, time_zone: str) -> Period:
    """Raises Invalid."""
    for name, day in (("first", first), ("last", last)):
        if not 2000 <= day.year <= 9000:
            raise Invalid(name, "Choose a day between the years 2000 and 9000.")
    if last < first:
        raise Invalid("last", "The last day must not be before the first.")
    if (last - first).days >= LONGEST:
        raise Invalid("first", f"Choose at most {LONGEST} days at once.")
    return Period(first, last, time_zone)


def _places(bound: dict[str, Any]) -> tuple[list[PlaceLine], list[PlaceLine]]:
    """By gate and by device: the same rows, summed twice."""
    scans, counts = _rows("places", bound), _rows("by_hand", bound)
    found = []
    for kind, unknown in (("gate", "A gate that was removed"), ("device", "Nobody's device")):
        lines: dict[int | None, dict[str, Any]] = {}
        for row in (*scans, *counts):
            line = lines.setdefault(row[f"{kind}_id"], {"name": row[kind] or unknown})
            scanned = "admitted" in row
            pairs = (
                {"admitted": "admitted", "left": "left_again", "refused": "refused", "offline": "offline"}
                if scanned
                else {"by_hand_in": "came", "by_hand_out": "left_again"}
            )
            for name, column in pairs.items():
                line[name] = line.get(name, 0) + row[column]
        made = [PlaceLine(**line) for line in lines.values()]
        found.append(sorted(made, key=lambda one: (-one.admitted, one.name)))
    return found[0], found[1]


def _peaks(program: Program, bound: dict[str, Any]) -> list[Peak]:
    rows = {row["id"]: row for row in _rows("peaks", bound)}
    zones = programs.list_zones(workspace_id=program.workspace_id, program_id=program.pk)
    return [
        Peak(zone.name, len(zone.path) - 1, zone.capacity, rows[zone.pk]["inside"] or 0, rows[zone.pk]["at"])
        for zone in zones
    ]


def _clone(row: dict[str, Any]) -> Clone:
    return Clone(
        row["number"], row["reason"], row["admitted_gate"] or "", row["admitted_device"] or "",
        row["admitted_at"], row["refused_gate"] or "", row["refused_device"] or "", row["first_at"],
        row["last_at"], row["times"],
    )  # fmt: skip


def _exceptional(row: dict[str, Any]) -> Exceptional:
    reason = row["refused_as"] or (row["reason"] if row["reason"] != Reason.OK else "")
    return Exceptional(
        row["at"], row["received_at"], row["number"], row["gate"] or "", row["device"], row["direction"],
        reason, row["note"],
    )  # fmt: skip


def _correction(row: dict[str, Any]) -> Correction:
    by = row["member"] or row["device"] or "by the API"
    return Correction(row["at"], row["zone"], row["delta"], row["inside"], row["note"], by)


def _rows(name: str, bound: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_queries()[name], bound)
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@cache
def _queries() -> dict[str, str]:
    """Name → statement, without its description."""
    text = Path(__file__).with_name("report.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)[1:]
    return {
        name: "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("--"))
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
