"""ClickHouse's HTTP interface as curl and other plain clients use it."""

import gzip
import http.client
import json
import re
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import lz4.frame
import pytest
from backports import zstd
from clickhouse_server import PASSWORD, wait_until

AUTH = {"X-ClickHouse-User": "scanway", "X-ClickHouse-Key": PASSWORD}


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def code(self) -> int:
        return int(self.headers["X-ClickHouse-Exception-Code"] or 0)


@pytest.fixture
def ask(clickhouse_server):
    connection = http.client.HTTPConnection("127.0.0.1", clickhouse_server.port)

    def request(body=None, method="POST", headers=AUTH, path="/", **arguments) -> Answer:
        target = f"{path}?{urlencode(arguments)}" if arguments else path
        connection.request(method, target, body=body, headers=headers)
        return Answer(connection.getresponse())

    yield request
    connection.close()


def test_ping_and_root_need_no_query(ask):
    assert ask(method="GET", path="/ping", headers={}).body == b"Ok.\n"
    assert ask(method="GET").body == b"Ok.\n"
    assert ask(method="GET", path="/elsewhere").status == 404


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        (AUTH, {}),
        ({"Authorization": "Basic c2NhbndheTpjb3JyZWN0IGhvcnNl"}, {}),
        ({}, {"user": "scanway", "password": PASSWORD}),
    ],
    ids=["headers", "basic", "arguments"],
)
def test_every_way_to_give_a_password(ask, headers, arguments):
    assert ask("SELECT 1", headers=headers, **arguments).body == b"1\n"


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({}, {}),
        ({"X-ClickHouse-User": "scanway"}, {}),
        (AUTH | {"X-ClickHouse-Key": PASSWORD + "x"}, {}),
        ({"Authorization": "Basic !"}, {}),
        ({"Authorization": "Bearer x"}, {}),
        ({}, {"user": "default", "password": PASSWORD}),
        ({}, {"user": "scanway", "password": ""}),
    ],
)
def test_every_way_to_get_it_wrong(ask, headers, arguments):
    answer = ask("SELECT 1", headers=headers, **arguments)
    assert (answer.status, answer.code) == (403, 516)
    assert b"Authentication failed" in answer.body


@pytest.mark.parametrize("name", ["DataFrame", "CSV INTO OUTFILE 'x'", "", "Nothing"])
def test_odd_format_names(ask, name):
    assert ask("SELECT 1", default_format=name).code == (73 if name else 0)
    assert name == "" or ask(f"SELECT 1 FORMAT {name}").status in (400, 403, 404)
    assert ask("SELECT 1", default_format="JSONEachRow").body == b'{"1":1}\n'


def test_headers_of_an_answer(ask):
    answer = ask("SELECT 1 AS x FORMAT JSON", query_id="my-id", wait_end_of_query=1)
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-id"
    assert answer.headers["X-ClickHouse-Format"] == "JSON"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "1"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert json.loads(answer.body)["data"] == [{"x": 1}]


def test_get_only_reads(ask):
    assert ask(method="GET", query="SELECT 1").body == b"1\n"
    for sql in ("CREATE TABLE got (n UInt8) ENGINE = Memory", "DROP DATABASE scanway", "SET max_threads = 1"):
        answer = ask(method="GET", query=sql, readonly=0)
        assert answer.code in (0, 164)
    assert ask(method="GET", query="CREATE TABLE got (n UInt8) ENGINE = Memory").code == 164
    assert ask(method="GET", query="INSERT INTO got VALUES (1)").code in (60, 164)
    assert ask("EXISTS TABLE got").body == b"0\n"
    assert ask("EXISTS DATABASE scanway").body == b"1\n"


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("", 400, 62),
        ("SELEC 1", 400, 62),
        ("1", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("SELECT * FROM missing", 404, 60),
        ("SELECT 1 FORMAT Nothing", 404, 73),
        ("SELECT 1 SETTINGS nothing = 1", 404, 115),
        ("SELECT throwIf(1)", 500, 395),
        (
            "SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_execution_time = 1, max_block_size = 1",
            408,
            159,
        ),
    ],
)
def test_status_and_code_of_errors(ask, sql, status, code):
    answer = ask(sql)
    assert (answer.status, answer.code) == (status, code)
    assert not sql or re.match(
        rb"Code: %d\. DB::Exception: .+ \(version [\d.]+ \(official build\)\)\n" % code, answer.body, re.S
    )
    assert ask("SELECT 1").body == b"1\n"


def test_query_and_body_are_one_statement(ask):
    assert ask("2", query="SELECT 1 +").body == b"3\n"
    ask("CREATE OR REPLACE TABLE joined (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    assert ask("1\ta\n2\tb\n", query="INSERT INTO joined FORMAT TabSeparated").status == 200
    assert ask("INSERT INTO joined FORMAT CSV\n3,c\n").status == 200
    assert ask("(4, 'd')", query="INSERT INTO joined VALUES").status == 200
    assert ask(iter([b"5,", b"e\n6", b",f\n"]), query="INSERT INTO joined FORMAT CSV").status == 200
    assert ask("SELECT n, s FROM joined ORDER BY n").body == b"1\ta\n2\tb\n3\tc\n4\td\n5\te\n6\tf\n"
    refused = ask("7,g\nseven,h\n", query="INSERT INTO joined FORMAT CSV")
    assert (refused.status, refused.code) == (400, 27)
    assert ask("SELECT count() FROM joined").body == b"6\n"


def test_a_large_insert_that_fails_early_is_answered(ask):
    ask("CREATE OR REPLACE TABLE early (n UInt64) ENGINE = MergeTree ORDER BY n")
    for body in (b"wrong\n" + b"1\n" * 3_000_000, iter([b"wrong\n", *[b"1\n" * 100_000] * 30])):
        refused = ask(body, query="INSERT INTO early FORMAT CSV")
        assert refused.status == 400
        assert refused.code in (27, 117)
    assert ask("SELECT count() FROM early").body == b"0\n"


@pytest.mark.parametrize("chunked", [False, True])
def test_half_an_insert_is_no_insert(ask, clickhouse_server, chunked):
    ask("CREATE OR REPLACE TABLE half (n UInt64) ENGINE = MergeTree ORDER BY n")
    framing = (
        b"Transfer-Encoding: chunked\r\n\r\n6\r\n1\n2\n3\n\r\n"
        if chunked
        else b"Content-Length: 99\r\n\r\n1\n2\n3\n"
    )
    with socket.create_connection(("127.0.0.1", clickhouse_server.port)) as connection:
        connection.sendall(
            b"POST /?query=INSERT+INTO+half+FORMAT+CSV HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: scanway\r\n"
            b"X-ClickHouse-Key: %b\r\n%b" % (PASSWORD.encode(), framing)
        )
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert b"X-ClickHouse-Exception-Code: 33\r\n" in answer
    assert ask("SELECT count() FROM half").body == b"0\n"


ENCODE = {"gzip": gzip.compress, "deflate": zlib.compress, "lz4": lz4.frame.compress, "zstd": zstd.compress}
DECODE = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": zstd.decompress,
}


@pytest.mark.parametrize("coding", ENCODE)
def test_codings_both_ways(ask, coding):
    ask("CREATE OR REPLACE TABLE coded (n UInt64) ENGINE = MergeTree ORDER BY n")
    data = b"".join(b"%d\n" % n for n in range(300_000))
    sent = ask(
        ENCODE[coding](data),
        query="INSERT INTO coded FORMAT CSV",
        headers=AUTH | {"Content-Encoding": coding},
    )
    assert sent.status == 200
    answer = ask(
        "SELECT n FROM coded ORDER BY n FORMAT CSV",
        headers=AUTH | {"Accept-Encoding": coding},
        enable_http_compression=1,
    )
    assert answer.headers["Content-Encoding"] == coding
    assert DECODE[coding](answer.body) == data
    torn = ask(
        ENCODE[coding](data)[:-20],
        query="INSERT INTO coded FORMAT CSV",
        headers=AUTH | {"Content-Encoding": coding},
    )
    assert torn.code == 354
    assert ask("SELECT count() FROM coded").body == b"300000\n"


@pytest.mark.parametrize(
    "name",
    [
        "TSVWithNames",
        "TSVWithNamesAndTypes",
        "CSVWithNames",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
        "JSONCompactEachRowWithNamesAndTypes",
        "Native",
        "JSON",
        "Pretty",
    ],
)
def test_a_streamed_format_is_one_document(ask, name):
    sql = f'SELECT number AS n, toString(number) AS "a\nb" FROM numbers(%d) FORMAT {name}'
    large, small = ask(sql % 200_000), ask(sql % 3)
    assert large.status == small.status == 200
    head = small.body[:12]
    if name not in ("Native", "JSON", "Pretty"):
        assert large.body.count(head) == 1
    empty = ask(sql % 0)
    assert empty.status == 200
    assert (empty.body != b"") == (name not in ("Native", "Pretty"))


def test_an_error_in_the_middle_is_marked_and_the_body_stays_unfinished(clickhouse_server):
    with socket.create_connection(("127.0.0.1", clickhouse_server.port)) as connection:
        sql = b"SELECT number, throwIf(number = 900000, 'bad') FROM numbers(1000000)"
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: scanway\r\n"
            b"X-ClickHouse-Key: %b\r\nContent-Length: %d\r\n\r\n%b" % (PASSWORD.encode(), len(sql), sql)
        )
        raw = b""
        while piece := connection.recv(1 << 20):
            raw += piece
    assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
    tag = re.search(rb"X-ClickHouse-Exception-Tag: (\w{16})\r\n", raw)[1]
    assert re.search(
        rb"\r\n__exception__\r\n%b\r\nCode: 395\. .+\n\d+ %b\r\n__exception__\r\n" % (tag, tag), raw, re.S
    )
    assert not raw.endswith(b"0\r\n\r\n")


def test_a_large_result_is_streamed_in_bounded_memory(ask, clickhouse_server):
    ask("SELECT 1")
    before = clickhouse_server.memory()
    connection = http.client.HTTPConnection("127.0.0.1", clickhouse_server.port)
    connection.request("POST", "/", body="SELECT repeat('x', 500) FROM numbers(3000000)", headers=AUTH)
    response = connection.getresponse()
    size = peak = 0
    while piece := response.read(1 << 20):
        size += len(piece)
        peak = max(peak, clickhouse_server.memory())
    connection.close()
    assert size == 501 * 3_000_000
    # What is held is some blocks of 65 thousand rows, 33 MB each here, however many there are.
    assert peak - before < 600 << 20


def test_one_session_is_one_query_at_a_time(ask, clickhouse_server):
    assert ask("SELECT 1", session_id="busy", session_check=1).code == 372
    assert ask("SELECT 1", session_id="busy", session_timeout=99999).code == 374
    ask("SET max_block_size = 7", session_id="busy")
    assert ask("SELECT getSetting('max_block_size')", session_id="busy", session_check=1).body == b"7\n"
    other = http.client.HTTPConnection("127.0.0.1", clickhouse_server.port)
    slow = "SELECT sleepEachRow(1) AS slow FROM numbers(3) SETTINGS max_block_size = 1"
    other.request("POST", "/?session_id=busy", body=slow, headers=AUTH)
    wait_until(
        lambda: ask("SELECT count() FROM system.processes WHERE query LIKE '%AS slow%'").body == b"2\n"
    )
    assert ask("SELECT 1", session_id="busy").code == 373
    assert other.getresponse().read() == b"0\n0\n0\n"
    other.close()
    assert ask("SELECT getSetting('max_block_size')", session_id="busy").body == b"7\n"


def test_a_query_stops_when_its_client_hangs_up(ask, clickhouse_server):
    def get(sql: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", clickhouse_server.port)
        connection.request("GET", "/?" + urlencode({"query": sql}), headers=AUTH)
        return connection

    def running(name: str) -> int:
        found = ask(f"SELECT count() - 1 FROM system.processes WHERE query LIKE '%AS {name}%'")
        return int(found.body)

    # Another one is watched too, and its client stays: it must neither stop nor hold up the watch.
    stays = get("SELECT sum(sipHash64(number)) AS patient FROM numbers(1000000000000)")
    wait_until(lambda: running("patient") == 1)
    gone = get("SELECT sum(sipHash64(number)) AS endless FROM numbers(1000000000000)")
    wait_until(lambda: running("endless") == 1)
    gone.close()
    wait_until(lambda: running("endless") == 0)
    assert running("patient") == 1
    stays.close()
    wait_until(lambda: running("patient") == 0)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/etc/passwd')",
        "SELECT `file`('/etc/passwd')",
        "SELECT \"fi\\x6ce\"('/etc/passwd')",
        "SELECT file /* here */ ('/etc/passwd')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
        "SELECT * FROM remote('127.0.0.1:1', 'system.one')",
        "SELECT * FROM executable('ls', 'TSV', 'a String')",
        "SELECT * FROM Python(secret)",
        "SELECT * FROM default.`/etc/passwd`",
        "SELECT 1 INTO OUTFILE '/tmp/scanway-outfile'",
        "INSERT INTO x FROM INFILE '/etc/passwd' FORMAT CSV",
        "INSERT INTO FUNCTION file('/tmp/x.csv') SELECT 1",
        "INSERT INTO x VALUES (file('/etc/passwd'))",
        "CREATE TABLE x (a String) ENGINE = File(CSV)",
        "CREATE TABLE x (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
        "CREATE TABLE x (a String) ENGINE = ExecutablePool('x', 'CSV')",
        "CREATE DATABASE x ENGINE = Filesystem('/etc')",
        "CREATE DATABASE x ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c')",
        "CREATE DICTIONARY x (a UInt8) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'CSV'))",
        "CREATE TABLE x (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type='local', path='/')",
        "BACKUP TABLE x TO File('/tmp/x')",
        "CREATE USER x",
        "CREATE FUNCTION x AS () -> file('/etc/passwd')",
        "SYSTEM SHUTDOWN",
    ],
)
def test_nothing_outside_the_tables_can_be_reached(ask, sql):
    answer = ask(sql)
    assert answer.status >= 400, answer.body
    assert answer.code in (36, 497), answer.body
    assert b"root:" not in answer.body


def test_too_many_queries_at_once_are_refused_clearly(tmp_path):
    from clickhouse_server import ClickHouseServer

    server = ClickHouseServer(tmp_path / "data", SCANWAY_CLICKHOUSE_MAX_QUERIES="1").start()
    try:

        def ask(sql: str) -> Answer:
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("POST", "/", body=sql, headers=AUTH)
            answer = Answer(connection.getresponse())
            connection.close()
            return answer

        def slow() -> int:
            # Of two that arrive together either may be the one that is refused.
            while True:
                answer = ask("SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_block_size = 1")
                if answer.code != 202:
                    return answer.status

        def refused() -> bool:
            answer = ask("SELECT 1")
            return answer.code == 202 and b"Too many simultaneous queries" in answer.body

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(slow)
            wait_until(refused)
            assert first.result() == 200
    finally:
        assert server.stop() == 0
