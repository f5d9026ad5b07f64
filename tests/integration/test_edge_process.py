"""The edge as it runs: granian, a real Valkey, a real spool."""

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
from edge_process import EdgeProcess, until
from msgspec import structs

from deploy.ports import free_port
from edge import native
from edge.record import BLOCKED, EPOCH_KEY, PAUSED, Record, encode, key


def link(destination, version=1, **fields):
    return Record(7, 11, f"https://example.com/{destination}", version=version, **fields)


@pytest.fixture
def valkey(valkey):
    valkey.publish("spring", link("spring"))
    return valkey


@pytest.fixture
def edge(valkey, tmp_path):
    process = EdgeProcess(tmp_path / "spool", valkey.url, SCANWAY_UNKNOWN_LIMIT="0")
    yield process
    if process.process.poll() is None:
        assert process.stop() == 0


def test_a_scan_is_redirected_and_recorded(edge):
    status, headers, body = edge.get(
        "/SPRING?utm_source=poster",
        User_Agent="phone",
        Accept_Language="de",
        Referer="https://r.example/",
        Cookie="a",
    )
    assert (status, headers["location"], body) == (302, "https://example.com/spring", b"")
    assert headers["cache-control"] == "private, no-store"
    (scan,) = edge.scans()
    assert (scan.workspace_id, scan.link_id, scan.link_version) == (7, 11, 1)
    assert (scan.reason, scan.status, scan.method, scan.code) == ("ok", 302, "GET", "spring")
    assert (scan.query, scan.ip, scan.user_agent) == ("utm_source=poster", "127.0.0.1", "phone")
    assert (scan.accept_language, scan.referer) == ("de", "https://r.example/")
    assert scan.host == f"127.0.0.1:{edge.port}"


@pytest.mark.skipif(not native.folder().is_dir(), reason="the edge is not compiled here")
def test_the_compiled_edge_and_the_one_in_python_answer_and_record_alike(valkey, tmp_path):
    def run(switch):
        edge = EdgeProcess(tmp_path / switch, valkey.url, SCANWAY_EDGE_NATIVE=switch)
        try:
            mapped = [str(native.folder()) in file.path for file in edge.workers()[0].memory_maps()]
            paths = ("/spring", "/spring?p=gate", "/SPRING+", "/nothing")
            answers = []
            for status, headers, body in map(edge.get, paths):
                del headers["date"]
                answers.append((status, headers, body.replace(b"%d" % edge.port, b"")))
        finally:
            assert edge.stop() == 0
        return (
            any(mapped),
            answers,
            [structs.replace(scan, event_id=b"", at=0, host="") for scan in edge.scans()],
        )

    compiled, *one = run("1")
    python, *other = run("0")
    assert (compiled, python) == (True, False)
    assert one == other
    assert [scan.reason for scan in one[1]] == ["ok", "ok", "preview", "unknown"]


def test_head_is_answered_like_get_without_a_body(edge):
    status, headers, body = edge.get("/spring", "HEAD")
    assert (status, headers["location"], body) == (302, "https://example.com/spring", b"")
    status, headers, body = edge.get("/nothing", "HEAD")
    assert (status, body) == (404, b"")
    assert [(scan.method, scan.reason) for scan in edge.scans()] == [("HEAD", "ok"), ("HEAD", "unknown")]


def test_other_methods_are_refused_and_not_recorded(edge):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
        status, headers, _ = edge.get("/spring", method)
        assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert edge.scans() == []


def test_an_edit_a_pause_and_a_block_reach_the_next_scan(edge, valkey):
    assert edge.location("spring") == "https://example.com/spring"
    valkey.publish("spring", link("summer", 2))
    until(lambda: edge.location("spring") == "https://example.com/summer", "the edit arrives", 4)
    valkey.publish("spring", link("summer", 3, state=PAUSED))
    until(lambda: edge.get("/spring")[0] == 200, "the pause arrives", 4)
    valkey.publish("spring", link("summer", 4, state=BLOCKED))
    until(lambda: edge.get("/spring")[0] == 403, "the block arrives", 4)
    assert edge.metric("scanway_edge_invalidations_total") == 3


def test_a_code_asked_for_before_it_existed_works_at_once(edge, valkey):
    assert edge.get("/autumn")[0] == 404
    valkey.publish("autumn", link("autumn"))
    until(lambda: edge.location("autumn") == "https://example.com/autumn", "the new link is heard of", 4)


def test_without_invalidation_an_entry_is_fetched_again_after_five_seconds(edge, valkey):
    assert edge.location("spring") == "https://example.com/spring"
    valkey.client.set(key("spring"), encode(link("silent", 2)))
    until(lambda: edge.location("spring") == "https://example.com/silent", "the refresh", 15)


def test_after_flushall_links_in_memory_work_and_others_are_unavailable_not_unknown(edge, valkey):
    valkey.publish("autumn", link("autumn"))
    assert edge.location("spring")
    valkey.client.flushall()
    status, headers, body = edge.get("/autumn", Accept_Language="fr")
    assert (status, headers["retry-after"]) == (503, "1")
    assert b'lang="fr"' in body
    assert edge.location("spring") == "https://example.com/spring"
    assert edge.get("/-/readyz")[0] == 503
    valkey.publish("autumn", link("autumn"))
    assert until(lambda: edge.location("autumn"), "a republished link works before the last one is there", 4)
    valkey.complete()
    assert edge.get("/nothing")[0] == 404
    assert edge.get("/-/readyz")[0] == 200
    assert "unavailable" in {scan.reason for scan in edge.scans()}


def test_while_valkey_is_away_memory_answers_and_misses_are_503(edge, valkey):
    assert edge.location("spring")
    valkey.kill()
    for _ in range(3):
        assert edge.location("spring") == "https://example.com/spring"
        assert edge.get("/autumn")[0] == 503
    assert edge.get("/-/readyz")[0] == 503
    assert edge.get("/-/healthz")[0] == 200
    valkey.start()
    valkey.publish("autumn", link("autumn"))
    valkey.complete()
    assert until(lambda: edge.location("autumn"), "Valkey is found again")
    assert edge.metric("scanway_edge_faults_total") == 0


def test_a_valkey_that_hangs_costs_a_miss_its_answer_not_the_process(edge, valkey):
    assert edge.location("spring")
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        assert edge.get("/autumn")[0] == 503
        assert edge.location("spring")
    finally:
        valkey.process.send_signal(signal.SIGCONT)


def test_a_damaged_record_is_unavailable_for_its_own_link_alone(edge, valkey):
    valkey.client.set(key("torn"), b"\x01garbage garbage")
    valkey.client.set(key("split"), encode(link("x\r\nset-cookie: a=b")))
    for code in ("torn", "split"):
        status, headers, _ = edge.get(f"/{code}")
        assert status == 503
        assert "set-cookie" not in headers
    assert edge.location("spring")
    assert edge.metric("scanway_edge_undecodable_records_total") == 2


def test_misses_share_questions(edge, valkey):
    names = [f"many{number}" for number in range(40)]
    for name in names:
        valkey.publish(name, link(name))
    threads = [threading.Thread(target=edge.location, args=(name,)) for name in names for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert edge.metric("scanway_edge_l1_entries") == 40
    assert edge.metric("scanway_edge_l1_misses_total") >= 40
    assert edge.metric("scanway_edge_batches_total") <= edge.metric("scanway_edge_l1_misses_total")


class Scanners:
    """Threads that scan without a pause and count the redirects they got."""

    def __init__(self, edge, number=4):
        self.edge, self.going, self.answered = edge, True, []
        self.threads = [threading.Thread(target=self.run, args=(index,)) for index in range(number)]
        for thread in self.threads:
            thread.start()

    def run(self, index):
        count = 0
        while self.going:
            count += 1
            try:
                if self.edge.get(f"/spring?n={index}-{count}")[0] == 302:
                    self.answered.append(f"n={index}-{count}")
            except (OSError, http.client.HTTPException):
                continue

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()


def test_kill_9_of_workers_loses_no_answered_scan_and_each_is_replaced(edge):
    scanners = Scanners(edge)
    for _ in range(3):
        before = len(scanners.answered)
        until(lambda before=before: len(scanners.answered) > before + 50, "scans are answered")
        (worker,) = edge.workers()
        worker.kill()
        until(
            lambda worker=worker: [child.pid for child in edge.workers()] not in ([], [worker.pid]),
            "the worker is replaced",
        )
    before = len(scanners.answered)
    until(lambda: len(scanners.answered) > before + 50, "the last worker answers")
    scanners.stop()
    recorded = [scan.query for scan in edge.scans()]
    assert set(scanners.answered) <= set(recorded)
    assert len(recorded) == len(set(recorded))
    assert edge.metric('scanway_edge_scans_total{reason="ok"}') == len(recorded)


def test_two_workers_killed_together_are_both_replaced(valkey, tmp_path):
    edge = EdgeProcess(tmp_path / "spool", valkey.url, SCANWAY_EDGE_WORKERS="2")
    old = {worker.pid for worker in edge.workers()}
    assert len(old) == 2
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len({worker.pid for worker in edge.workers()} - old) == 2, "both are replaced")
    assert until(lambda: _quietly(edge, "spring"), "they answer")
    assert edge.stop() == 0


def _quietly(edge, code):
    try:
        return edge.location(code)
    except OSError:
        return None


def test_sigterm_under_load_seals_every_answered_scan(edge):
    scanners = Scanners(edge)
    until(lambda: len(scanners.answered) > 200, "scans are answered")
    assert edge.stop() == 0
    scanners.stop()
    assert set(scanners.answered) <= {scan.query for scan in edge.scans("sealed")}
    assert list((edge.spool / "open").iterdir()) == []


def test_sigterm_while_it_starts_does_not_hang(valkey, tmp_path):
    for delay in (0.3, 0.6, 0.9):
        process = subprocess.Popen(
            [sys.executable, "-m", "edge.server"],
            stdout=subprocess.DEVNULL,
            env=os.environ
            | {"SCANWAY_SPOOL": str(tmp_path / "s"), "SCANWAY_EDGE_BIND": f"127.0.0.1:{free_port()}"},
        )
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def test_workers_leave_when_their_parent_is_killed(edge):
    workers = edge.workers()
    edge.process.kill()
    edge.process.wait()
    edge.process.stdout.close()
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert alive == []


def test_guessing_codes_is_slowed_and_printed_codes_are_not(valkey, tmp_path):
    edge = EdgeProcess(tmp_path / "spool", valkey.url, SCANWAY_UNKNOWN_LIMIT="5")
    answers = [edge.get(f"/guess{number}") for number in range(8)]
    assert [status for status, *_ in answers] == [404] * 5 + [429] * 3
    assert 1 <= int(answers[-1][1]["retry-after"]) <= 60
    assert edge.location("spring")
    assert len(edge.scans()) == 6
    assert edge.metric("scanway_edge_limited_total") == 3
    assert edge.stop() == 0


def test_the_client_behind_a_trusted_proxy_is_recorded(valkey, tmp_path):
    edge = EdgeProcess(tmp_path / "spool", valkey.url, SCANWAY_TRUSTED_PROXIES="127.0.0.0/8")
    edge.get("/spring", X_Forwarded_For="1.1.1.1, 198.51.100.7")
    assert [scan.ip for scan in edge.scans()] == ["198.51.100.7"]
    assert edge.stop() == 0


def test_robots_and_operators_have_their_own_paths(edge):
    assert edge.get("/robots.txt")[2] == b"User-agent: *\nDisallow: /\n"
    assert edge.get("/favicon.ico")[0] == 204
    assert edge.get("/", Accept_Language="es")[1]["content-language"] == "es"
    for path in ("/", "/robots.txt", "/-/healthz", "/-/nothing", "/-/", "/-", "/spring", "/nothing"):
        assert edge.get(path)[1]["x-robots-tag"] == "noindex"
    assert {scan.code for scan in edge.scans()} == {"spring", "nothing"}


def test_nothing_that_is_sent_makes_a_500_or_a_split_header_or_ends_the_worker(edge):
    chosen = random.Random(20260101)
    (worker,) = edge.workers()
    paths = [
        b"/spring%0d%0aset-cookie:a=b",
        b"/%0d%0a",
        b"/%00",
        b"/%ff%fe",
        b"/%ed%a0%80",
        b"//",
        b"/..",
        b"*",
    ]
    paths += [
        b"http://evil.example/spring",
        b"/spring?%0d%0aLocation:%20x",
        b"/" + b"a" * 9000,
        b"/%",
        b"/%C4%B0",
    ]
    paths += [bytes([47]) + chosen.randbytes(chosen.randrange(1, 60)) for _ in range(150)]
    methods = [b"GET", b"HEAD", b"POST", b"get", b"TRACE", b"CONNECT", b"OPTIONS", b"\xff", b"GET" * 200]
    for path in paths:
        lines = [chosen.choice(methods) + b" " + path + b" HTTP/1.1", b"Host: " + chosen.randbytes(5)]
        lines += [b"User-Agent: " + chosen.randbytes(30), b"Accept-Language: " + chosen.randbytes(30)]
        lines += [b"X-Forwarded-For: " + chosen.randbytes(20), b"Connection: close", b"", b""]
        for request in (
            b"\r\n".join(lines),
            b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ):
            answer = _exchange(edge.port, request)
            assert not answer.startswith((b"HTTP/1.1 500", b"HTTP/1.1 502"))
            head = answer.partition(b"\r\n\r\n")[0].lower()
            assert b"set-cookie" not in head
            assert b"evil.example" not in head
    assert [child.pid for child in edge.workers()] == [worker.pid]
    assert edge.metric("scanway_edge_faults_total") == 0
    assert edge.metric("scanway_edge_spool_dropped_total") == 0
    assert edge.location("spring")


def _exchange(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        received = b""
        try:
            sock.sendall(request)
            while chunk := sock.recv(65536):
                received += chunk
        except (ConnectionError, TimeoutError):
            pass
        return received


def test_readiness_says_what_is_missing(edge, valkey):
    valkey.client.delete(EPOCH_KEY)
    status, _, body = edge.get("/-/readyz")
    assert status == 503
    assert b"publishes all links again" in body


def test_a_second_edge_on_the_same_port_is_refused_with_a_sentence(edge, tmp_path):
    second = subprocess.run(
        [sys.executable, "-m", "edge.server"],
        env=os.environ
        | {"SCANWAY_SPOOL": str(tmp_path / "s"), "SCANWAY_EDGE_BIND": f"127.0.0.1:{edge.port}"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 1
    assert second.stderr.startswith(f"ERROR edge: 127.0.0.1:{edge.port} cannot be used")
    assert "Traceback" not in second.stderr


def test_a_bad_setting_ends_the_start_with_a_sentence():
    started = subprocess.run(
        [sys.executable, "-m", "edge.server"],
        env=os.environ | {"SCANWAY_EDGE_WORKERS": "many"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert started.returncode == 1
    assert started.stderr == "ERROR edge: SCANWAY_EDGE_WORKERS is “many”. Set a whole number from 1 to 256.\n"
