"""Where a link may lead: checks an address as a person typed it, and writes it in one safe, ASCII form.

The visitor's phone opens the destination, never this server, so addresses inside a private network are
allowed: a museum's guide may well live at http://192.168.1.20/. Names without a dot (`localhost`, `intranet`)
are refused, because a phone would look for them on itself or not find them. The parser is our own: it refuses
what browsers would silently mend (tabs, backslashes, missing slashes, 0x7f.1), since each such repair has
been a way around somebody's check. The host's rules: RFC 3986, UTS #46, UTS #39 (restriction levels).
"""

import ipaddress
import re
import unicodedata
from collections.abc import Collection
from typing import Final

import idna

from control_plane.campaigns.errors import InvalidLink

MAX_LENGTH: Final = 2048

_parts = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_scheme = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE | re.ASCII)
_label = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_number = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_escape = re.compile(r"%(?![0-9A-Fa-f]{2})|[\"<>^`{|}]|[^\x00-\x7f]")
_DEFAULT_PORT: Final = {"http": 80, "https": 443}

# Scripts that one label may mix (UTS #39, “highly restrictive”).
_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Letters of other scripts that read as Latin ones: a label of nothing else imitates a Latin name.
_LATIN_LOOKALIKES: Final = frozenset("асԁеһіјӏорԛѕԝхуѵѡпгтвнкмьҽԍαβικνορτυχωηγεϲϳ")


def check_destination(url: str, own_hosts: Collection[str] = ()) -> str:
    """The address in its stored form: ASCII, at most 2,048 characters, scheme and host in lower case.

    `own_hosts` holds the hosts of our own short links: "go.example.com" refuses that host on every port,
    "192.168.1.5:8080" on that port only. The result checked again is itself. Raises InvalidLink.
    """
    url = url.strip(" ")
    if not url:
        raise _refuse("Give the address this link leads to, such as https://example.com/menu.")
    if len(url) > MAX_LENGTH:
        raise _refuse(f"An address has at most {MAX_LENGTH:,} characters; this one has {len(url):,}.")
    _check_characters(url)
    match = _parts.fullmatch(url)
    if match is None:
        found = _scheme.match(url)
        if found and not url.lower().startswith(("http:", "https:")) and "." not in found.group():
            raise _refuse(f"“{found.group()}” addresses cannot be used. Start with https:// or http://.")
        raise _refuse("Start the address with https:// or http://, followed by a host name.")
    scheme, authority, path, query, fragment = (part or "" for part in match.groups())
    scheme = scheme.lower()
    host, port = _host_and_port(authority)
    host = _check_host(host)
    effective = port or _DEFAULT_PORT[scheme]
    if host in own_hosts or f"{host}:{effective}" in own_hosts:
        raise _refuse(
            "This address is one of our own short links; it would lead in a circle. Give the final one."
        )
    netloc = host if effective == _DEFAULT_PORT[scheme] else f"{host}:{effective}"
    result = f"{scheme}://{netloc}{_quote(path) or '/'}{_quote(query)}{_quote(fragment)}"
    if len(result) > MAX_LENGTH:
        raise _refuse(
            f"Written out for the web, this address has {len(result):,} characters; at most {MAX_LENGTH:,} "
            "can be stored."
        )
    return result


def _refuse(message: str) -> InvalidLink:
    return InvalidLink("destination", message)


def _check_characters(url: str) -> None:
    for char in url:
        if " " < char < "\x7f" and char != "\\":
            continue
        if char == "\\":
            raise _refuse("An address has no backslashes. Use / instead.")
        if char == " ":
            raise _refuse("An address has no spaces. Write %20 for a space in a path.")
        if unicodedata.category(char)[0] in "CZ":
            raise _refuse(
                f"The address holds an invisible character (U+{ord(char):04X}). Type the address by hand, "
                "or copy it again from the browser's address bar."
            )


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise _refuse(
            "An address may not hold a user name or password before its host. Remove everything up to @."
        )
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        host += bracket
    else:
        host, colon, digits = authority.partition(":")
        rest = colon + digits
    if not host:
        raise _refuse("The address has no host name. It should look like https://example.com/menu.")
    if not rest:
        return host, None
    digits = rest[1:]
    if rest[0] != ":" or not digits.isascii() or not digits.isdigit() or len(digits) > 5:
        raise _refuse("The port after the host has to be a number from 1 to 65535.")
    if not 0 < int(digits) < 65536:
        raise _refuse("The port after the host has to be a number from 1 to 65535.")
    return host, int(digits)


def _check_host(host: str) -> str:
    if host.startswith("["):
        try:
            address = ipaddress.IPv6Address(host[1:-1] if host.endswith("]") else "")
        except ValueError:
            raise _refuse("The host in brackets is not an IPv6 address.") from None
        if address.scope_id or address.is_unspecified or address.is_multicast:
            raise _refuse("This IPv6 address cannot be opened by a visitor's phone.")
        return f"[{address.ipv4_mapped or address}]" if not address.ipv4_mapped else str(address.ipv4_mapped)
    if "%" in host:
        raise _refuse("The host name may not hold percent signs.")
    host = ascii_host(host)
    labels = host.split(".")
    if _number.fullmatch(labels[-1]):
        return _check_ipv4(host)
    if len(labels) < 2:
        raise _refuse(f"“{host}” is not reachable for visitors. Give a full host name such as example.com.")
    if len(host) > 253 or not all(_label.fullmatch(label) for label in labels):
        raise _refuse("This host name is not valid. It should look like www.example.com.")
    for label in labels:
        _check_scripts(label, labels[-1])
    return host


def ascii_host(host: str) -> str:
    """The host in lower case, punycode, without the root's dot."""
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise _refuse("This international host name is not valid. Check its spelling.") from None
    return host.lower().removesuffix(".")


def _check_ipv4(host: str) -> str:
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        raise _refuse("Write an IP address as four numbers, such as 192.0.2.10.") from None
    if address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise _refuse("This IP address cannot be opened by a visitor's phone.")
    return str(address)


def _check_scripts(label: str, top: str) -> None:
    """Refuses a label that mixes scripts, or imitates a Latin name with another script's letters."""
    if not label.startswith("xn--"):
        return
    try:
        text = idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        raise _refuse(f"“{label}” is not a valid international name. Check its spelling.") from None
    letters = [char for char in text if unicodedata.category(char)[0] in "LM"]
    scripts = {unicodedata.name(char, "UNKNOWN ").split()[0] for char in letters} - {"COMBINING"}
    if len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER):
        raise _refuse(
            f"“{text}” mixes letters of several scripts, as imitations of well-known names do. "
            "Give the site's real address."
        )
    imitates = all(char in _LATIN_LOOKALIKES for char in letters)
    if scripts & {"CYRILLIC", "GREEK"} and imitates and not top.startswith("xn--"):
        raise _refuse(f"“{text}” looks like a Latin name but is not. Give the site's real address.")


def _quote(part: str) -> str:
    """Percent-encodes what may not stand in a URL, and a stray percent sign; keeps what is encoded."""
    return _escape.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), part)
