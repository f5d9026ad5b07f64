"""Starting, stopping and killing `scanway clickhouse`."""

import random
import signal
import socket
import subprocess
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import clickhouse_connect
import pytest
from clickhouse_server import PASSWORD, ClickHouseServer, fresh_database

from analytics.schema.migrate import migrate
from analytics.schema.server import Server, connect
from analytics.verify import verify

TOKENED = {
    "async_insert": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_threads": 1,
}


def refusal(server: ClickHouseServer) -> str:
    """What a start that must fail says."""
    process = server.spawn()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    return lines[0]


def test_it_keeps_its_data_and_stops_cleanly(tmp_path):
    server = ClickHouseServer(tmp_path / "data").start()
    url = server.url("kept")
    assert migrate(url)
    assert server.stop() == 0
    server.start()
    assert migrate(url) == []
    assert server.signal(signal.SIGINT) == 0


def test_a_second_process_on_the_folder_is_refused(clickhouse_server):
    message = refusal(ClickHouseServer(clickhouse_server.folder))
    assert message.startswith("ERROR clickhouse: Another scanway clickhouse is running on ")


def test_a_taken_port_is_named(tmp_path):
    server = ClickHouseServer(tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        assert f"Port {server.port} on 127.0.0.1 is taken by another program" in refusal(server)


def test_somebody_elses_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.odt").write_text("precious")
    assert "holds thesis.odt, which is not ClickHouse's" in refusal(ClickHouseServer(tmp_path))


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "data").write_text("")
    assert "is not a folder" in refusal(ClickHouseServer(tmp_path / "data"))


@pytest.mark.parametrize(
    "made", [["scanway.lock"], ["scanway.lock", "server/", "tmp/", "metadata/", "store/"]]
)
def test_a_half_made_folder_is_finished(tmp_path, made):
    for name in made:
        if name.endswith("/"):
            (tmp_path / name).mkdir()
        else:
            (tmp_path / name).touch()
    server = ClickHouseServer(tmp_path).start()
    assert migrate(server.url("scanway"))
    assert server.stop() == 0


def test_a_read_only_folder_is_named(tmp_path):
    # A path below a file system that nobody can write to, root included.
    message = refusal(ClickHouseServer(tmp_path, SCANWAY_CLICKHOUSE_PATH="/proc/scanway"))
    assert "The folder /proc/scanway cannot be written" in message


def test_an_open_door_without_a_password_is_refused(tmp_path):
    server = ClickHouseServer(tmp_path, SCANWAY_CLICKHOUSE_BIND="0.0.0.0:1", SCANWAY_CLICKHOUSE_PASSWORD="")
    assert "set SCANWAY_CLICKHOUSE_PASSWORD" in refusal(server)


def test_the_password_may_be_in_a_file(tmp_path):
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    server = ClickHouseServer(
        tmp_path / "data",
        SCANWAY_CLICKHOUSE_PASSWORD="",
        SCANWAY_CLICKHOUSE_PASSWORD_FILE=str(tmp_path / "password"),
    ).start()
    assert migrate(server.url("scanway"))
    assert server.stop() == 0


def test_a_running_query_is_finished_before_the_end(tmp_path):
    server = ClickHouseServer(tmp_path / "data").start()
    found = []
    client = connect(Server.from_url(server.url("scanway")))
    asking = threading.Thread(
        target=lambda: found.append(
            client.command("SELECT sum(sleepEachRow(0.5)) + 7 FROM numbers(2) SETTINGS max_block_size = 1")
        )
    )
    asking.start()
    watcher = connect(Server.from_url(server.url("scanway")))
    while watcher.command("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.5)%'") < 2:
        pass
    assert server.stop() == 0
    asking.join()
    assert found == [7]


def test_an_endless_query_does_not_hold_up_the_end(tmp_path):
    server = ClickHouseServer(tmp_path / "data").start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        sql = b"SELECT sum(sipHash64(number)) AS endless FROM numbers(1000000000000)"
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: scanway\r\n"
            b"X-ClickHouse-Key: %b\r\nContent-Length: %d\r\n\r\n%b" % (PASSWORD.encode(), len(sql), sql)
        )
        watcher = connect(Server.from_url(server.url("scanway")))
        while watcher.command("SELECT count() FROM system.processes WHERE query LIKE '%AS endless%'") < 2:
            pass
        assert server.stop() == 0


def test_kill_during_inserts_loses_and_doubles_nothing(tmp_path):
    """Segments are sent with a token each, and sent again until acknowledged, while the server is killed."""
    server = ClickHouseServer(tmp_path / "data").start()
    url = fresh_database(server.url("scanway"))
    migrate(url)
    random.seed(7)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    segments = {
        f"segment-{number}": [
            [
                uuid.uuid4(),
                f"segment-{number}",
                start + timedelta(seconds=number * 60 + row),
                1,
                row % 5,
                row,
                row % 2,
            ]
            for row in range(2000)
        ]
        for number in range(40)
    }
    columns = ["event_id", "chunk_id", "at", "workspace_id", "link_id", "visitor_id", "is_bot"]
    acknowledged, unknown = [], 0
    stop = threading.Event()

    def send(token: str) -> None:
        nonlocal unknown
        while not stop.is_set():
            try:
                client = connect(Server.from_url(url))
                client.insert(
                    "events",
                    segments[token],
                    column_names=columns,
                    settings=TOKENED | {"insert_deduplication_token": token},
                )
            except (clickhouse_connect.driver.exceptions.Error, OSError):
                unknown += 1
                time.sleep(0.05)
            else:
                acknowledged.append(token)
                return

    def send_all() -> None:
        for token in segments:
            send(token)

    sending = threading.Thread(target=send_all)
    sending.start()
    try:
        for _ in range(3):
            goal = len(acknowledged) + 5
            while len(acknowledged) < goal and sending.is_alive():
                time.sleep(random.random() / 50)
            server.kill()
            server.start()
        sending.join(timeout=120)
    finally:
        stop.set()
        sending.join()
    assert len(acknowledged) == len(segments)
    # The kills did hit inserts: otherwise this shows nothing.
    assert unknown > 0
    # Every segment once more: a retry of what was acknowledged changes nothing.
    client = connect(Server.from_url(url))
    for token, rows in segments.items():
        client.insert(
            "events", rows, column_names=columns, settings=TOKENED | {"insert_deduplication_token": token}
        )
    report = verify(url)
    assert (report.rows, report.differing_days) == (80_000, [])
    assert server.stop() == 0


def test_the_folder_is_for_its_owner_only(tmp_path):
    server = ClickHouseServer(tmp_path / "data").start()
    assert server.stop() == 0
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    assert (
        subprocess.run(["grep", "-r", "-l", PASSWORD, str(tmp_path / "data")], capture_output=True).stdout
        == b""
    )
