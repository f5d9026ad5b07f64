"""A pass as its holder sees it, whether on a web page, in a mail or in a phone's wallet."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format

from control_plane.accounts.tenancy import workspace_scope
from control_plane.passes import access, issuing, rotating, status
from control_plane.passes import holder as holders
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Pass, ProgramKind
from edge import token

_KINDS: Final = {
    ProgramKind.EVENT: "Ticket",
    ProgramKind.PARKING: "Parking pass",
    ProgramKind.SEASON: "Season pass",
}
_DAY: Final = "D j M Y"


@dataclass(frozen=True, slots=True)
class Card:
    """Texts are "" where nothing is known. Times are in the program's time zone."""

    row: Pass
    state: str
    """As in `status.Status`."""
    kind: str
    """Ticket, Parking pass or Season pass."""
    program: str
    place: str
    issuer: str
    name: str = field(repr=False)
    plate: str = field(repr=False)
    starts: datetime | None
    ends: datetime | None
    text: str = field(repr=False)
    """What its code says to a gate, without the part that changes."""
    secret: bytes = field(repr=False)
    """For the part that changes; b"" where there is none."""
    link: str = field(repr=False)
    """The holder's own; secret."""

    @property
    def when(self) -> str:
        """In words: from when to when, and where that is."""
        return spell(self.starts, self.ends)


def card(row: Pass, now: datetime | None = None) -> Card:
    """Of a row with its program and issuer. Raises Invalid where it cannot be signed."""
    program = row.program
    zone = ZoneInfo(program.time_zone)
    with workspace_scope(row.workspace_id):
        data = issuing.signed(row, program, issuing.signing_key(program))
    holder = holders.opened(row.holder, row.workspace_id)
    secret = b""
    if program.rotating:
        secret = rotating.pass_secret(rotating.program_secret(row.workspace_id, program.pk), bytes(row.uid))
    return Card(
        row,
        status.state_of(row, program, now or timezone.now()),
        _KINDS[ProgramKind(program.kind)],
        program.name,
        program.place,
        row.issuer.name if row.issuer else "",
        holder.get("name", ""),
        holder.get("plate", ""),
        row.valid_from.astimezone(zone) if row.valid_from else None,
        row.valid_until.astimezone(zone) if row.valid_until else None,
        token.compact(data),
        secret,
        access.web_link(row),
    )


def check_lasting(card: Card) -> None:
    """Before its code goes into a wallet, which keeps it as it is. Raises Invalid."""
    if card.secret:
        raise Invalid(
            "",
            "The code of this pass changes every 15 seconds, and a wallet would keep an old one. Use the"
            " pass’s page.",
        )
    if card.state in ("cancelled", "replaced"):
        raise Invalid("", "Gates refuse this pass, so there is none for a wallet.")


def spell(starts: datetime | None, ends: datetime | None) -> str:
    """Sat 6 Jun 2026, 10:00 – 22:00; one day is named once. The times are taken as they are."""
    first, last = (
        f"{date_format(one, _DAY)}, {date_format(one, 'H:i')}" if one else "" for one in (starts, ends)
    )
    if starts and ends:
        if starts.date() == ends.date():
            return f"{first} – {date_format(ends, 'H:i')}"
        return f"{first} – {last}"
    return f"From {first}" if first else f"Until {last}" if last else ""
