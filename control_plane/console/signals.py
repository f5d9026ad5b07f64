"""Why a scan counts as a bot's: the words of the events' bot_signals, explained."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Signal → (name, what it means). The order is that of weight.
SIGNALS: Final = {
    "link_preview": ("Link preview", "A chat app or network fetched the link to draw its preview."),
    "known_crawler": ("Known crawler", "The visitor names itself as a search engine or another crawler."),
    "http_library": ("Program, not browser", "The visitor names itself as curl, Python or another library."),
    "headless": ("Remote-controlled browser", "A browser without a screen, driven by a program."),
    "empty_user_agent": ("No name at all", "Every browser sends a user agent; this visitor sent none."),
    "crawler_ip": ("Crawler’s network", "The request came from addresses that a crawler’s owner publishes."),
    "head_method": ("Only looked at headers", "A HEAD request: link checkers and mail gateways do that."),
    "prefetch": ("Fetched in advance", "A browser or app loaded the link before anybody asked for it."),
    "hosting_ip": ("Data centre", "The request came from a hosting company. Alone it is not enough."),
    "no_accept_language": ("No language", "A browser that sends no languages. Alone it is not enough."),
    "no_html_accept": ("Wants no page", "A browser that does not ask for a page. Alone it is not enough."),
    "not_navigation": ("Not a visit", "The browser says that nobody navigated here. Alone it is not enough."),
}


@dataclass(frozen=True)
class Signal:
    """scans: of how many of the scans looked at it was a reason."""

    label: str
    meaning: str
    scans: int


def label(signal: str) -> str:
    """A signal's name; a newer one than this console knows stays as it is."""
    return SIGNALS[signal][0] if signal in SIGNALS else signal


def explain(found: Iterable[Iterable[str]]) -> list[Signal]:
    """From the signals of some bots' scans, the most frequent first."""
    counted = Counter(signal for signals in found for signal in set(signals))
    return [
        Signal(*SIGNALS.get(signal, (signal, "A newer signal than this console knows.")), scans)
        for signal, scans in counted.most_common()
    ]
