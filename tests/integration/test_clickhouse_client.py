"""The unmodified clickhouse-connect against `scanway clickhouse`."""

import asyncio
import datetime
import decimal
import threading
import uuid

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_server import PASSWORD

# The client gives UTC times without a zone.
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def settings(clickhouse_server):
    return {
        "host": "127.0.0.1",
        "port": clickhouse_server.port,
        "username": "scanway",
        "password": PASSWORD,
        "autogenerate_session_id": False,
    }


@pytest.fixture(scope="module")
def database(settings):
    name = f"client_{uuid.uuid4().hex[:8]}"
    with clickhouse_connect.get_client(**settings) as client:
        client.command(f"CREATE DATABASE {name}")
    return name


@pytest.fixture(params=[True, False, "lz4", "zstd", "gzip"], ids=str)
def any_client(settings, database, request):
    with clickhouse_connect.get_client(**settings, database=database, compress=request.param) as client:
        yield client


@pytest.fixture
def client(settings, database):
    with clickhouse_connect.get_client(**settings, database=database) as client:
        yield client


def test_native_inserts_come_back_with_each_coding(any_client):
    client = any_client
    client.command("DROP TABLE IF EXISTS kinds")
    client.command(
        "CREATE TABLE kinds (id UUID, n UInt64, s String, l LowCardinality(String), d DateTime64(6, 'UTC'), "
        "day Date, f Float64, m Decimal(18, 4), a Array(String), t Tuple(UInt8, String), "
        "o Nullable(Int32), e Map(String, UInt64), b Bool) ENGINE = MergeTree ORDER BY n"
    )
    rows = [
        [
            uuid.UUID(int=n),
            2**63 + n,
            "naïve 漢字 \t\n'\"\\",
            "twice",
            NOON.replace(microsecond=n),
            datetime.date(2026, 3, 1),
            n / 3,
            decimal.Decimal("12.3456"),
            ["a", ""],
            (n % 256, "x"),
            None if n % 2 else -n,
            {"k": n},
            n % 2 == 0,
        ]
        for n in range(1000)
    ]
    client.insert("kinds", rows)
    back = client.query("SELECT * FROM kinds ORDER BY n").result_rows
    assert [list(row) for row in back] == rows


def test_parameters_of_all_types_are_bound_and_not_spliced(client):
    hostile = "'; DROP TABLE x; -- \\ \t\n{n:UInt8}"
    row = client.query(
        "SELECT {s:String}, {n:UInt64}, {i:Int64}, {f:Float64}, {a:Array(String)}, {ids:Array(UInt64)}, "
        "{d:Date}, {t:DateTime('UTC')}, {u:UUID}, {o:Nullable(String)}, {b:Bool}, {e:String}",
        parameters={
            "s": hostile,
            "n": 2**64 - 1,
            "i": -5,
            "f": 0.5,
            "a": [hostile, ""],
            "ids": [1, 2],
            "d": datetime.date(2026, 3, 1),
            "t": datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC),
            "u": uuid.UUID(int=7),
            "o": None,
            "b": True,
            "e": "",
        },
    ).result_rows[0]
    assert row == (
        hostile,
        2**64 - 1,
        -5,
        0.5,
        [hostile, ""],
        [1, 2],
        datetime.date(2026, 3, 1),
        NOON,
        uuid.UUID(int=7),
        None,
        True,
        "",
    )
    assert client.query("SELECT * FROM system.{t:Identifier}", parameters={"t": "one"}).result_rows == [(0,)]


def test_commands_return_what_the_client_expects(client):
    assert client.ping()
    assert client.command("SELECT 42") == 42
    assert client.command("EXISTS TABLE nothing_here") == 0
    assert client.command("SHOW TABLES LIKE 'nothing_here'") == ""
    assert "query_id" in client.command("CREATE TABLE IF NOT EXISTS made (n UInt8) ENGINE = Memory").summary
    assert client.query("SELECT number FROM system.numbers LIMIT 0").column_names == ("number",)
    assert client.query("DESCRIBE TABLE made").first_row[:2] == ("n", "UInt8")
    assert client.server_version.startswith("26.")


def test_a_setting_reaches_its_query_and_not_the_next(client):
    asked = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    before = client.command(asked)
    assert client.query(asked, settings={"max_block_size": 77}).first_item == {"value": "77"}
    assert client.command(asked) == before
    assert client.query("SELECT getSetting('max_threads') AS t", settings={"max_threads": 1}).first_row == (
        1,
    )


def test_a_session_keeps_settings_and_temporary_tables_to_itself(settings, database):
    here, there = uuid.uuid4().hex, uuid.uuid4().hex
    with (
        clickhouse_connect.get_client(**settings, session_id=here) as one,
        clickhouse_connect.get_client(**settings, session_id=there) as two,
    ):
        one.command("SET max_block_size = 99")
        one.command("CREATE TEMPORARY TABLE mine (n UInt8)")
        one.insert("mine", [[3]], column_names=["n"], database="", column_type_names=["UInt8"])
        assert one.query("SELECT n FROM mine", settings={"max_block_size": 5}).result_rows == [(3,)]
        assert one.command("SELECT getSetting('max_block_size')") == 99
        assert two.command("SELECT getSetting('max_block_size')") != 99
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            two.query("SELECT n FROM mine")


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT * FROM not_there", 60, "UNKNOWN_TABLE"),
        ("SELECT no_column FROM system.one", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT no_such_function(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1 SETTINGS not_a_setting = 1", 115, "UNKNOWN_SETTING"),
        ("SELECT throwIf(number = 3) FROM numbers(10)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT {missing:UInt8}", 456, "UNKNOWN_QUERY_PARAMETER"),
    ],
)
def test_errors_carry_their_code_and_name(client, sql, code, name):
    with pytest.raises(DatabaseError) as caught:
        client.query(sql)
    assert (caught.value.code, caught.value.name) == (code, name)
    with pytest.raises(DatabaseError) as caught:
        client.command(sql)
    assert caught.value.code == code


def test_a_wrong_password_is_refused(settings):
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(**settings | {"password": "wrong"})
    assert caught.value.code == 516


def test_an_error_in_the_middle_of_a_stream_is_an_error(any_client):
    sql = "SELECT number, throwIf(number = 900000, 'value is bad') FROM numbers(1000000)"
    with pytest.raises(StreamFailureError, match="value is bad"), any_client.query_rows_stream(sql) as rows:
        for _ in rows:
            pass


def test_a_million_rows_stream(any_client):
    total = 0
    with any_client.query_rows_stream("SELECT number, toString(number) FROM numbers(1000000)") as rows:
        for number, text in rows:
            total += number + len(text)
    assert total == 499_999_500_000 + 5_888_890


def test_eight_threads_do_not_disturb_each_other(client):
    client.command("CREATE TABLE IF NOT EXISTS shared (t UInt8, n UInt64) ENGINE = MergeTree ORDER BY (t, n)")
    failures = []

    def work(thread: int) -> None:
        try:
            for turn in range(15):
                client.insert("shared", [[thread, turn]], column_names=["t", "n"])
                found = client.query(
                    "SELECT count(), getSetting('max_block_size') FROM shared WHERE t = {t:UInt8}",
                    parameters={"t": thread},
                    settings={"max_block_size": 1000 + thread},
                ).first_row
                assert found == (turn + 1, 1000 + thread)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_raw_queries_inserts_and_external_tables(client):
    client.command("CREATE OR REPLACE TABLE raw (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    client.raw_insert("raw", ["n", "s"], b'1,"one"\n2,"two"\n', fmt="CSV")
    assert client.raw_query("SELECT * FROM raw ORDER BY n", fmt="JSONEachRow") == (
        b'{"n":1,"s":"one"}\n{"n":2,"s":"two"}\n'
    )
    outside = ExternalData(data=b"2\n3\n", file_name="wanted", fmt="CSV", structure=["n UInt64"])
    assert client.query(
        "SELECT s FROM raw WHERE n IN (SELECT n FROM wanted)", external_data=outside
    ).result_rows == [("two",)]
    client.command("INSERT INTO raw SELECT number, 'many' FROM numbers(5)")
    client.command("INSERT INTO raw VALUES (9, upper('nine')), (10, 'a;b')")
    client.command(
        "INSERT INTO raw (n, s) VALUES ({n:UInt64}, {s:String})", parameters={"n": 11, "s": "it's"}
    )
    assert client.query("SELECT s FROM raw WHERE n >= 9 ORDER BY n").result_columns == [
        ["NINE", "a;b", "it's"]
    ]


async def test_the_async_client(settings, database):
    client = await clickhouse_connect.get_async_client(**settings, database=database)
    try:
        await client.command("CREATE TABLE IF NOT EXISTS later (n UInt64) ENGINE = MergeTree ORDER BY n")
        await client.insert("later", [[n] for n in range(10)], column_names=["n"])
        results = await asyncio.gather(
            *(client.query("SELECT sum(n) + {x:UInt64} FROM later", parameters={"x": x}) for x in range(8))
        )
        assert [result.first_row[0] for result in results] == [45 + x for x in range(8)]
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            await client.query("SELECT * FROM not_there")
    finally:
        await client.close()
