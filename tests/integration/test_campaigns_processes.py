"""The console and the worker as real processes: ready, at work, and stopped cleanly."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
import redis

from deploy.ports import free_port
from edge import record


def start(module, **environment):
    """The process, once it said that it is ready; it is killed at the end whatever happens."""
    code = f"from control_plane.{module} import {'serve as go' if module == 'server' else 'run as go'}; go()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: text for name, text in os.environ.items() if name != "SCANWAY_DATABASE_OWNER_URL"}
        | environment,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if line != "ready\n":
        process.kill()
        raise AssertionError(line + process.communicate()[1])
    return process


def stop(process):
    """Exit status and everything on stderr."""
    try:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        print(errors)
        return process.returncode, errors
    finally:
        process.kill()


def until(condition, seconds=10):
    for _ in range(seconds * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"It did not come true within {seconds} seconds.")


@pytest.fixture
def console_port(console):
    port = free_port()
    process = start("server", SCANWAY_CONSOLE_BIND=f"127.0.0.1:{port}")
    yield port
    assert stop(process)[0] == 0


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": "localhost"} | headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body.decode("utf-8", "replace")


def test_every_page_carries_the_browsers_guards(console_port):
    response, body = get(console_port, "/login/")
    assert response.status == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", body)


def test_other_hosts_are_refused(console_port):
    assert get(console_port, "/login/", Host="evil.example")[0].status == 400


def test_static_files_need_no_collecting(console_port):
    _, body = get(console_port, "/login/")
    paths = set(re.findall(r'"(/static/[^"]+)"', body))
    assert paths
    for path in paths:
        response, found = get(console_port, path)
        assert response.status == 200, path
        assert found
        assert "max-age" in response.headers["Cache-Control"]


def test_signing_up_is_closed(console_port):
    _, body = get(console_port, "/signup/")
    assert "<form" not in body or 'name="password1"' not in body


def test_the_console_stops_with_an_open_stream(tenant):
    from django.test import Client

    browser = Client()
    browser.force_login(tenant.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    port = free_port()
    process = start("server", SCANWAY_CONSOLE_BIND=f"127.0.0.1:{port}")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as stream:
            cookie = browser.cookies["sessionid"].value
            stream.sendall(
                f"GET /w/{tenant.slug}/live/ HTTP/1.1\r\nHost: localhost\r\n"
                f"Cookie: sessionid={cookie}\r\nAccept: text/event-stream\r\n\r\n".encode()
            )
            assert stream.recv(1000).startswith(b"HTTP/1.1 200")
            status, errors = stop(process)
    finally:
        process.kill()
    assert status == 0
    assert "Traceback" not in errors


def test_the_worker_copies_counters_and_mends_what_an_edge_reported(tenant, valkey_server):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link
    from control_plane.campaigns.services import create_link

    link = create_link(workspace_id=tenant.workspace_id, destination="https://example.com/", max_scans=100)

    def used():
        with workspace_scope(tenant.workspace_id):
            return Link.objects.get(id=link.pk).scans_used

    process = start("worker")
    try:
        with redis.Redis.from_url(valkey_server) as client:
            until(lambda: client.exists(record.EPOCH_KEY))
            # Twice: not only when it starts.
            for count in (7, 14):
                client.incrby(record.count_key(link.pk), 7)
                until(lambda count=count: used() == count, 30)
            client.set(record.key(link.code), b"\x01\xff")
            client.sadd(record.DAMAGED_KEY, link.code)
            until(lambda: len(client.get(record.key(link.code))) > record.HEAD_SIZE)
    finally:
        status, errors = stop(process)
    assert status == 0
    assert "Traceback" not in errors
    assert len(said(errors)) < 10


def test_the_worker_fills_an_emptied_valkey_and_stops_cleanly(tenant, valkey_server):
    from control_plane.campaigns.services import create_link

    link = create_link(workspace_id=tenant.workspace_id, destination="https://example.com/")
    process = start("worker")
    try:
        with redis.Redis.from_url(valkey_server) as client:
            until(lambda: client.exists(record.EPOCH_KEY))
            for _ in range(2):
                client.flushall()
                until(lambda: client.exists(record.EPOCH_KEY) and client.exists(record.key(link.code)))
    finally:
        status, errors = stop(process)
    assert status == 0
    assert "Traceback" not in errors
    # It says what it did, and does not talk each second.
    assert len(said(errors)) < 10


def said(errors: str) -> list[str]:
    """What a worker wrote, without the alerts of other tests' programs."""
    return [line for line in errors.splitlines() if not line.endswith(" alerts.")]


@pytest.mark.parametrize("module", ["server", "worker"])
def test_a_role_that_passes_the_wall_is_refused_at_start(console, module):
    code = f"from control_plane.{module} import {'serve as go' if module == 'server' else 'run as go'}; go()"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ
        | {
            "SCANWAY_DATABASE_URL": os.environ["SCANWAY_DATABASE_OWNER_URL"],
            "SCANWAY_CONSOLE_BIND": f"127.0.0.1:{free_port()}",
        },
    )
    assert found.returncode == 1
    assert "owns the tables" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_taken_port_is_one_sentence(console):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = subprocess.run(
            [sys.executable, "-c", "from control_plane.server import serve; serve()"],
            capture_output=True,
            text=True,
            timeout=90,
            env=os.environ | {"SCANWAY_CONSOLE_BIND": f"127.0.0.1:{port}"},
        )
    assert found.returncode == 1
    assert f"127.0.0.1:{port}" in found.stderr
    assert "Traceback" not in found.stderr
