"""Ports and addresses of this machine."""

import contextlib
import errno
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from deploy.errors import SetupError


@dataclass(frozen=True)
class Bind:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_port(text: str, variable: str) -> int:
    """Raises SetupError where this is not a port number."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SetupError(f"{variable} must be a port number from 1 to 65535; it is {text!r}.")
    return int(text)


def parse_bind(text: str, variable: str) -> Bind:
    """`host:port`, with an IPv6 host in brackets. Raises SetupError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise SetupError(f"{variable} must look like 0.0.0.0:8080; it is {text!r}.")
    return Bind(host.strip("[]"), parse_port(port, variable))


def holder(port: int) -> str:
    """`name (process 123)` of who listens on a port, or '' where this user may not know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, OSError):
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.Error:
                return f"process {connection.pid}"
    return ""


def require_free(bind: Bind, purpose: str, variable: str, example: str) -> None:
    """Raises SetupError where nobody else could listen there now."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.host, bind.port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                by = holder(bind.port)
                reason = f"is taken{f' by {by}' if by else ''}"
            elif error.errno in (errno.EACCES, errno.EPERM):
                reason = "may not be opened by this user"
            elif error.errno == errno.EADDRNOTAVAIL:
                reason = f"cannot be opened, because {bind.host} is not an address of this machine"
            else:
                reason = f"cannot be opened ({error.strerror})"
            raise SetupError(
                f"Port {bind.port} {reason}; scanway needs it for {purpose}. Free it, or choose another with "
                f"{variable}, for example {variable}={example}"
            ) from error


def free_port() -> int:
    """A port that is free on 127.0.0.1 and stays so until it is used, also while a server restarts.

    Each process claims whole blocks of ports, so that two of them never choose the same one, and gives each
    of its ports once. Below 32768 the kernel gives no port to outgoing connections, which on a busy machine
    take a port of the usual range within the second between choosing it and listening.
    """
    while True:
        for port in _block:
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                return port
        _claim()


_PORTS, _BLOCK = range(15000, 32000), 100
_block: Iterator[int] = iter(())


def _claim() -> None:
    """The claim is the UDP port of a block's first number, held until this process ends."""
    global _block
    starts = _PORTS[::_BLOCK]
    first = secrets.randbelow(len(starts))
    for start in (*starts[first:], *starts[:first]):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", start))
        except OSError:
            claim.close()
            continue
        claim.detach()
        _block = iter(range(start, start + _BLOCK))
        return
    raise SetupError(f"No ports are left from {_PORTS[0]} to {_PORTS[-1]}: end programs that hold them.")


def lan_address() -> str:
    """This machine's address on its own network, or 127.0.0.1.

    Connecting a UDP socket only asks the routing table; no packet leaves. 192.0.2.1 is reserved for
    documentation (RFC 5737).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
