"""An address that opens an app on Android: an intent, which the browser there hands to the system.

Syntax: developer.chrome.com/docs/android/intents, and `Intent.parseUri` in Android's source, which takes the
fields after the last `#`.
"""

import re
from typing import Final
from urllib.parse import quote

from edge.rules import App

_scheme: Final = re.compile(r"([a-z][a-z0-9+.-]{0,63}):(.+)", re.IGNORECASE | re.ASCII)
_package: Final = re.compile(r"[a-z]\w*(?:\.[a-z]\w*)+", re.IGNORECASE | re.ASCII)

WEB: Final = frozenset({"http", "https"})
# Schemes that run code, read files or reach other parts of the system. Refused when a rule is saved, too.
_NEVER: Final = (
    frozenset({"javascript", "data", "vbscript", "file", "filesystem", "blob", "about", "view-source"})
    | {"intent", "android-app", "content", "chrome", "jar", "market", "itms-services"}
    | {"mailto", "tel", "sms", "ftp", "ws", "wss"}
)


def scheme(url: str) -> str:
    """The scheme in lower case, '' where there is none or it may not open an app."""
    found = _scheme.fullmatch(url)
    name = found[1].lower() if found else ""
    return "" if name in _NEVER else name


def address(action: App, os: str) -> str | None:
    """Where the app or its store opens; None where a person must choose, on a page.

    `os` is one of `analytics.visitors.glance.SYSTEMS`. An own scheme gets a page on iOS, because the browser
    there shows an error where the app is not installed.
    """
    if os == "android":
        return intent(action) or action.to
    if os != "ios":
        return action.to
    name = scheme(action.ios_link)
    if name in WEB:
        return action.ios_link
    return None if name else action.ios_store or action.to


def intent(action: App) -> str:
    """The intent's address; '' where the action names no Android app.

    With a package and no link of its own, the app is asked to open `to`. Where it is not installed, the
    browser goes to the store, or to `to` where no store is known.
    """
    package = action.android_package if _package.fullmatch(action.android_package) else ""
    link = action.android_link or (action.to if package else "")
    name = scheme(link)
    if not name:
        return ""
    fields = [f"scheme={name}"]
    if package:
        fields.append(f"package={package}")
    fallback = action.android_store or play(package) or action.to
    fields.append(f"S.browser_fallback_url={quote(fallback, safe='')}")
    return f"intent:{_data(link)}#Intent;{';'.join(fields)};end"


def play(package: str) -> str:
    """Google Play's page of a package; '' of none."""
    return f"https://play.google.com/store/apps/details?id={package}" if package else ""


def _data(link: str) -> str:
    """What follows the scheme, with nothing in it that could be taken for the intent's own fields."""
    address, sharp, fragment = link.partition(":")[2].partition("#")
    address = quote(address, safe="/:?&=+$,;@!*'()%~[]")
    return address + (f"#{quote(fragment, safe='/:?&=+$,@!*%~')}" if sharp else "")
