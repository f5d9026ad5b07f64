"""What a column of a table is called, and what its cells say: names of columns, dates, numbers."""

import re
from datetime import UTC, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from control_plane.passes import values, vault
from control_plane.passes.errors import Invalid
from control_plane.passes.issuing import MOST_USES

OWN: Final = ("valid_from", "valid_until", "max_uses")
"""What a row may have instead of the job's or the program's."""
IGNORED: Final = "ignored"

# As people and programs call them; spaces, case, accents and punctuation do not count.
_CALLED: Final = {
    "name": "name, full name, holder, guest, attendee, participant, customer, ticket holder, nom complet, "
    "nombre",
    "first": "first name, firstname, given name, forename, vorname, prenom",
    "last": "last name, lastname, surname, family name, nachname, nom de famille, apellidos",
    "email": "e-mail, email, mail, e-mail address, email address, attendee email, correo",
    "phone": "phone, phone number, telephone, tel, mobile, mobile number, cell, telefon, telefono, handy",
    "plate": "plate, number plate, license plate, licence plate, registration, registration number, car, "
    "vehicle, kennzeichen, matricula, plaque",
    "valid_from": "valid from, from, start, starts, starts at, begin, gultig ab, gultig von",
    "valid_until": "valid until, valid to, until, to, end, ends, ends at, expires, expiry, gultig bis",
    "max_uses": "uses, max uses, maximum uses, entries, admissions, number of entries",
}
_MEANINGS: Final = {
    "".join(vault.parts(name)): kind for kind, names in _CALLED.items() for name in names.split(",")
}

_iso = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)?)?"
)
_dotted = re.compile(r"(\d\d?)\. ?(\d\d?)\. ?(\d{4})(?:,? +(\d\d?):(\d\d)(?::(\d\d))?)?()")
_LIKE: Final = "such as 2030-01-31 or 2030-01-31 18:00"


def meaning(name: str) -> str:
    """What a column of this name has: a key of `_CALLED`, or “field”."""
    return _MEANINGS.get("".join(vault.parts(name)), "field")


def own_value(kind: str, text: str, time_zone: str) -> Any:
    """Raises Invalid(kind)."""
    if kind == "max_uses":
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MOST_USES:
            raise Invalid(kind, f"Write a whole number from 1 to {MOST_USES:,}.")
        return int(text)
    return values.moment(kind, moment(kind, text, time_zone))


def moment(kind: str, text: str, time_zone: str) -> datetime:
    """A date with or without a time, in this time zone unless it names another. A day on which something
    ends belongs to it. Raises Invalid(kind)."""
    if match := _iso.fullmatch(text):
        year, month, day, *clock, offset = match.groups()
    elif match := _dotted.fullmatch(text):
        day, month, year, *clock, offset = match.groups()
    else:
        raise Invalid(kind, f"Write a date as year, month and day, {_LIKE}.")
    hour, minute, second = (int(part or 0) for part in clock)
    try:
        naive = datetime(int(year), int(month), int(day), hour, minute, second)  # noqa: DTZ001
    except ValueError:
        raise Invalid(kind, f"There is no such day or time. Write it {_LIKE}.") from None
    if clock[0] is None and kind == "valid_until":
        naive = datetime.combine(naive, time(23, 59, 59))
    if offset:
        return _with_offset(kind, naive, offset)
    zone = ZoneInfo(time_zone)
    found = naive.replace(tzinfo=zone)
    if not 1 < naive.year < 9999:
        raise Invalid(kind, "Choose a date between the years 2021 and 2050.")
    if found.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise Invalid(
            kind, f"This hour is left out in {time_zone}, where clocks are put forward. Choose another."
        )
    return found


def _with_offset(kind: str, naive: datetime, offset: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{naive.isoformat()}{'+00:00' if offset == 'Z' else offset}")
    except ValueError:
        raise Invalid(kind, f"There is no such day or time. Write it {_LIKE}.") from None
