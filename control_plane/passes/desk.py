"""What a person of an issuer does and sees: makes passes, cancels unused ones, and its own issuer's numbers.

Every query here asks for the issuer as well as the workspace: that is the wall between two issuers.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.utils import timezone

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import idempotency
from control_plane.passes import issuing
from control_plane.passes.errors import Invalid, NotFound
from control_plane.passes.models import Issuer, IssuerDay, Pass, PassState, Program, ProgramKind, Seat
from control_plane.passes.models.programs import ProgramState

MOST_AT_ONCE: Final = 20
LAST: Final = 20
DAYS_AHEAD: Final = 7
"""A pass for one day is made so many days before it at most, today included."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """An issuer's own. left_…: None without a quota. closed: why nothing can be made now, and what to do."""

    today: int
    total: int
    used_today: int
    inside: int
    left_today: int | None
    left_total: int | None
    closed: str

    @property
    def left(self) -> int | None:
        given = [one for one in (self.left_today, self.left_total) if one is not None]
        return min(given) if given else None

    @property
    def most(self) -> int:
        """At once."""
        return MOST_AT_ONCE if self.left is None else min(MOST_AT_ONCE, self.left)


@dataclass(frozen=True, slots=True)
class Made:
    """Numbers of the first and last pass. replayed: the same form came before, and these are what it made."""

    first: int
    last: int
    replayed: bool


def who(seat: Seat) -> str:
    return f"{seat.name} of {seat.issuer.name}"


def numbers(seat: Seat, now: datetime | None = None) -> Numbers:
    """Counted as quotas count: what was replaced counts once, and what was cancelled goes on counting."""
    issuer, program = seat.issuer, seat.issuer.program
    local = _local(program, now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = _own(seat).aggregate(
        total=Count("id", filter=~Q(state=PassState.REPLACED)),
        today=Count("id", filter=~Q(state=PassState.REPLACED) & Q(created_at__gte=midnight)),
        used_today=Count("id", filter=Q(last_used_at__gte=midnight)),
        inside=Count("id", filter=~Q(inside_zone=None)),
    )
    left_today, left_total = (
        None if quota is None else max(0, quota - counted[name])
        for quota, name in ((issuer.quota_daily, "today"), (issuer.quota_total, "total"))
    )
    closed = ""
    if program.state == ProgramState.ENDED:
        closed = f"{program.name} has ended. No more passes can be made for it."
    elif not issuing.is_on(issuer, local.date()):
        closed = f"{issuer.name} is switched off today. Ask the organiser to switch it on."
    elif left_total == 0:
        closed = (
            f"{issuer.name} has made all its passes ({issuer.quota_total:,}). Ask the organiser for more."
        )
    elif left_today == 0:
        made = f"{issuer.name} has made all its passes for today ({issuer.quota_daily:,})."
        closed = f"{made} There are more tomorrow, or ask the organiser."
    return Numbers(**counted, left_today=left_today, left_total=left_total, closed=closed)


def days(seat: Seat, now: datetime | None = None) -> list[date]:
    """For which single days a pass can be made: the program runs, is open and the issuer is on.

    [] where the program has no more than one day left: a pass is for all of it then.
    """
    program, issuer = seat.issuer.program, seat.issuer
    today = _local(program, now).date()
    first, last = today, today + timedelta(days=DAYS_AHEAD - 1)
    if program.starts_at is not None:
        first = max(first, _local(program, program.starts_at).date())
    if program.ends_at is not None:
        # An end at midnight is the end of the day before.
        end = _local(program, program.ends_at - timedelta(microseconds=1)).date()
        if end <= first:
            return []
        last = min(last, end)
    overrides = dict(IssuerDay.objects.filter(issuer=issuer).values_list("day", "is_active"))
    open_on = {day for period in program.opening_hours for day in period["days"]} or set(range(7))
    all_days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return [day for day in all_days if day.weekday() in open_on and overrides.get(day, issuer.is_active)]


def usual_day(seat: Seat, choices: list[date], now: datetime | None = None) -> date | None:
    """What is chosen unless somebody chooses: parking is for today, anything else for the whole program."""
    program = seat.issuer.program
    today = _local(program, now).date()
    return today if program.kind == ProgramKind.PARKING and today in choices else None


def make(*, seat: Seat, count: int, holder: dict[str, str], day: date | None, nonce: str) -> Made:
    """Passes for a holder or for nobody in particular, of one day or of the whole program.

    The same nonce with the same wishes again makes nothing new. Raises Invalid(count, day, holder.…),
    QuotaUsedUp.
    """
    program = seat.issuer.program
    if type(count) is not int or not 1 <= count <= MOST_AT_ONCE:
        raise Invalid("count", f"Make 1 to {MOST_AT_ONCE} passes at once.")
    if count > 1 and any(holder.values()):
        raise Invalid("count", "A name or plate is for one pass. Make 1, or leave it empty.")
    with workspace_scope(seat.workspace_id):
        if day is not None and day not in days(seat):
            raise Invalid("day", "Choose one of these days.")
        start, end = window(program, day)

        def work() -> idempotency.Answer:
            rows = issuing.issue(
                workspace_id=seat.workspace_id,
                program_id=program.pk,
                issuer_id=seat.issuer_id,
                holders_of=[holder] * count,
                valid_from=start,
                valid_until=end,
                note=f"by {who(seat)}",
            )
            return idempotency.Answer(201, {"first": rows[0].number, "last": rows[-1].number})

        wishes = repr((count, sorted(holder.items()), day)).encode()
        # Who went back to the form and wished for something else wants another pass.
        key = f"seat-{seat.pk}-{nonce}-{hashlib.sha256(wishes).hexdigest()[:16]}"
        answer = idempotency.remember(workspace_id=seat.workspace_id, key=key, request=wishes, work=work)
    return Made(answer.body["first"], answer.body["last"], answer.replayed)


def cancel(*, seat: Seat, pass_id: int) -> Pass:
    """A pass of one's own issuer that nobody used yet; again is harmless. Raises NotFound, Invalid."""
    with workspace_scope(seat.workspace_id):
        # Locked as a redemption locks it: it is used, or it is cancelled.
        row = Pass.objects.select_for_update(no_key=True).filter(id=pass_id, issuer_id=seat.issuer_id).first()
        if row is None:
            raise NotFound("There is no such pass of yours.")
        if row.uses or row.inside_zone_id is not None:
            raise Invalid("pass", f"No. {row.number} was used already. Only the organiser can cancel it now.")
        return issuing.change_state(
            workspace_id=seat.workspace_id, pass_id=row.pk, to=PassState.REVOKED, note=f"by {who(seat)}"
        )


def own_pass(*, seat: Seat, pass_id: int) -> Pass:
    """Raises NotFound, also for another issuer's."""
    with workspace_scope(seat.workspace_id):
        row = _own(seat).filter(id=pass_id).first()
        if row is None:
            raise NotFound("There is no such pass of yours.")
    return row  # type: ignore[no-any-return]


def own_range(*, seat: Seat, first: int, last: int) -> list[Pass]:
    """One's own passes of these numbers, at most as many as are made at once."""
    with workspace_scope(seat.workspace_id):
        return list(_own(seat).filter(number__range=(first, last)).order_by("number")[:MOST_AT_ONCE])


def latest(*, seat: Seat) -> list[Pass]:
    """The last twenty, newest first."""
    with workspace_scope(seat.workspace_id):
        return list(_own(seat).order_by("-number")[:LAST])


def logo(seat: Seat) -> bytes:
    """The issuer's, a PNG; b"" is none."""
    with workspace_scope(seat.workspace_id):
        return bytes(Issuer.objects.values_list("logo", flat=True).get(id=seat.issuer_id))


def _own(seat: Seat) -> Any:
    return Pass.objects.filter(program_id=seat.issuer.program_id, issuer_id=seat.issuer_id)


def window(program: Program, day: date | None) -> tuple[datetime | None, datetime | None]:
    """Of one day in the program's time zone, never beyond the program; (None, None) is the program's."""
    if day is None:
        return None, None
    zone = ZoneInfo(program.time_zone)
    start = datetime.combine(day, time(), tzinfo=zone)
    # A night that is open until two o'clock belongs to the day on which it began.
    nights = [
        period["to"]
        for period in program.opening_hours
        if day.weekday() in period["days"] and period["to"] <= period["from"]
    ]
    end = datetime.combine(
        day + timedelta(days=1), time.fromisoformat(max(nights, default="00:00")), tzinfo=zone
    )
    return (
        max(start, program.starts_at) if program.starts_at else start,
        min(end, program.ends_at) if program.ends_at else end,
    )


def _local(program: Program, moment: datetime | None) -> datetime:
    return (moment or timezone.now()).astimezone(ZoneInfo(program.time_zone))
