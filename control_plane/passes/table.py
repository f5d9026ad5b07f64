"""A table that somebody exported (CSV) as rows of a job, or the sentences that say what is wrong with it.

Pure: bytes in, a `Table` out. What is wrong with the file as a whole is raised as InvalidTable; what is wrong
with a row is a `Fault` with its line, and the other rows are good all the same.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from control_plane.passes import holder as holders
from control_plane.passes import issuing, jobs, vault
from control_plane.passes.errors import Invalid
from control_plane.passes.job_rows import Row
from control_plane.passes.models import Program
from control_plane.passes.table_cells import IGNORED, OWN, meaning, own_value

MOST_BYTES: Final = 20 * 1024 * 1024
MOST_FAULTS: Final = 10_000
"""Kept; all of them are counted."""
SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}

_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
_FOREIGN: Final = (
    (b"PK\x03\x04", "a spreadsheet or an archive"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet"),
    (b"%PDF", "a PDF"),
)
_HOW: Final = "In your spreadsheet choose File, Save as (or Download), CSV UTF-8, and upload that file."
# Tab, line feed and carriage return are what text has; the rest is not typed by anybody.
_control = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FEW_CONTROLS: Final = 0.01
_heading = re.compile(r'\s*(?:"[^"]*"|[^"\r\n])*')
_quoted = re.compile(r'"[^"]*"')
_LONGEST_HEADING: Final = 65_536


class InvalidTable(Invalid):
    """This file cannot be read as a table; `message` says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("file", message)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong in a row. column: as the file calls it, or nothing for the row as a whole."""

    line: int
    column: str
    value: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and what it was taken for: a name of `table_cells`, or “field” for one of the operator's."""

    name: str
    kind: str


@dataclass(slots=True)
class Table:
    """What was read. repeats: index of a good row → why it may be there twice."""

    encoding: str
    is_guess: bool
    separator: str
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    count: int = 0
    bad: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    repeats: dict[int, Fault] = field(default_factory=dict)


def too_large() -> InvalidTable:
    """For a file of more than MOST_BYTES; how much more is not known, for nobody keeps the rest of it."""
    return InvalidTable(
        f"This file is larger than {MOST_BYTES // 1024**2} MB. Split it, or remove columns that passes "
        "do not need."
    )


def read(data: bytes, program: Program, **shared: Any) -> Table:
    """`shared`: valid_from, valid_until, max_uses of all rows that have none of their own. Dates are in the
    program's time zone. Raises InvalidTable."""
    text, encoding, is_guess = _decoded(data)
    if text[:5].lower() == "sep=" + text[4:5] and text[4:5] in SEPARATORS:
        # Excel's own way to name the separator.
        separator, text = text[4], "\n" + text[5:].lstrip("\r\n")
    else:
        separator = _separator(text)
    records = _records(text, separator)
    line, header = next(records, (0, []))
    if not header:
        raise InvalidTable("This file is empty. Upload a table whose first line names its columns.")
    table = Table(encoding, is_guess, separator, _columns(header))
    seen: dict[tuple[str, str], int] = {}
    for line, cells in records:
        table.count += 1
        if table.count > jobs.MOST:
            continue
        _add(table, line, cells, program, shared, seen)
    if not table.count:
        raise InvalidTable("This file has a heading and no rows below it. Add one row for each pass.")
    if table.count > jobs.MOST:
        parts = -(-table.count // jobs.MOST)
        raise InvalidTable(
            f"This file has {table.count:,} rows; one job takes {jobs.MOST:,}. Split it into {parts} files."
        )
    return table


def _add(
    table: Table,
    line: int,
    cells: list[str],
    program: Program,
    shared: dict[str, Any],
    seen: dict[tuple[str, str], int],
) -> None:
    row, faults = _row(table.columns, line, cells, program, shared)
    if faults:
        table.bad += 1
        table.fault_count += len(faults)
        table.faults += faults[: max(0, MOST_FAULTS - len(table.faults))]
        return
    for name, key in _identities(row):
        if (first := seen.setdefault((name, key), line)) != line and len(table.rows) not in table.repeats:
            same = {"email": "The same e-mail address", "plate": "The same plate"}.get(name, "The same row")
            value = row["holder"].get(name, "")
            table.repeats[len(table.rows)] = Fault(line, name, value, f"{same} is in line {first}.")
    table.rows.append(row)
    table.lines.append(line)


def _row(
    columns: list[Column], line: int, cells: list[str], program: Program, shared: dict[str, Any]
) -> tuple[Row, list[Fault]]:
    """The row as a job keeps it, or what is wrong with it."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        said = f"This line has {len(cells)} cells, but the heading {len(columns)}: a separator too many?"
        return {}, [Fault(line, "", cells[len(columns)][:200], said)]
    texts = [(column, cell.strip()) for column, cell in zip(columns, cells, strict=False)]
    given = [(column, text) for column, text in texts if text and column.kind != IGNORED]
    faults: list[Fault] = []
    own: dict[str, Any] = {}
    for column, text in given:
        if column.kind in OWN:
            try:
                own[column.kind] = own_value(column.kind, text, program.time_zone)
            except Invalid as error:
                faults.append(Fault(line, column.name, text[:200], error.message))
    try:
        # All at once: one by one takes three times as long, and few rows need it.
        holder = holders.check_holder(_person(given))
    except Invalid as error:
        faults += _one_by_one(given, line) or [Fault(line, "", "", error.message)]
    if not faults:
        try:
            issuing.settings_of(program, {**shared, **own})
        except Invalid as error:
            faults.append(Fault(line, _called(columns, error.field), "", error.message))
    if faults:
        return {}, sorted(faults, key=lambda fault: _place(columns, fault.column))
    return {"holder": holder} | {name: jobs.written(value) for name, value in own.items()}, []


def _person(given: list[tuple[Column, str]]) -> dict[str, Any]:
    person: dict[str, Any] = {column.kind: text for column, text in given if column.kind in holders.KNOWN}
    parts = {column.kind: text for column, text in given if column.kind in ("first", "last")}
    if parts and "name" not in person:
        person["name"] = " ".join(parts[part] for part in ("first", "last") if part in parts)
    fields = {column.name: text for column, text in given if column.kind == "field"}
    return person | ({"fields": fields} if fields else {})


def _one_by_one(given: list[tuple[Column, str]], line: int) -> list[Fault]:
    """Which cells cannot be used, where the row as a whole cannot."""
    faults = []
    for column, text in given:
        if column.kind in holders.KNOWN or column.kind == "field":
            try:
                holders.check_holder(_person([(column, text)]))
            except Invalid as error:
                faults.append(Fault(line, column.name, text[:200], error.message))
    return faults


def _place(columns: list[Column], name: str) -> int:
    return next((index for index, column in enumerate(columns) if column.name == name), -1)


def _called(columns: list[Column], kind: str) -> str:
    return next((column.name for column in columns if column.kind == kind), "")


def _identities(row: Row) -> Iterator[tuple[str, str]]:
    """What is meant to be there once: the row as a whole, an e-mail address, a plate."""
    yield "", repr(row)
    if "email" in row["holder"]:
        yield "email", row["holder"]["email"].casefold()
    if "plate" in row["holder"]:
        yield "plate", "".join(vault.parts(row["holder"]["plate"]))


def _columns(header: list[str]) -> list[Column]:
    """Raises InvalidTable."""
    names = [" ".join(cell.split()) for cell in header]
    while names and not names[-1]:
        names.pop()
    columns = [Column(name, meaning(name) if name else IGNORED) for name in names]
    for index, column in enumerate(columns):
        if not column.name:
            raise InvalidTable(f"Column {index + 1} has no name in the first line. Name it, or remove it.")
        if "@" in column.name or column.name.isdecimal():
            raise InvalidTable(
                f"The first line has to name the columns, such as name, e-mail, plate; “{column.name[:40]}” "
                "looks like the content of one. Add such a line."
            )
        if len(column.name) > 40 or not column.name.isprintable():
            raise InvalidTable(
                f"Give column {index + 1} a plain name of at most 40 characters, not “{column.name[:40]}…”."
            )
        twin = next((one for one in columns[:index] if _same(one, column)), None)
        if twin is not None:
            raise InvalidTable(
                f"Two columns are the same: “{twin.name}” and “{column.name}”. Remove or rename one of them."
            )
    own = [column.name for column in columns if column.kind == "field"]
    if len(own) > holders.MOST_FIELDS:
        raise InvalidTable(
            f"A pass takes {holders.MOST_FIELDS} fields of your own; this file has {len(own)}: "
            f"{', '.join(own)[:200]}. Remove some columns."
        )
    return columns


def _same(one: Column, other: Column) -> bool:
    if one.kind == "field":
        return other.kind == "field" and one.name == other.name
    return one.kind == other.kind


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which it begins, and the cells, of each record that is not blank. Raises InvalidTable."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            said = (
                "is longer than 128 kB" if "limit" in str(error) else "is not closed, or goes on after it was"
            )
            raise InvalidTable(
                f"Line {line}: a cell in quotation marks {said}. Write a quotation mark within one twice."
            ) from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _separator(text: str) -> str:
    """The one that the heading has most of, outside of quotation marks."""
    heading = _heading.match(text[:_LONGEST_HEADING])
    bare = _quoted.sub("", heading[0] if heading else "")
    return max(SEPARATORS, key=bare.count)


def _decoded(data: bytes) -> tuple[str, str, bool]:
    """Text, encoding, and whether that is a guess. Raises InvalidTable."""
    if len(data) > MOST_BYTES:
        raise too_large()
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise InvalidTable(f"This is {what}, not a CSV file. {_HOW}")
    text, encoding, is_guess = _text(data)
    if (at := text.find("\x00")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise InvalidTable(f"Line {line} has NUL bytes, which text does not have. {_HOW}")
    if len(_control.findall(text)) > _FEW_CONTROLS * len(text):
        raise InvalidTable(f"This is no text, so it cannot be a table. {_HOW}")
    return text, encoding, is_guess


def _text(data: bytes) -> tuple[str, str, bool]:
    for mark, codec, name in _BOMS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(codec), name, False
            except UnicodeDecodeError:
                raise InvalidTable(f"This file says that it is {name}, and is not. {_HOW}") from None
    try:
        return data.decode("utf-8"), "UTF-8", False
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "Windows-1252", True
    except UnicodeDecodeError:
        raise InvalidTable(f"This is no text, so it cannot be a table. {_HOW}") from None
