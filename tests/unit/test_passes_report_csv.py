"""CSV that no spreadsheet takes for formulas, whatever people called their gates."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.passes.report_csv import Table, plain, write_csv

STARTS = "=+-@|%\t\r\n＝＋－＠"
texts = st.text() | st.builds(lambda start, rest: start + rest, st.sampled_from(list(STARTS)), st.text())


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@given(st.lists(st.tuples(texts, st.integers(-999, 999), texts), max_size=5), texts)
def test_no_cell_is_a_formula_and_none_is_lost(rows, column):
    content = write_csv(Table("t", "T", "", (column, "b", "c"), list(rows)))
    assert content.startswith(b"\xef\xbb\xbf")
    found = read(content)
    assert len(found) == len(rows) + 1
    for row, (first, number, last) in zip(found[1:], rows, strict=True):
        for cell, text in ((row[0], first), (row[2], last)):
            assert cell in (text, f"'{text}")
            assert not cell.lstrip().startswith(tuple("=+-@"))
        assert row[1] == str(number)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1", "%0", "|x"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text):
    assert plain(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["North gate", "1 + 1", "a=b", "–", "12 %", "'quoted", -5, 0])
def test_what_is_no_formula_stays_as_it_is(cell):
    assert plain(cell) == cell
