"""`scanway up`: starting, stopping, crashing and recovering, with real processes."""

import os
import signal
import socket
import time
from collections.abc import Callable

import psutil
import psycopg
from stack import STOP_SECONDS, Stack

from deploy.home import read_assignments

PROCESSES = ("valkey", "postgres", "clickhouse", "edge", "ingest", "console", "worker")


def until(true: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_tells_how_to_sign_in_and_the_doctor_finds_nothing_wrong(stack: Stack) -> None:
    assert stack.email == "admin@example.com"
    assert len(stack.password) >= 15
    assert stack.console_url in stack.log()
    assert stack.short_url in stack.log()
    until(lambda: stack.cli("doctor").returncode == 0 or "127.0.0.1" in stack.cli("doctor").stdout, "doctor")
    report = stack.cli("doctor")
    wrong = [line for line in report.stdout.splitlines() if line.startswith("✗")]
    # Here the short URL is this machine on purpose; a phone could not open it, and the doctor says so.
    assert [line.split()[1] for line in wrong] == ["Short"], report.stdout


def test_a_second_up_on_the_same_folder_says_who_holds_it(stack: Stack) -> None:
    second = stack.second_up()
    assert second.returncode == 2
    assert f"already running on {stack.home} (process {stack.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert second.stderr.count("\n") == 1
    assert stack.process is not None and stack.process.poll() is None


def test_secrets_are_private_and_not_on_command_lines(stack: Stack) -> None:
    for name in ("secrets", "environment"):
        assert (stack.home / name).stat().st_mode & 0o077 == 0
    secrets = read_assignments(stack.home / "secrets")
    secrets.pop("HOME_ID")
    for process in stack.living():
        line = " ".join(process.cmdline())
        assert not [name for name, text in secrets.items() if text in line]
    assert not [name for name, text in secrets.items() if text in stack.log()]
    # The edge is what strangers reach: it knows neither the database nor the key that signs sessions.
    edge = stack.process_of("edge").environ()
    assert "SCANWAY_DATABASE_URL" not in edge
    assert "SCANWAY_SECRET_KEY" not in edge
    assert "SCANWAY_DATABASE_OWNER_URL" not in stack.process_of("console").environ()


def test_a_crashed_process_is_started_again(stack: Stack) -> None:
    for name in ("ingest", "valkey"):
        before = stack.process_of(name)
        before.kill()

        def came_back(name: str = name, old: int = before.pid) -> bool:
            try:
                return stack.process_of(name).pid != old
            except (LookupError, psutil.Error):
                return False

        until(came_back, f"a new {name}")
        assert "ended with signal SIGKILL; starting it again in 0.2 s" in stack.log()
    until(lambda: answers(stack.ports["valkey"]), "Valkey's answer")


def test_it_stops_in_order_and_keeps_what_was_made(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack().start()
    began = time.monotonic()
    assert stack.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < STOP_SECONDS + 5  # the promise, and room for a loaded machine
    assert not stack.settle()
    assert "did not stop in time" not in stack.log()
    stack.start()
    assert "Password" not in stack.log()
    url = read_assignments(stack.home / "environment")["SCANWAY_DATABASE_OWNER_URL"]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM accounts_user").fetchone() == (1,)
    assert stack.stop() == 0


def test_kill_9_of_the_supervisor_leaves_no_orphan_and_the_next_start_recovers(
    new_stack: Callable[..., Stack],
) -> None:
    stack = new_stack().start()
    stack.kill()
    assert not stack.settle(30)
    stack.start()
    # At once this time: the next start meets processes that are still stopping, and waits for their end.
    left = psutil.Process(stack.pid).children(recursive=True)
    stack.kill()
    stack.start()
    assert not [
        process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]
    assert {stack.process_of(name).ppid() for name in PROCESSES} == {stack.pid}
    assert stack.stop() == 0
    assert not stack.settle()


def test_a_taken_port_is_one_sentence(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack()
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", stack.ports["console"]))
        taker.listen()
        result = stack.second_up()
    assert result.returncode == 2
    assert f"Port {stack.ports['console']} is taken by " in result.stderr
    assert f"(process {os.getpid()})" in result.stderr
    assert "the console" in result.stderr
    assert "SCANWAY_CONSOLE_BIND=" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not stack.settle(5)
