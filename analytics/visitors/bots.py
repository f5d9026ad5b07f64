"""Was it a person? A verdict with the signals that led to it, so that anyone can disagree with it.

A scan that reaches `THRESHOLD` points is a bot's. What weighs 100 is enough alone; what weighs 50 also
happens to people (a VPN leaves through a hosting company, an old app sends no languages) and needs company.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import is_crawler

from analytics.visitors.networks import Kind, Network
from analytics.visitors.text import tidy

THRESHOLD: Final = 100

SIGNALS: Final = {
    "link_preview": 100,
    "known_crawler": 100,
    "http_library": 100,
    "headless": 100,
    "empty_user_agent": 100,
    "crawler_ip": 100,
    "head_method": 100,
    "prefetch": 100,
    "hosting_ip": 50,
    "no_accept_language": 50,
    "no_html_accept": 50,
    "not_navigation": 50,
}
"""Signal → points, in the order in which they are reported."""

AGENT_SIGNALS: Final = frozenset({"link_preview", "known_crawler", "http_library", "headless"})
"""Those in which the agent string names itself; at most one of them is found, and it is reported first."""


class Verdict(NamedTuple):
    """name: who it was ("Slack", "Googlebot"), '' where that is not known, and for people."""

    is_bot: bool
    name: str
    signals: tuple[str, ...]


class Named(NamedTuple):
    """What an agent string says of itself: one of the first four signals and a name, or two times ''."""

    signal: str = ""
    name: str = ""


HUMAN: Final = Verdict(False, "", ())
_NOBODY: Final = Named()

# Apps that fetch a link to draw a preview of it. Apple's Messages says it is Facebook's and Twitter's bot in
# one string, Telegram says it is like Twitter's, and Signal says it is WhatsApp: the order settles all but
# the last.
_PREVIEWS: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("iMessage", r"facebookexternalhit/.*Facebot Twitterbot"),
        ("KakaoTalk", r"kakaotalk-scrap"),
        ("LINE", r"line-poker"),
        (
            "Facebook",
            r"facebookexternalhit|facebookcatalog|\bfacebot\b|meta-externalagent|meta-externalfetcher",
        ),
        ("WhatsApp", r"^whatsapp/"),
        ("Slack", r"slackbot|slack-imgproxy"),
        ("Telegram", r"telegrambot"),
        ("X", r"twitterbot"),
        ("Discord", r"discordbot"),
        ("LinkedIn", r"linkedinbot"),
        ("Microsoft Teams", r"skypeuripreview|microsoft teams"),
        ("Snapchat", r"snap url preview"),
        ("Pinterest", r"pinterestbot|pinterest/0\."),
        ("Reddit", r"redditbot"),
        ("Viber", r"^viber"),
        ("Mastodon", r"mastodon/"),
        ("Google", r"google-pagerenderer|googlemessages|google-chat"),
        ("Iframely", r"iframely"),
        ("Embedly", r"embedly"),
    )
)
_CRAWLERS: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("Googlebot", r"googlebot|google-inspectiontool|storebot-google|googleother"),
        ("Bingbot", r"bingbot|bingpreview"),
        ("Applebot", r"applebot"),
        ("YandexBot", r"yandex\w*bot|yandexbot"),
        ("Baiduspider", r"baiduspider"),
        ("DuckDuckBot", r"duckduckbot|duckassistbot"),
        ("GPTBot", r"gptbot"),
        ("ChatGPT", r"chatgpt-user|oai-searchbot"),
        ("ClaudeBot", r"claudebot|claude-user|claude-web"),
        ("PerplexityBot", r"perplexity"),
        ("Bytespider", r"bytespider"),
        ("Amazonbot", r"amazonbot"),
        ("AhrefsBot", r"ahrefs"),
        ("SemrushBot", r"semrush"),
        ("MJ12bot", r"mj12bot"),
        ("PetalBot", r"petalbot"),
        ("CCBot", r"\bccbot"),
        ("UptimeRobot", r"uptimerobot"),
        ("Pingdom", r"pingdom"),
        ("GoogleImageProxy", r"googleimageproxy"),
    )
)
_library = re.compile(
    r"^(curl|wget|python-requests|python-urllib|python-httpx|python|aiohttp|httpx|go-http-client|okhttp|java|"
    r"apache-httpclient|axios|node-fetch|node|undici|got|ruby|libwww-perl|postmanruntime|insomnia|httpie|dart|"
    r"guzzlehttp|php|faraday|restsharp|scrapy|k6|locust|wrk|hey|ab|apachebench|winhttp|reqwest|hyper|"
    r"powershell|microsoft-cryptoapi)(?:$|[/ (])",
    re.IGNORECASE,
)
_headless = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|slimerjs|cypress", re.IGNORECASE
)
_engine = re.compile(r"^mozilla/|applewebkit|gecko/|presto/|trident/", re.IGNORECASE)


@lru_cache(maxsize=65536)
def named(user_agent: str) -> Named:
    """What the agent string alone gives away. Never raises."""
    text = user_agent[:1024]
    for name, pattern in _PREVIEWS:
        if pattern.search(text):
            return Named("link_preview", name)
    if _headless.search(text):
        return Named("headless", "Headless Chrome" if "HeadlessChrome" in text else "Headless browser")
    if (library := _library.match(text)) is not None:
        return Named("http_library", library[1].lower())
    for name, pattern in _CRAWLERS:
        if pattern.search(text):
            return Named("known_crawler", name)
    if not is_crawler.is_crawler(text):
        return _NOBODY
    # A name is stored only of a crawler that the list knows: otherwise anyone could write one into a report.
    known = is_crawler.crawler_info(text)
    return Named("known_crawler", tidy(is_crawler.crawler_name(text) or "", 40) if known else "")


def verdict(
    *,
    user_agent: str,
    network: Network | None,
    method: str = "GET",
    purpose: str = "",
    accept: str = "",
    accept_language: str = "",
    sec_fetch_mode: str = "",
) -> Verdict:
    """Weighs what one request shows; the arguments are headers as sent. Pure, and never raises."""
    found: list[str] = []
    if user_agent.strip():
        signal, name = named(user_agent)
        if signal:
            found.append(signal)
    else:
        name = ""
        found.append("empty_user_agent")
    if network is not None and network.kind is Kind.CRAWLER:
        found.append("crawler_ip")
        name = name or network.name
    # A page is never opened by HEAD: link checkers and mail gateways do that.
    if method == "HEAD":
        found.append("head_method")
    if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose:
        found.append("prefetch")
    if network is not None and network.kind is Kind.HOSTING:
        found.append("hosting_ip")
    if _claims_browser(user_agent):
        if not accept_language:
            found.append("no_accept_language")
        if "html" not in accept:
            found.append("no_html_accept")
        # Every browser since 2023 says how it fetches; a person's scan is a navigation.
        if sec_fetch_mode and sec_fetch_mode != "navigate":
            found.append("not_navigation")
    if not found:
        return HUMAN
    is_bot = sum(SIGNALS[each] for each in found) >= THRESHOLD
    return Verdict(is_bot, name if is_bot else "", tuple(found))


@lru_cache(maxsize=65536)
def _claims_browser(user_agent: str) -> bool:
    return _engine.search(user_agent) is not None
