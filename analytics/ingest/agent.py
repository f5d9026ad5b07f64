"""What a visitor holds in the hand: device, model, system, browser, and the app the link was opened in."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import ua_parser

from analytics.ingest.text import tidy

PHONE: Final = "phone"
TABLET: Final = "tablet"
DESKTOP: Final = "desktop"
TV: Final = "tv"
BOT: Final = "bot"
OTHER: Final = "other"


class Agent(NamedTuple):
    """'' where not known."""

    device: str = ""
    model: str = ""
    os: str = ""
    browser: str = ""
    in_app: str = ""


UNKNOWN: Final = Agent()

# Apps that open links in a browser of their own, most particular first: WeCom also says MicroMessenger, and
# Messenger also says FBAN.
_IN_APP: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("WeCom", r"wxwork/"),
        ("WeChat", r"MicroMessenger/"),
        ("Messenger", r"FBAN/Messenger|FB_IAB/(?:MESSENGER|Orca)|Orca-Android"),
        ("Threads", r"\bBarcelona \d"),
        ("Instagram", r"\bInstagram \d"),
        ("Facebook", r"\bFBA[NV]/|\bFB_IAB/"),
        ("Douyin", r"\baweme[_/]|\bDouyin"),
        ("TikTok", r"musical_ly|\btrill_|zhiliaoapp|BytedanceWebview|\bTikTok"),
        ("LinkedIn", r"\bLinkedInApp\b"),
        ("LINE", r"\bLine/\d"),
        ("Snapchat", r"\bSnapchat[/ ]\d"),
        ("X", r"\bTwitter for (?:iPhone|iPad)|\bTwitterAndroid\b"),
        ("Pinterest", r"\[Pinterest/(?:Android|iOS)\]|\bPinterest for (?:Android|iOS)"),
        ("Reddit", r"\bReddit/(?:Version|iOS|Android)|\bRedditAndroid"),
        ("Telegram", r"\bTelegram-(?:Android|iOS)/"),
        ("KakaoTalk", r"\bKAKAOTALK\b"),
        ("NAVER", r"\bNAVER\(inapp"),
        ("Weibo", r"\bWeibo[ (]|__weibo__"),
        ("Alipay", r"\bAlipayClient/"),
        ("DingTalk", r"\bDingTalk/"),
        ("QQ", r"\bQQ/\d"),
        ("Google", r"\bGSA/\d"),
    )
)

_tv = re.compile(
    r"smart-?tv|\btv\b|googletv|appletv|apple tv|android tv|\bweb0s\b|hbbtv|bravia|\broku\b|crkey"
    r"|(?-i:\bAFT[A-Z]{1,4}\b)|netcast|viera|playstation|\bxbox\b|nintendo",
    re.IGNORECASE,
)
_tablet = re.compile(
    r"ipad|tablet|kindle|\bsilk\b|\bkf[a-z]{2,4}\b|playbook|nexus (?:7|9|10)\b|\bsm-[tx]\d|\bgt-[pn]\d",
    re.IGNORECASE,
)
_phone = re.compile(
    r"iphone|ipod|windows phone|iemobile|blackberry|\bbb10\b|kaios|opera mini|symbian|\bseries[46]0\b"
    r"|\(phone;|\bmobile\b",
    re.IGNORECASE,
)
_desktop = re.compile(r"windows nt|macintosh|\bx11\b|\bcros\b|linux (?:x86_64|i686|aarch64)", re.IGNORECASE)
# Only the engine of an iPhone or iPad says this; a Macintosh that does is an iPad asking for desktop pages.
_ios_on_mac = re.compile(r"\bMobile/\w+|\b(?:CriOS|FxiOS|EdgiOS)/")

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
    platform = _HINTED_SYSTEMS.get(_unquote(ch_platform).lower(), "")
    hinted_model = _unquote(ch_model)
    if not text and not platform and not hinted_model:
        return UNKNOWN
    parsed = ua_parser.parse(text)
    family = parsed.os.family if parsed.os else ""
    system = platform or (
        "HarmonyOS" if "HarmonyOS" in text or "OpenHarmony" in text else _SYSTEMS.get(family, family)
    )
    is_ipad = "Macintosh" in text and (
        platform == "iOS" or ch_mobile == "?1" or _ios_on_mac.search(text) is not None
    )
    if is_ipad:
        system = "iOS"
    device = TABLET if is_ipad else _device(text, system, ch_mobile)
    in_app = next((name for name, pattern in _IN_APP if pattern.search(text)), "")
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


def _device(text: str, system: str, ch_mobile: str) -> str:
    if _tv.search(text):
        return TV
    if _tablet.search(text):
        return TABLET
    android = system == "Android" or "Android" in text
    if ch_mobile == "?1" or _phone.search(text):
        return PHONE
    if android:
        # A browser on an Android phone says "Mobile", and one on a tablet does not. An app's own agent,
        # without a browser engine in it, says neither.
        return TABLET if "AppleWebKit" in text or ch_mobile == "?0" else PHONE
    if _desktop.search(text) or system in ("Windows", "macOS", "Linux", "Chrome OS"):
        return DESKTOP
    return OTHER


def _unquote(hint: str) -> str:
    return tidy(hint.strip().strip('"').replace('\\"', '"').replace("\\\\", "\\"), 64)
