"""Passes are made, changed and found here. Each function owns its transaction."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

from control_plane.accounts.models import User
from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import holder as holders
from control_plane.passes import keyring, values, vault
from control_plane.passes.errors import Invalid, NotFound, QuotaUsedUp
from control_plane.passes.models import Change, Issuer, Job, Pass, PassState, Program, ProgramKind
from control_plane.passes.models.programs import ProgramState
from edge import token
from edge.token import Algorithm, Claims, Key, Kind, TokenError

MOST_AT_ONCE: Final = 1_000
"""In one transaction; more go by a job."""
MOST_USES: Final = 100_000
_CHUNK: Final = 500
_WORDS: Final = {"active": "restored", "held": "held", "revoked": "revoked"}


def issue(
    *,
    workspace_id: int,
    program_id: int,
    holders_of: Iterable[Mapping[str, Any]],
    issuer_id: int | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    max_uses: int | None = None,
    held: bool = False,
    own: Sequence[Mapping[str, Any]] = (),
    job: Job | None = None,
    created_by: User | None = None,
    note: str = "",
) -> list[Pass]:
    """One pass for each of `holders_of` (an empty mapping: nobody in particular), numbered on from the last.

    Without a window of its own a pass has its program's. `own` has, for each pass, what differs for it alone:
    valid_from, valid_until, max_uses. `note` goes into each one's history. Raises Invalid(field, message),
    QuotaUsedUp; nothing is issued then.
    """
    wanted = list(holders_of)
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid("count", f"Issue 1 to {MOST_AT_ONCE:,} passes at once.")
    with workspace_scope(workspace_id):
        # Locked: numbers count up without a gap or a double.
        program = _program(program_id, Program.objects.select_for_update(no_key=True))
        issuer = None
        if issuer_id is not None:
            issuer = _issuer(program, issuer_id, len(wanted), Issuer.objects.select_for_update(no_key=True))
        shared = {"valid_from": valid_from, "valid_until": valid_until, "max_uses": max_uses}
        same = settings_of(program, shared)
        first = program.next_number
        Program.objects.filter(id=program.pk).update(next_number=first + len(wanted))
        made = []
        for offset, given in enumerate(wanted):
            row = Pass(
                workspace_id=workspace_id,
                program=program,
                issuer=issuer,
                job=job,
                uid=secrets.token_bytes(token.PASS_ID_SIZE),
                number=first + offset,
                state=PassState.HELD if held else PassState.ACTIVE,
                created_by=created_by,
                **(settings_of(program, shared | dict(own[offset])) if own and own[offset] else same),
            )
            holders.put(row, holders.check_holder(given), workspace_id)
            made.append(row)
        Pass.objects.bulk_create(made, batch_size=_CHUNK)
        _note(made, "issued", note=note, by=created_by)
    return made


def check_order(
    *, workspace_id: int, program_id: int, count: int, issuer_id: int | None, **shared: Any
) -> Program:
    """What `issue` would refuse, before a job is made of it. Nothing is locked: it may refuse all the same.

    `shared`: valid_from, valid_until, max_uses. Raises Invalid, QuotaUsedUp.
    """
    with workspace_scope(workspace_id):
        program = _program(program_id, Program.objects.all())
        if issuer_id is not None:
            _issuer(program, issuer_id, count, Issuer.objects.all())
        settings_of(program, shared)
    return program


def settings_of(program: Program, given: Mapping[str, Any]) -> dict[str, Any]:
    """The validity and the entries of a pass for which these are given. Raises Invalid."""
    start = values.moment("valid_from", given.get("valid_from")) or program.starts_at
    end = values.moment("valid_until", given.get("valid_until")) or program.ends_at
    if start and end and end <= start:
        raise Invalid("valid_until", "The end must come after the start.")
    most = values.number("max_uses", given.get("max_uses"), most=MOST_USES)
    return {"valid_from": start, "valid_until": end, "max_uses": most}


def change_state(*, workspace_id: int, pass_id: int, to: str, note: str = "", by: User | None = None) -> Pass:
    """Hold, release, revoke or restore a pass. A replaced one stays replaced. Raises Invalid, NotFound."""
    if to not in _WORDS:
        raise Invalid("state", f"Choose one of: {', '.join(_WORDS)}.")
    with workspace_scope(workspace_id):
        row = _locked(pass_id)
        if row.state == PassState.REPLACED:
            raise Invalid("state", "This pass was replaced by another one. Change that one.")
        if row.state != to:
            change_states([row], to=to, note=note, by=by)
    return row


def change_states(rows: Sequence[Pass], *, to: str, note: str = "", by: User | None = None) -> None:
    """Of locked passes, in the workspace's scope: each is in another state, and none is replaced."""
    now = timezone.now()
    released = [row for row in rows if row.state == PassState.HELD and to == PassState.ACTIVE]
    others = [row for row in rows if row.state != PassState.HELD or to != PassState.ACTIVE]
    for row in rows:
        row.state, row.updated_at = to, now
    Pass.objects.filter(id__in=[row.pk for row in rows]).update(state=to, updated_at=now)
    _note(released, "released", note=note, by=by)
    _note(others, _WORDS[to], note=note, by=by)


def extend(
    *,
    workspace_id: int,
    pass_id: int,
    valid_from: datetime | None,
    valid_until: datetime | None,
    by: User | None = None,
) -> Pass:
    """Another window, or none at either end. What is printed keeps working: gates ask this row.

    A gate that is offline learns of it when it is back. Raises Invalid, NotFound.
    """
    with workspace_scope(workspace_id):
        row = _locked(pass_id)
        row.valid_from = values.moment("valid_from", valid_from)
        row.valid_until = values.moment("valid_until", valid_until)
        if row.valid_from and row.valid_until and row.valid_until <= row.valid_from:
            raise Invalid("valid_until", "The end must come after the start.")
        _save(row, "valid_from", "valid_until")
        _note([row], "extended", by=by)
    return row


def transfer(*, workspace_id: int, pass_id: int, holder: Mapping[str, Any], by: User | None = None) -> Pass:
    """Another holder, same code: whoever shows it first gets in. To make the old paper useless, replace it.

    Raises Invalid, NotFound.
    """
    with workspace_scope(workspace_id):
        row = _locked(pass_id)
        holders.put(row, holders.check_holder(holder), workspace_id)
        _save(row, "holder", "words")
        _note([row], "transferred", by=by)
    return row


def replace(
    *,
    workspace_id: int,
    pass_id: int,
    holder: Mapping[str, Any] | None = None,
    note: str = "",
    by: User | None = None,
) -> Pass:
    """A new pass with another code takes the place of this one, which is refused from now on.

    Uses that were made stay made. Raises Invalid, NotFound.
    """
    with workspace_scope(workspace_id):
        old = _locked(pass_id)
        if old.state == PassState.REPLACED:
            raise Invalid("state", "This pass was replaced by another one. Replace that one.")
        if old.inside_zone_id is not None:
            raise Invalid("state", "This pass is inside. Let it leave first, or replace it afterwards.")
        program = Program.objects.select_for_update(no_key=True).get(id=old.program_id)
        new = Pass(
            workspace_id=workspace_id,
            program=program,
            issuer_id=old.issuer_id,
            uid=secrets.token_bytes(token.PASS_ID_SIZE),
            number=program.next_number,
            state=PassState.HELD if old.state == PassState.HELD else PassState.ACTIVE,
            valid_from=old.valid_from,
            valid_until=old.valid_until,
            max_uses=old.max_uses,
            uses=old.uses,
            first_used_at=old.first_used_at,
            last_used_at=old.last_used_at,
            holder=old.holder,
            words=old.words,
            created_by=by,
        )
        if holder is not None:
            holders.put(new, holders.check_holder(holder), workspace_id)
        Program.objects.filter(id=program.pk).update(next_number=F("next_number") + 1)
        new.save(force_insert=True)
        old.state, old.replaced_by = PassState.REPLACED, new
        _save(old, "state", "replaced_by")
        _note([old], "replaced", note=note, by=by)
        _note([new], "issued", note=f"instead of No. {old.number}", by=by)
    return new


def get_pass(*, workspace_id: int, pass_id: int) -> Pass:
    """With its program and issuer. Raises NotFound."""
    with workspace_scope(workspace_id):
        rows = Pass.objects.select_related("program", "issuer", "inside_zone").defer("issuer__logo")
        row = rows.filter(id=pass_id).first()
        if row is None:
            raise NotFound("There is no such pass in this workspace.")
    return row  # type: ignore[no-any-return]


def search(
    *,
    workspace_id: int,
    program_id: int | None = None,
    job_id: int | None = None,
    text: str = "",
    state: str = "",
) -> Any:
    """A query of passes, newest first, to be read in the workspace's scope.

    `text` is a number, or words of a name, an address, a phone number or a plate; each has to be whole.
    """
    rows = Pass.objects.select_related("program", "issuer").defer("issuer__logo").order_by("-id")
    if program_id is not None:
        rows = rows.filter(program_id=program_id)
    if job_id is not None:
        rows = rows.filter(job_id=job_id)
    if state == "inside":
        rows = rows.exclude(inside_zone=None)
    elif state:
        rows = rows.filter(state=state)
    text = text.strip()
    if not text:
        return rows
    each = vault.parts(text)
    whole = models.Q(words__contains=vault.words(["".join(each)], workspace_id=workspace_id))
    if text.removeprefix("#").isdecimal() and len(text) <= 18:
        return rows.filter(models.Q(number=int(text.removeprefix("#"))) | whole)
    if not each:  # punctuation: nothing has that in its name
        return rows.none()
    return rows.filter(models.Q(words__contains=vault.words(each, workspace_id=workspace_id)) | whole)


def signing_key(program: Program) -> Key:
    """What signs this program's passes now."""
    algorithm = Algorithm.ED25519 if program.offline else Algorithm.HMAC
    return keyring.active_key(program.workspace_id, algorithm)


def signed(row: Pass, program: Program, key: Key) -> bytes:
    """The token of a pass, the same each time for the same key and window. Raises Invalid(valid_until)."""
    kind = Kind.PARKING if program.kind == ProgramKind.PARKING else Kind.TICKET
    try:
        return token.sign(
            Claims(
                key.number,
                row.workspace_id,
                kind,
                program.pk,
                bytes(row.uid),
                row.valid_from,
                row.valid_until,
            ),
            key,
        )
    except TokenError as error:
        raise Invalid("valid_until", str(error)) from None


def printed_text(data: bytes) -> str:
    """What its QR code says: an address that any phone opens, and any gate understands."""
    return token.link(data, settings.CONFIG.short_url.geturl())


def _program(program_id: int, among: Any) -> Program:
    program = among.filter(id=program_id).first()
    if program is None:
        raise Invalid("program_id", "Choose a program of this workspace.")
    if program.state == ProgramState.ENDED:
        raise Invalid("program_id", f"{program.name} has ended. No more passes can be issued for it.")
    return program  # type: ignore[no-any-return]


def _issuer(program: Program, issuer_id: Any, count: int, among: Any) -> Issuer:
    issuer = among.defer("logo").filter(id=issuer_id, program=program).first()
    if issuer is None:
        raise Invalid("issuer_id", "Choose an issuer of this program.")
    today = timezone.now().astimezone(ZoneInfo(program.time_zone))
    if not is_on(issuer, today.date()):
        raise Invalid("issuer_id", f"{issuer.name} is switched off today.")
    mine = Pass.objects.filter(program=program, issuer=issuer).exclude(state=PassState.REPLACED)
    if issuer.quota_total is not None and (left := issuer.quota_total - mine.count()) < count:
        raise QuotaUsedUp(f"{issuer.name} may issue {max(0, left):,} more passes, not {count:,}.")
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    if issuer.quota_daily is not None:
        left = issuer.quota_daily - mine.filter(created_at__gte=midnight).count()
        if left < count:
            raise QuotaUsedUp(f"{issuer.name} may issue {max(0, left):,} more passes today, not {count:,}.")
    return issuer  # type: ignore[no-any-return]


def is_on(issuer: Issuer, day: Any) -> bool:
    """Whether an issuer is on, on this day of its program's time zone."""
    override = issuer.days.filter(day=day).first()
    return override.is_active if override is not None else issuer.is_active


def _locked(pass_id: int) -> Pass:
    row = Pass.objects.select_for_update(no_key=True).filter(id=pass_id).first()
    if row is None:
        raise NotFound("There is no such pass in this workspace.")
    return row  # type: ignore[no-any-return]


def _save(row: Pass, *fields: str) -> None:
    row.updated_at = timezone.now()
    row.save(update_fields=[*fields, "updated_at"])


def _note(rows: Iterable[Pass], what: str, *, note: str = "", by: User | None = None) -> None:
    note = values.text("note", note)
    Change.objects.bulk_create(
        [Change(workspace_id=row.workspace_id, of=row, what=what, note=note, by=by) for row in rows],
        batch_size=_CHUNK,
    )
