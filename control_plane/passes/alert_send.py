"""One message to one address, by Apprise: a program of its own, started for each message.

A member types the address and this server opens it, so what happens here is fenced in. This process knows
none of the server's secrets, has little memory, is killed when its time is over, and connects to public
addresses only: an audit hook sees every connection that any library makes, redirects included, after the name
was resolved, so that a name that changes its mind between two looks gets no further. With `private` the last
does not hold.

stdin: {"url", "host", "title", "body", "private", "check"}; stdout: {"problem"}, "" where it was taken.
`check` sends nothing. Run by path and with -P, so that nothing beside this file is imported.
"""

import ipaddress
import json
import re
import resource
import socket
import sys
from typing import Any

MEMORY = 768 * 1024 * 1024
"""Of address space, which is far more than is used."""
INSIDE = "This address leads into a private network, or to this server itself."
REACH, READ = 5, 8
"""Seconds to connect, and to wait for an answer."""

_status = re.compile(r"error=(\d{3})")
_nat64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(OSError):
    """A library that has another address of the same name goes on with that."""


class Fence:
    """The audit hook. `hit`: whether it has refused a connection."""

    def __init__(self) -> None:
        self.hit = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        connection, address = args[0], args[-1]
        # DNS is asked by the C library, which no hook sees: what is left are connections of ours.
        if address is None:  # of a socket that is connected, and was looked at then
            return
        if connection.family in (socket.AF_INET, socket.AF_INET6) and is_public(address[0]):
            return
        self.hit = True
        raise NotPublic("This address is in a private network.")


def is_public(host: str) -> bool:
    """Whether this is an address of the internet, and none of this machine's own."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if address in _nat64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
        elif address.sixtofour is not None or address.teredo is not None:
            return False
    if not address.is_global or address.is_multicast:
        return False
    return not _is_here(address)


def _is_here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    # Only an address of this machine can be bound: behind it may be what a firewall hides from others.
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def leads_inside(host: str) -> str:
    """What is wrong with a host that has private addresses only. One that cannot be found is not: its turn
    comes when a message is sent."""
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, 443)} if host else set()
    except (OSError, UnicodeError):
        return ""
    return INSIDE if found and not any(map(is_public, found)) else ""


def send(asked: dict[str, Any], fence: Fence) -> str:
    """What went wrong, in words; "" for nothing."""
    import logging

    import apprise

    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [handler], False
    asset = apprise.AppriseAsset(
        app_id="scanway", app_desc="scanway", app_url="", async_mode=False, image_url_mask="", theme=""
    )
    try:
        to = apprise.Apprise.instantiate(asked["url"], asset=asset, suppress_exceptions=True)
        if to is None:
            return "This address is not complete."
        if asked["check"]:
            return "" if asked["private"] else leads_inside(asked["host"])
        to.socket_connect_timeout, to.socket_read_timeout = REACH, READ
        if to.notify(body=asked["body"], title=asked["title"], notify_type=apprise.NotifyType.WARNING):
            return ""
    except Exception as error:  # whatever a service's code may raise: its words may hold what is secret
        said.append(type(error).__name__)
    if fence.hit:
        return INSIDE
    # Its words hold addresses and numbers of phones: only the status is told.
    status = next((found[1] for text in reversed(said) if (found := _status.search(text))), "")
    return f"The service refused it, with status {status}." if status else "The service could not be reached."


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    fence = Fence()
    if not asked["private"]:
        sys.addaudithook(fence)
    json.dump({"problem": send(asked, fence)}, sys.stdout)


if __name__ == "__main__":
    main()
