"""Who scans: headers of phones, and of programs that are none."""

import random
from typing import Final

_SAFARI: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {os} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
)
_CHROME: Final = "Mozilla/5.0 (Linux; Android {os}; {model}) AppleWebKit/537.36 (KHTML, like Gecko)"
_IPHONE: Final = _SAFARI.format(os="18_5")
_PHONES: Final = (
    *(
        f"{_SAFARI.format(os=os)} Version/{os.replace('_', '.')} Mobile/15E148 Safari/604.1"
        for os in ("16_7", "17_2", "17_5", "18_1", "18_5")
    ),
    *(
        f"{_CHROME.format(os=os, model=model)} Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
        for os, model, chrome in (("10", "K", 126), ("13", "SM-A546B", 128), ("14", "Pixel 8", 136))
    ),
    f"{_CHROME.format(os='14', model='SM-S918B')} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    f"{_IPHONE} Mobile/15E148 Instagram 334.0.4.32.98 (iPhone14,5; iOS 18_5; de_DE; de; 3.00; 1170x2532)",
)
_LANGUAGES: Final = (
    "en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.7", "fr-FR,fr;q=0.9", "es-ES,es;q=0.9", "it-IT,it;q=0.8",
    "pt-BR,pt;q=0.9", "ja-JP,ja;q=0.9", "en-US,en;q=0.9",
)  # fmt: skip
_BOTS: Final = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.23.20.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "curl/8.5.0",
)
# The first half of addresses that phone companies and cable networks give to people.
_NEIGHBOURHOODS: Final = (
    "91.64", "86.150", "90.12", "79.20", "88.10", "73.15", "126.40", "189.60", "49.36", "84.112",
)  # fmt: skip

PHONES: Final = tuple(
    {
        "User-Agent": agent,
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": language,
        "Accept-Encoding": "gzip, deflate, br",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Site": "none",
    }
    for agent in _PHONES
    for language in _LANGUAGES
)
BOTS: Final = tuple({"User-Agent": agent, "Accept": "*/*"} for agent in _BOTS)


def person() -> dict[str, str]:
    """The headers of some phone."""
    return random.choice(PHONES)


def bot() -> dict[str, str]:
    """The headers of something that previews, crawls or monitors links."""
    return random.choice(BOTS)


def address() -> str:
    """Of someone at home or on a train, in one of ten countries."""
    return f"{random.choice(_NEIGHBOURHOODS)}.{random.randrange(256)}.{random.randrange(1, 255)}"
