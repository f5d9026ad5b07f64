"""What a person sees where there is no redirect: small pages in five languages, rendered once at start."""

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Final

from edge.decide import PAGE_DECISIONS, Decision
from edge.entry import Headers
from edge.language import LANGUAGES, best_language

_folder = Path(__file__).parent / "templates"

RETRY_AFTER: Final = "1"
"""Seconds, on every 503."""

_RING: Final = '<circle cx="12" cy="12" r="9"/>'
_CLOCK: Final = _RING + '<path d="M12 7v5l3 2"/>'
_ICONS: Final = {
    "root": '<path d="M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2z"/>',
    "unknown": _RING + '<path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 16.5v.1"/>',
    "paused": _RING + '<path d="M10 9v6M14 9v6"/>',
    "expired": _CLOCK,
    "not_started": _CLOCK,
    "blocked": '<path d="M12 3l8 3v6c0 4.5-3.4 7.7-8 9-4.6-1.3-8-4.5-8-9V6zM12 8v5M12 16v.1"/>',
    "deleted": _RING + '<path d="M9 9l6 6M15 9l-6 6"/>',
    "unavailable": '<path d="M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5"/>',
}

Page = tuple[int, Headers, bytes]
"""Status, headers and body."""


class Pages:
    """Every page in every language, ready to be sent."""

    def __init__(self) -> None:
        texts = json.loads((_folder / "messages.json").read_text(encoding="utf-8"))
        template = (_folder / "page.html").read_text(encoding="utf-8")
        style = (_folder / "page.css").read_text(encoding="utf-8").strip()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        names = {"root": 200} | {decision.reason.value: decision.status for decision in PAGE_DECISIONS}
        self._pages: dict[tuple[str, str], Page] = {}
        for language in LANGUAGES:
            for name, status in names.items():
                title, text = (html.escape(part) for part in texts[language][name])
                body = template.format(
                    lang=language, title=title, text=text, style=style, name=name, icon=_ICONS[name]
                )
                self._pages[name, language] = _page(name, status, language, policy, body.encode())

    def root(self, accept_language: str) -> Page:
        """The page at /."""
        return self._pages["root", best_language(accept_language)]

    def refusal(self, decision: Decision, accept_language: str) -> Page:
        """The page for a decision that does not redirect."""
        return self._pages[decision.reason.value, best_language(accept_language)]


def _page(name: str, status: int, language: str, policy: str, body: bytes) -> Page:
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(body))),
        ("content-language", language),
        ("vary", "accept-language"),
        ("cache-control", "no-store"),
        ("x-robots-tag", "noindex"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", policy),
    ]
    if status == 503:
        headers.append(("retry-after", RETRY_AFTER))
    return status, headers, body
