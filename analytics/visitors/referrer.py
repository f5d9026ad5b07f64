"""Where a visitor came from: the host alone. Path and query can name a person; they are dropped."""

import ipaddress
import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from analytics.visitors.text import tidy

IP_ADDRESS: Final = "(ip address)"
"""Stands for every numeric host: it could be the visitor's own machine, and no address is stored."""

# Android gives the package of the app where the link was tapped.
_APPS: Final = {
    "com.facebook.katana": "Facebook",
    "com.facebook.lite": "Facebook",
    "com.facebook.orca": "Messenger",
    "com.google.android.gm": "Gmail",
    "com.google.android.googlequicksearchbox": "Google",
    "com.google.android.apps.messaging": "Google Messages",
    "com.instagram.android": "Instagram",
    "com.linkedin.android": "LinkedIn",
    "com.microsoft.office.outlook": "Outlook",
    "com.microsoft.teams": "Teams",
    "com.pinterest": "Pinterest",
    "com.reddit.frontpage": "Reddit",
    "com.slack": "Slack",
    "com.snapchat.android": "Snapchat",
    "com.tencent.mm": "WeChat",
    "com.twitter.android": "X",
    "com.whatsapp": "WhatsApp",
    "com.zhiliaoapp.musically": "TikTok",
    "org.telegram.messenger": "Telegram",
}
APP_NAMES: Final = frozenset(_APPS.values())
_host = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")


@lru_cache(maxsize=16384)
def referrer(referer: str, own_hosts: frozenset[str] = frozenset()) -> str:
    """The referring host without `www.`, an app's name, or '' for a direct visit. Never raises.

    own_hosts: bare host names (no port, lower case) of our own short domain; coming from there is direct.
    """
    try:
        parts = urlsplit(referer[:2048].strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""
    if parts.scheme in ("android-app", "ios-app"):
        return _APPS.get(host, tidy(host))
    if parts.scheme not in ("http", "https") or not host or host in own_hosts:
        return ""
    if _is_address(host):
        return IP_ADDRESS
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    host = host.removeprefix("www.")
    if len(host) > 253 or not _host.fullmatch(host) or host in own_hosts:
        return ""
    return host


@lru_cache(maxsize=4096)
def bare_host(host: str) -> str:
    """A Host header or a URL's authority without port and `www.`, in lower case. Never raises."""
    try:
        return (urlsplit("//" + host.strip()).hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # "1.2.3" and "0x7f000001" are addresses to a browser too.
        return host.rpartition(".")[2].isdigit() or host.startswith("0x")
    return True
