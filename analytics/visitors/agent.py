"""What a visitor holds in the hand: device, model, system, browser, and the app the link was opened in."""

from functools import lru_cache
from typing import Final, NamedTuple

import ua_parser

from analytics.visitors.glance import DESKTOP, IOS_ON_MAC, TABLET, device_of, in_app_of, unquote
from analytics.visitors.text import tidy


class Agent(NamedTuple):
    """'' where not known."""

    device: str = ""
    model: str = ""
    os: str = ""
    browser: str = ""
    in_app: str = ""


UNKNOWN: Final = Agent()

_BROWSERS: Final = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "MiuiBrowser": "Mi Browser",
    "Opera Mobile": "Opera",
    "WeChat Browser": "WeChat",
    "Other": "",
}
_SYSTEMS: Final = {"Mac OS X": "macOS", "Other": ""}
_HINTED_SYSTEMS: Final = {
    "android": "Android",
    "chrome os": "Chrome OS",
    "chromium os": "Chrome OS",
    "harmonyos": "HarmonyOS",
    "ios": "iOS",
    "linux": "Linux",
    "macos": "macOS",
    "windows": "Windows",
}
# What the parser says when it has no model.
_NO_MODEL: Final = frozenset({"", "K", "Mac", "Other", "Spider", "Huawei Browser"})


@lru_cache(maxsize=65536)
def agent(user_agent: str, ch_platform: str = "", ch_mobile: str = "", ch_model: str = "") -> Agent:
    """What the User-Agent header and the client hints (as sent, quotes included) say. Never raises.

    Hints win where sent: Chrome on Android freezes its agent string at "Android 10; K", so the model is
    known from `Sec-CH-UA-Model` alone. Safari on iPadOS sends a Mac's string and no hints: without a
    hint, or the engine's `Mobile/` token that apps on an iPad keep, it counts as a desktop.
    A new string costs about 0.3 ms, a known one nothing.
    """
    text = user_agent[:1024]
    platform = _HINTED_SYSTEMS.get(unquote(ch_platform).lower(), "")
    hinted_model = unquote(ch_model)
    if not text and not platform and not hinted_model:
        return UNKNOWN
    parsed = ua_parser.parse(text)
    family = parsed.os.family if parsed.os else ""
    system = platform or (
        "HarmonyOS" if "HarmonyOS" in text or "OpenHarmony" in text else _SYSTEMS.get(family, family)
    )
    is_ipad = "Macintosh" in text and (
        platform == "iOS" or ch_mobile == "?1" or IOS_ON_MAC.search(text) is not None
    )
    if is_ipad:
        system = "iOS"
    device = TABLET if is_ipad else device_of(text, system, ch_mobile)
    in_app = in_app_of(text)
    browser = in_app or (parsed.user_agent.family if parsed.user_agent else "")
    if is_ipad:
        model = "iPad"
    elif device == DESKTOP:
        model = ""
    else:
        model = hinted_model or (parsed.device.family if parsed.device else "")
    if model in _NO_MODEL or model.startswith("Generic "):
        model = ""
    return Agent(device, tidy(model, 64), tidy(system, 64), tidy(_BROWSERS.get(browser, browser), 64), in_app)
