"""Tables of holders as people and programs export them: what is read, and what is said of bad ones."""

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("console")
BASIC = "name,e-mail,plate\nAna,ana@example.com,b ab 1\n"
properties = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(data: bytes | str, time_zone: str = "Europe/Berlin", **program: Any) -> Any:
    from control_plane.passes import table
    from control_plane.passes.models import Program

    content = data.encode() if isinstance(data, str) else data
    return table.read(content, Program(name="Fair", time_zone=time_zone, **program))


def refused(data: bytes | str) -> str:
    from control_plane.passes.table import InvalidTable

    with pytest.raises(InvalidTable) as error:
        read(data)
    assert error.value.field == "file"
    return error.value.message


def only(data: str, **program: Any) -> Any:
    """The one row of a table."""
    found = read(data, **program)
    assert found.faults == []
    (row,) = found.rows
    return row


def fault(data: str, **program: Any) -> tuple[int, str, str]:
    """Line, column and sentence of the one thing that is wrong."""
    found = read(data, **program)
    (one,) = found.faults
    assert (found.bad, found.fault_count) == (1, 1)
    return one.line, one.column, one.sentence


# Any bytes, and what was written


@properties
@given(st.binary(max_size=400) | st.text(alphabet='ab",;\t\n\r \0é@.1-', max_size=200).map(str.encode))
@example(b"")
@example(b'"')
@example(b"\xff\xfe")
@example(b"\xff\xfea")
@example(b"\xef\xbb\xbf\xff")
@example(b"sep=")
@example(b"sep=;")
@example(b"sep=;\n")
@example(b"PK")
@example(b"a\n\x81")
@example(b"a,a\n1,2")
@example(b"valid until\n9999-12-31")
@example(b"valid until\n0001-01-01")
@example(b"valid until\n2030-01-31 24:00")
@example(b"valid until\n2030-01-31T10:00+99:99")
@example("valid until\n٢٠٣٠-01-01".encode())
def test_any_bytes_are_a_table_or_a_sentence(data: bytes) -> None:
    from control_plane.passes.table import InvalidTable

    for start in (b"", b"name,e-mail,valid until\n"):
        try:
            found = read(start + data)
        except InvalidTable as error:
            assert error.message.endswith(".")
            assert len(error.message) < 500
        else:
            assert found.count == found.bad + len(found.rows) > 0
            assert found.fault_count >= found.bad


plain = st.text(st.characters(codec="cp1252", categories=("L", "Nd", "P", "Zs")), max_size=30).map(
    lambda text: " ".join(text.split())
)
CODECS = ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"]


@properties
@given(
    rows=st.lists(st.tuples(plain, plain, plain).filter(any), min_size=1, max_size=8),
    codec=st.sampled_from(CODECS),
    separator=st.sampled_from([",", ";", "\t"]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_was_written_is_read_whatever_the_encoding_and_the_separator(
    rows: Any, codec: str, separator: str, ending: str, quoting: Any
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=ending, quoting=quoting)
    writer.writerows([("Name", "Seat", "Table")])
    writer.writerows(rows)
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    found = read(marks.get(codec, b"") + out.getvalue().encode(codec))
    assert found.faults == []
    assert found.separator == separator
    expected = []
    for name, *own in rows:
        fields = {label: text for label, text in zip(("Seat", "Table"), own, strict=True) if text}
        expected.append(({"name": name} if name else {}) | ({"fields": fields} if fields else {}))
    assert [row["holder"] for row in found.rows] == expected


def test_the_encoding_is_said_and_a_guess_is_called_one() -> None:
    rows = "name\nZoë Ångström\n"
    said = {
        rows.encode(): ("UTF-8", False),
        rows.encode("utf-8-sig"): ("UTF-8", False),
        rows.encode("utf-16"): ("UTF-16", False),
        rows.encode("cp1252"): ("Windows-1252", True),
    }
    for data, (encoding, is_guess) in said.items():
        found = read(data)
        assert (found.encoding, found.is_guess) == (encoding, is_guess)
        assert found.rows[0]["holder"] == {"name": "Zoë Ångström"}


# Columns


@pytest.mark.parametrize(
    ("heading", "kinds"),
    [
        ("Name,E-Mail,Phone,Plate", ["name", "email", "phone", "plate"]),
        ("EMAIL ADDRESS;Licence plate;full name", ["email", "plate", "name"]),
        ("Vorname\tNachname\tKennzeichen", ["first", "last", "plate"]),
        ("valid_from,Valid until,max uses,Seat", ["valid_from", "valid_until", "max_uses", "field"]),
        ('sep=;\n"Prénom";"E mail"', ["first", "email"]),
        ("name,,,", ["name"]),
    ],
)
def test_columns_are_known_in_any_case_order_and_by_their_synonyms(heading: str, kinds: list[str]) -> None:
    separator = max(";,\t", key=heading.count)
    found = read(heading + "\n" + separator.join(["1"] * len(kinds)) + "\n")
    assert [column.kind for column in found.columns] == kinds


def test_a_row_as_a_job_keeps_it() -> None:
    row = only(
        "first name;last name;e-mail;plate;valid from;valid until;entries;Seat\n"
        "Ana; Example ;ana@example.com;b ab 12;2030-06-01 18:00;2030-06-02;3;12 A\n"
    )
    assert row == {
        "holder": {
            "email": "ana@example.com",
            "plate": "B AB 12",
            "name": "Ana Example",
            "fields": {"Seat": "12 A"},
        },
        "valid_from": "2030-06-01T18:00:00+02:00",
        "valid_until": "2030-06-02T23:59:59+02:00",
        "max_uses": 3,
    }


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2030-01-31", "2030-01-31T00:00:00+01:00"),
        ("2030-1-31 8:05", "2030-01-31T08:05:00+01:00"),
        ("2030-01-31T18:00:09", "2030-01-31T18:00:09+01:00"),
        ("2030-01-31T18:00Z", "2030-01-31T18:00:00+00:00"),
        ("2030-01-31T18:00:00.000+05:30", "2030-01-31T18:00:00+05:30"),
        ("31.01.2030", "2030-01-31T00:00:00+01:00"),
        ("31.7.2030 18:00", "2030-07-31T18:00:00+02:00"),
    ],
)
def test_dates_are_in_the_programs_time_zone_unless_they_name_another(written: str, read_as: str) -> None:
    assert only(f"valid from\n{written}\n")["valid_from"] == read_as


def test_cells_may_hold_separators_quotation_marks_and_line_breaks() -> None:
    found = read('name,Note\n"Ana, ""the"" Example","first line\nsecond line"\nBen,\n,\n\nEve,x\n')
    assert [row["holder"].get("name") for row in found.rows] == ['Ana, "the" Example', "Ben", "Eve"]
    assert found.rows[0]["holder"]["fields"] == {"Note": "first line second line"}
    assert found.lines == [2, 4, 7]
    assert found.count == 3


# What is wrong with a row


@pytest.mark.parametrize(
    ("data", "line", "column", "sentence"),
    [
        ("E-Mail\nana at home\n", 2, "E-Mail", "This is no e-mail address."),
        ("name,from\nAna,01/02/2030\n", 2, "from", "Write a date as year, month and day, such as"),
        ("name,from\nAna,soon\n", 2, "from", "Write a date as year, month and day, such as"),
        ("name,from\nAna,2030-02-30\n", 2, "from", "There is no such day or time."),
        ("name,from\nAna,1999-01-01\n", 2, "from", "between the years 2021 and 2050"),
        ("name,from\nAna,2030-03-31 02:30\n", 2, "from", "clocks are put forward"),
        ("from,until\n2030-02-01,2030-01-01\n", 2, "until", "The end must come after the start."),
        ("name,uses\nAna,many\n", 2, "uses", "Write a whole number from 1 to 100,000."),
        ("name,uses\nAna,0\n", 2, "uses", "Write a whole number from 1 to 100,000."),
        (f"name\n{'x' * 121}\n", 2, "name", "Use at most 120 characters; this has 121."),
        (f"Seat\n{'x' * 201}\n", 2, "Seat", "Use at most 200 characters; this has 201."),
        ("name\nAna\n\nBe\x07n\n", 4, "name", "Leave out the control characters."),
        ("name,Seat\nAna,1,2\n", 2, "", "This line has 3 cells, but the heading 2"),
        (
            f"first name,last name\n{'x' * 80},{'y' * 80}\n",
            2,
            "",
            "Use at most 120 characters; this has 161.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(data: str, line: int, column: str, sentence: str) -> None:
    # Enough of good text around it: a file of little else than control characters is none.
    found = fault(data + "\n" * 200)
    assert found[:2] == (line, column)
    assert sentence in found[2]


def test_a_row_that_ends_before_the_program_starts() -> None:
    from datetime import UTC, datetime

    data = "name,valid until\nAna,2030-01-01\nBen,2030-12-01\n"
    found = read(data, starts_at=datetime(2030, 6, 1, tzinfo=UTC))
    assert [(one.line, one.column) for one in found.faults] == [(2, "valid until")]
    assert [row["holder"]["name"] for row in found.rows] == ["Ben"]


def test_all_that_is_wrong_in_a_row_is_said_and_the_others_are_good() -> None:
    found = read("name,e-mail,uses\nAna,x,y\nBen,ben@example.com,2\nEve,z,1\n")
    assert [(one.line, one.column, one.value) for one in found.faults] == [
        (2, "e-mail", "x"), (2, "uses", "y"), (4, "e-mail", "z"),
    ]  # fmt: skip
    assert (found.count, found.bad, len(found.rows)) == (3, 2, 1)


def test_what_is_there_twice_is_said_once_for_each_row_that_repeats() -> None:
    found = read(
        "name,e-mail,plate\nAna,ana@example.com,B AB 1\nBen,ANA@example.com,\nEve,,b-ab1\n"
        "Ana,ana@example.com,B AB 1\nAna,,\nAna,,\nIda,bad,B AB 1\n"
    )
    told = {index: (one.line, one.sentence) for index, one in found.repeats.items()}
    assert told == {
        1: (3, "The same e-mail address is in line 2."),
        2: (4, "The same plate is in line 2."),
        3: (5, "The same row is in line 2."),
        5: (7, "The same row is in line 6."),
    }
    # A name alone is nobody's own: there are two of them.
    assert 4 not in found.repeats


# What is wrong with a file


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This file is empty."),
        (b"\n \n,,,\n", "This file is empty."),
        (b"\xef\xbb\xbf", "This file is empty."),
        (b"name,e-mail\n", "has a heading and no rows below it"),
        (b"name,e-mail\n,\n\n", "has a heading and no rows below it"),
        (b"PK\x03\x04\x14\x00", "a spreadsheet or an archive, not a CSV file. In your spreadsheet choose"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "This is a spreadsheet, not a CSV file."),
        (b"%PDF-1.4\n", "This is a PDF"),
        (bytes(range(256)) * 4, "This is no text"),
        (bytes(range(1, 128)) * 4, "This is no text"),
        (b"name\nAna\nB\x00en\n", "Line 3 has NUL bytes"),
        ("name\nAna\n".encode("utf-16-le"), "has NUL bytes"),
        (b"\xff\xfe\x00\xd8\x00", "This file says that it is UTF-16, and is not."),
        (b'name\n"Ana\nBen\nEve', "Line 2: a cell in quotation marks is not closed"),
        (b'name\nAna\n"Ben" Example\n', "Line 3: a cell in quotation marks"),
        (b'name\n"' + b"x" * 140_000 + b'"\n', "is longer than 128 kB"),
        (b"name,Full name\nAna,Ana\n", "Two columns are the same: “name” and “Full name”."),
        (b"Seat,Seat\n1,2\n", "Two columns are the same"),
        (b"Ana,ana@example.com\nBen,ben@example.com\n", "The first line has to name the columns"),
        (b"name,,Seat\nAna,1,2\n", "Column 2 has no name"),
        (b"name," + b"x" * 41 + b"\nAna,1\n", "Give column 2 a plain name of at most 40 characters"),
        (b"a,b,c,d,e,f,g,h,i,j,k\n1\n", "takes 10 fields of your own; this file has 11"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    assert sentence in refused(data)


def test_too_many_rows_are_counted_and_the_file_is_to_be_split() -> None:
    said = refused(b"name,Seat\n" + b"".join(b"Ana,%d\n" % n for n in range(200_000)))
    assert said == "This file has 200,000 rows; one job takes 50,000. Split it into 4 files."
    assert read(b"Seat\n" + b"".join(b"%d\n" % n for n in range(50_000))).count == 50_000


def test_too_many_bytes() -> None:
    assert "This file is larger than 20 MB. Split it" in refused(b"name\n" + b"x" * 21 * 1024 * 1024)


def test_errors_of_a_hopeless_table_are_counted_and_not_all_kept() -> None:
    found = read("e-mail\n" + "x\n" * 12_000)
    assert (found.bad, found.fault_count, len(found.faults)) == (12_000, 12_000, 10_000)
