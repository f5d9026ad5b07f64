"""A domain's values as somebody sent them, checked one by one. In the workspace's scope."""

import base64
import binascii
import io
import ipaddress
import re
from collections.abc import Callable, Collection
from typing import Any, Final

from django.conf import settings
from PIL import Image

from control_plane.campaigns.app_names import is_package
from control_plane.campaigns.destinations import ascii_host, check_destination
from control_plane.campaigns.errors import InvalidDomain, InvalidLink
from control_plane.campaigns.models import Domain
from control_plane.campaigns.own_hosts import workspace_hosts
from control_plane.campaigns.placeholders import check_fixed

MAX_ROBOTS: Final = 8192
"""Bytes."""
MAX_FAVICON: Final = 16 * 1024
"""Bytes of the PNG that is stored."""
MAX_UPLOAD: Final = 1024 * 1024
MAX_PIXELS: Final = 4_000_000
SIDE: Final = 64
"""Pixels."""
MAX_APPS: Final = 20

_label = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_apple = re.compile(r"[A-Z0-9]{10}\.[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_fingerprint = re.compile(r"[0-9A-F]{64}")


def check_host(value: Any) -> str:
    """The host in punycode and lower case. Raises InvalidDomain(host, sentence)."""
    if not isinstance(value, str):
        raise InvalidDomain("host", "Give a host name, such as go.example.com.")
    text = value.strip()
    if "/" in text or "@" in text or "?" in text or "#" in text:
        raise InvalidDomain(
            "host", "Give the host name alone, such as go.example.com, without https:// or a path."
        )
    if ":" in text:
        raise InvalidDomain("host", "Give the host name without a port, such as go.example.com.")
    if "*" in text:
        raise InvalidDomain("host", "Name one host; each name below it is a domain of its own.")
    try:
        host = ascii_host(text)
    except InvalidLink:
        raise InvalidDomain(
            "host", "This international host name is not valid. Check its spelling."
        ) from None
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_label.fullmatch(label) for label in labels):
        raise InvalidDomain("host", "This host name is not valid. It should look like go.example.com.")
    if labels[-1].isdigit() or _is_address(host):
        raise InvalidDomain("host", "An IP address is no domain. Give a host name such as go.example.com.")
    try:
        # Mixed scripts and imitations are refused as in a destination.
        check_destination(f"https://{host}/")
    except InvalidLink as error:
        raise InvalidDomain("host", error.message) from None
    if host == _ours(settings.CONFIG.short_url.hostname):
        raise InvalidDomain("host", f"{host} is the default short domain, which every workspace has already.")
    if host == _ours(settings.CONFIG.console_url.hostname) or host in settings.CONFIG.allowed_hosts:
        raise InvalidDomain("host", f"The console is at {host}. Choose another name for short links.")
    return host


def apply(domain: Domain, changes: dict[str, Any]) -> bool:
    """Sets what `changes` names, of EDITABLE; True where something differs. Raises InvalidDomain."""
    own = workspace_hosts() | {domain.host}
    clean = {
        name: _address(name, value, own) if name in _ADDRESSES else _CHECKS[name](value)
        for name, value in changes.items()
    }
    differs = any(_plain(getattr(domain, name)) != value for name, value in clean.items())
    for name, value in clean.items():
        setattr(domain, name, value)
    return differs


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _ours(host: str | None) -> str:
    try:
        return ascii_host((host or "").lower())
    except InvalidLink:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _address(field: str, value: Any, own_hosts: Collection[str]) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise InvalidDomain(field, "Give an address, such as https://example.com/.")
    try:
        return check_fixed(value, own_hosts)
    except InvalidLink as error:
        raise InvalidDomain(field, error.message) from None


def _robots(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidDomain("robots_txt", "robots.txt is text.")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_ROBOTS:
        raise InvalidDomain(
            "robots_txt", f"robots.txt may have at most {MAX_ROBOTS:,} bytes; this has {size:,}."
        )
    if any(not (char.isprintable() or char in "\n\t") for char in text):
        raise InvalidDomain(
            "robots_txt", "robots.txt holds characters that are no plain text. Type it again."
        )
    return text + "\n" if text.strip() else ""


def _favicon(value: Any) -> bytes:
    """An image as bytes or base64 → a PNG of at most 64 by 64 pixels."""
    if value is None or value in ("", b""):
        return b""
    if isinstance(value, str):
        try:
            value = base64.b64decode(value.partition("base64,")[2] or value, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidDomain("favicon", "Send the image as base64, or upload a file.") from None
    if not isinstance(value, bytes):
        raise InvalidDomain("favicon", "Send the image as base64, or upload a file.")
    if len(value) > MAX_UPLOAD:
        raise InvalidDomain("favicon", "The icon's file may have at most 1 MB.")
    try:
        # Not ICO: Pillow decodes the picture in it before anybody can ask how large that is.
        with Image.open(io.BytesIO(value), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidDomain("favicon", "The icon has too many pixels. 64 by 64 are enough.")
            icon = image.convert("RGBA")
    except InvalidDomain:
        raise
    except Exception:  # Pillow raises whatever its decoders do
        raise InvalidDomain(
            "favicon", "This is no image that can be read. Use a PNG, JPEG, GIF, WebP or BMP file."
        ) from None
    icon.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    for colours in (0, 256, 64):
        # A new image: nothing of the file but its pixels is kept.
        reduced = icon.quantize(colours, method=Image.Quantize.FASTOCTREE) if colours else icon
        out = io.BytesIO()
        reduced.save(out, "PNG", optimize=True)
        if out.tell() <= MAX_FAVICON:
            return out.getvalue()
    raise InvalidDomain("favicon", "The icon is too detailed. Use a simpler one.")


def _apple_apps(value: Any) -> list[str]:
    found: dict[str, None] = {}
    for number, app in enumerate(_list("apple_apps", value), start=1):
        if not isinstance(app, str) or len(app) > 255 or not _apple.fullmatch(app.strip()):
            raise InvalidDomain(
                "apple_apps",
                f"App {number}: write the team's ten letters and digits, a dot, and the bundle, such as "
                "9JA89QQLNQ.com.example.app.",
            )
        found[app.strip()] = None
    return list(found)


def _android_apps(value: Any) -> list[dict[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for number, app in enumerate(_list("android_apps", value), start=1):
        if not isinstance(app, dict) or app.keys() != {"package", "sha256"}:
            raise InvalidDomain(
                "android_apps", f"App {number}: give “package” and “sha256”, and nothing else."
            )
        package, digest = app["package"], app["sha256"]
        if not isinstance(package, str) or not is_package(package.strip()):
            raise InvalidDomain(
                "android_apps", f"App {number}: the package should look like com.example.app."
            )
        plain = digest.replace(":", "").replace(" ", "").upper() if isinstance(digest, str) else ""
        if not _fingerprint.fullmatch(plain):
            raise InvalidDomain(
                "android_apps",
                f"App {number}: the certificate's SHA-256 fingerprint has 64 digits and letters A–F, with or "
                "without colons. Google Play shows it under App integrity.",
            )
        found[package.strip(), ":".join(plain[i : i + 2] for i in range(0, 64, 2))] = None
    return [{"package": package, "sha256": digest} for package, digest in found]


def _list(field: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidDomain(field, "Give the apps as a list.")
    if len(value) > MAX_APPS:
        raise InvalidDomain(field, f"At most {MAX_APPS} apps are possible; these are {len(value)}.")
    return list(value)


_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "robots_txt": _robots,
    "favicon": _favicon,
    "apple_apps": _apple_apps,
    "android_apps": _android_apps,
}
_ADDRESSES: Final = frozenset({"root_redirect", "not_found_redirect"})
EDITABLE: Final = _ADDRESSES | _CHECKS.keys()
