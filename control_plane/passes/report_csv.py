"""Tables of plain values, and how they are written so that no spreadsheet finds a formula in them. Pure."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

Cell = str | int | None
_formula = re.compile(r"\s*[=+\-@＝＋－＠|%\t\r\n]")


@dataclass(frozen=True, slots=True)
class Table:
    """numbers: which columns are counts, to be set to the right. more: how many rows there are that are not
    here. empty: what is said where there is none."""

    name: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    numbers: frozenset[int] = frozenset()
    more: int = 0
    empty: str = ""


def write_csv(table: Table) -> bytes:
    """One table, UTF-8 with the mark that spreadsheets look for. No cell is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([plain(column) for column in table.columns])
    writer.writerows([plain(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8-sig")


def write_zip(tables: Iterable[Table]) -> bytes:
    """A file each."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, table in enumerate(tables, 1):
            archive.writestr(f"{number:02}-{table.name}.csv", write_csv(table))
    return out.getvalue()


def plain(cell: Cell) -> str | int:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers are numbers."""
    if cell is None:
        return ""
    if isinstance(cell, str) and _formula.match(cell):
        return f"'{cell}"
    return cell
