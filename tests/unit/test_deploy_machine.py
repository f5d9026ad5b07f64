"""Ports, addresses and platforms."""

import os
import socket
import subprocess
import sys

import pytest

from deploy import ports
from deploy.engines.platform import problem
from deploy.errors import SetupError
from deploy.ports import Bind, free_port, lan_address, parse_bind, require_free


def test_a_taken_port_names_its_use_its_holder_and_its_variable() -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            with pytest.raises(SetupError) as caught:
                require_free(Bind(host, port), "the console", "SCANWAY_CONSOLE_BIND", "0.0.0.0:8001")
            assert str(caught.value).startswith(f"Port {port} is taken by ")
            assert f"(process {os.getpid()}); scanway needs it for the console." in str(caught.value)
            assert str(caught.value).endswith("SCANWAY_CONSOLE_BIND=0.0.0.0:8001")


def test_a_free_port_is_left_free() -> None:
    port = free_port()
    for _ in range(2):
        require_free(Bind("127.0.0.1", port), "a test", "X", "1")


def test_processes_never_choose_the_same_free_port() -> None:
    ask = "from deploy.ports import free_port; print(*(free_port() for _ in range(150))); input()"
    pipe = subprocess.PIPE
    others = [
        subprocess.Popen([sys.executable, "-c", ask], text=True, stdin=pipe, stdout=pipe) for _ in range(3)
    ]
    chosen = [free_port() for _ in range(150)]
    for other in others:
        assert other.stdout
        chosen += map(int, other.stdout.readline().split())
    for other in others:
        other.communicate("\n")
    assert len(chosen) == len(set(chosen)) == 600


def test_no_free_ports_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        monkeypatch.setattr(ports, "_PORTS", range(port, port + 1))
        monkeypatch.setattr(ports, "_block", iter(()))
        with pytest.raises(SetupError, match=f"No ports are left from {port} to {port}: end programs"):
            free_port()


def test_an_address_of_another_machine() -> None:
    with pytest.raises(SetupError, match=r"192.0.2.7 is not an address of this machine"):
        require_free(Bind("192.0.2.7", free_port()), "a test", "X", "1")


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("0.0.0.0:8080", Bind("0.0.0.0", 8080)),
        ("[::1]:80", Bind("::1", 80)),
        ("localhost:1", Bind("localhost", 1)),
    ],
)
def test_binds(text: str, bind: Bind) -> None:
    assert parse_bind(text, "X") == bind
    assert str(bind) == text


def test_the_lan_address_is_an_address() -> None:
    assert socket.inet_aton(lan_address())


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        (("Linux", "x86_64", ("glibc", "2.36")), ""),
        (("Linux", "aarch64", ("glibc", "2.28")), ""),
        (("Darwin", "arm64", ("", "")), ""),
        (("Linux", "x86_64", ("glibc", "2.17")), "glibc 2.17 (2.28 or newer is needed)"),
        (("Linux", "x86_64", ("", "")), "a Linux without glibc"),
        (("Linux", "riscv64", ("glibc", "2.40")), "Linux on riscv64"),
        (("Darwin", "x86_64", ("", "")), "macOS on x86_64"),
        (("Windows", "AMD64", ("", "")), "Windows"),
    ],
)
def test_where_engines_can_be_embedded(machine: tuple[str, str, tuple[str, str]], found: str) -> None:
    assert problem(*machine) == found
