"""Taking statements, formats and codings apart without the engine."""

import gzip

import pytest

from deploy.clickhouse.compression import choose, decode, encoder
from deploy.clickhouse.config import Config
from deploy.clickhouse.errors import ClickHouseError
from deploy.clickhouse.formats import Joiner, has_header, is_streamable
from deploy.clickhouse.statement import parse


@pytest.mark.parametrize(
    ("text", "head", "name", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02", b"INSERT INTO t ", "Native", b"\x01\x02"),
        (b"insert into t (a, b) format CSV ;\r\n1,2", b"insert into t (a, b) ", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT RowBinary \n", b"INSERT INTO t ", "RowBinary", b""),
        (
            b"/* x */ INSERT INTO t (`format`) VALUES (1)",
            b"/* x */ INSERT INTO t (`format`) ",
            "Values",
            b" (1)",
        ),
        (
            b"INSERT INTO t SETTINGS a = 'FORMAT x' FORMAT TSV\nFORMAT",
            b"INSERT INTO t SETTINGS a = 'FORMAT x' ",
            "TSV",
            b"FORMAT",
        ),
        (b"INSERT INTO t -- FORMAT CSV\nVALUES(1)", b"INSERT INTO t -- FORMAT CSV\n", "Values", b"(1)"),
    ],
)
def test_inserts_with_data(text, head, name, data):
    found = parse(text)
    assert (found.text, found.data_format, found.data, found.takes_data) == (head, name, data, True)


@pytest.mark.parametrize(
    ("text", "streamed", "name"),
    [
        (b"SELECT 1", True, ""),
        (b"select 'FORMAT CSV'", True, ""),
        (b"SELECT format FROM t", True, ""),
        (b"SELECT 1 FORMAT JSON", True, "JSON"),
        (b"SELECT 1 FORMAT JSON;", True, "JSON"),
        (b"SELECT 1 FORMAT Native SETTINGS a = 1", True, "Native"),
        (b"-- hello\nWITH 1 AS x SELECT x", True, ""),
        (b"(SELECT 1) UNION ALL SELECT 2", True, ""),
        (b"SELECT k, count() FROM t GROUP BY k WITH TOTALS", False, ""),
        (b"SHOW TABLES FORMAT CSV", False, "CSV"),
        (b"INSERT INTO t SELECT 1", False, ""),
        (b"CREATE TABLE t (a UInt8) ENGINE = Memory", False, ""),
    ],
)
def test_queries(text, streamed, name):
    found = parse(text)
    assert (found.text, found.streamed, found.output_format, found.takes_data) == (
        text,
        streamed,
        name,
        False,
    )


@pytest.mark.parametrize("text", [b"", b"  \n", b"-- only a comment", b"SELECT 1; SELECT 2"])
def test_what_is_not_one_statement(text):
    with pytest.raises(ClickHouseError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.status) == (62, 400)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT file('x')",
        b"SELECT FILE ('x')",
        b"SELECT `file` /**/ -- y\n ('x')",
        b'SELECT "\\x66ile"(1)',
        b"SELECT * FROM python(x)",
        b"SELECT 1 INTO /* a */ OUTFILE 'x'",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t VALUES (file('x'))",
        b"CREATE DATABASE d ENGINE /**/ = `MySQL`('x')",
    ],
)
def test_what_reaches_outside_is_refused(text):
    with pytest.raises(ClickHouseError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.status) == (497, 403)


def test_data_of_an_insert_is_not_searched():
    assert parse(b"INSERT INTO t FORMAT CSV\nfile('x'),OUTFILE").takes_data


@pytest.mark.parametrize(
    "name", ["Native", "CSV", "TSVWithNames", "JSONCompactEachRowWithNamesAndTypes", "RowBinary"]
)
def test_streamable_formats(name):
    assert is_streamable(name)
    assert has_header(name) == ("With" in name)


@pytest.mark.parametrize("name", ["JSON", "Parquet", "Pretty", "Values", "XML", "Arrow", "Nothing"])
def test_framed_formats_are_not_joined(name):
    assert not is_streamable(name)


def test_a_header_comes_once():
    joiner = Joiner("CSVWithNames")
    assert joiner.add(b'"a\nb","c"\n1,2\n') + joiner.add(b'"a\nb","c"\n3,4\n') == b'"a\nb","c"\n1,2\n3,4\n'
    joiner = Joiner("RowBinaryWithNamesAndTypes")
    head = b"\x01\x01n\x05UInt8"
    assert joiner.add(head + b"\x07") + joiner.add(head + b"\x08") == head + b"\x07\x08"


@pytest.mark.parametrize("coding", ["lz4", "zstd", "gzip", "deflate"])
def test_codings_keep_every_piece(coding):
    assert choose(f"br, {coding};q=0.5") == coding
    made = encoder(coding)
    data = made.encode(b"one ") + made.encode(b"two ") + made.finish()
    assert b"".join(decode(iter([data]), coding)) == b"one two "
    assert b"".join(decode((bytes([byte]) for byte in data), coding)) == b"one two "
    for bad in (data[:-1], b"nonsense, certainly", data[:4]):
        with pytest.raises(ClickHouseError) as caught:
            list(decode(iter([bad]), coding))
        assert caught.value.code == 354


def test_a_bomb_comes_out_in_pieces():
    bomb = gzip.compress(bytes(64 << 20))
    assert max(len(piece) for piece in decode(iter([bomb]), "gzip")) <= 1 << 20
    assert sum(len(piece) for piece in decode(iter([bomb * 2]), "gzip")) == 128 << 20


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"SCANWAY_CLICKHOUSE_BIND": "18123"}, "SCANWAY_CLICKHOUSE_BIND must be"),
        ({"SCANWAY_CLICKHOUSE_BIND": "0.0.0.0:1"}, "set SCANWAY_CLICKHOUSE_PASSWORD"),
        ({"SCANWAY_CLICKHOUSE_MAX_QUERIES": "0"}, "SCANWAY_CLICKHOUSE_MAX_QUERIES must be"),
        ({"SCANWAY_CLICKHOUSE_PASSWORD": "a", "SCANWAY_CLICKHOUSE_PASSWORD_FILE": "b"}, "Set either"),
        ({"SCANWAY_CLICKHOUSE_PASSWORD_FILE": "/nowhere/at/all"}, "cannot be read"),
    ],
)
def test_bad_settings_name_what_to_set(env, sentence):
    with pytest.raises(ValueError, match=sentence):
        Config.from_env(env)
