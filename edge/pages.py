"""What a person sees where there is no redirect: small pages in five languages, without a script.

Those that are the same for every link are rendered at start; the others hold texts of the link's owner or of
the request, and every one of these is escaped.
"""

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Any, Final

from analytics.events import Reason
from edge.decide import PAGE_DECISIONS, Decision, Headers
from edge.intent import WEB, scheme
from edge.language import LANGUAGES, best_language
from edge.password import MAX_PASSWORD
from edge.rules import App

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
    "used_up": _RING + '<path d="M8.5 12.2l2.4 2.4 4.6-5"/>',
    "gone": _RING + '<path d="M8.5 12h7"/>',
    "blocked": '<path d="M12 3l8 3v6c0 4.5-3.4 7.7-8 9-4.6-1.3-8-4.5-8-9V6zM12 8v5M12 16v.1"/>',
    "deleted": _RING + '<path d="M9 9l6 6M15 9l-6 6"/>',
    "unavailable": '<path d="M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5"/>',
    "password": '<rect x="5" y="11" width="14" height="9" rx="2"/>'
    '<path d="M8 11V8a4 4 0 0 1 8 0v3M12 15v1.5"/>',
    "preview": '<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/>'
    '<circle cx="12" cy="12" r="2.7"/>',
    "notice": _RING + '<path d="M12 11.2v5M12 7.8v.1"/>',
    "app": '<rect x="7" y="3" width="10" height="18" rx="2.5"/><path d="M11 18h2"/>',
}

_WITHOUT_ADDRESS: Final = {Reason.PASSWORD: "preview_hidden", Reason.NOTICE: "preview_page"}

Page = tuple[int, Headers, bytes]
"""Status, headers and body."""


class Pages:
    """Every page in every language."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[str, Any]] = json.loads(_read("messages.json"))
        self._layout = _read("page.html")
        self._password = _read("password.html")
        self._preview = _read("preview.html")
        self._style = _read("page.css").strip()
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        closed = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'; "
        self._closed = closed + "form-action 'none'"
        # Chrome holds the redirect that follows a form against form-action, too: 'self' alone would keep
        # everybody who knows the password on this page.
        self._form = closed + "form-action 'self' https: http: intent:"

        names = {"root": 200} | {decision.reason.value: decision.status for decision in PAGE_DECISIONS}
        self._pages: dict[tuple[str, str], Page] = {}
        for language in LANGUAGES:
            for name, status in names.items():
                title, text = self._texts[language][name]
                self._pages[name, language] = self._page(name, status, language, title, _paragraph(text))

    def root(self, accept_language: str) -> Page:
        """The page at /."""
        return self._pages["root", best_language(accept_language)]

    def refusal(self, decision: Decision, accept_language: str) -> Page:
        """The page for a decision that neither redirects nor has an action."""
        return self._pages[decision.reason.value, best_language(accept_language)]

    def password_form(self, action: str, accept_language: str, *, wrong: bool, wait: int) -> Page:
        """Asks for the password, which comes back as the field `password` of a POST to `action`.

        200; 403 after a wrong one; 429 where there were too many, for `wait` seconds more.
        """
        language = best_language(accept_language)
        texts = self._texts[language]
        title, text = texts["password"]
        error = ""
        if wait > 0:
            error = texts["password_wait"].format(seconds=wait)
        elif wrong:
            error = texts["password_wrong"]
        content = self._password.format(
            text=html.escape(text),
            action=html.escape(action),
            # What a password manager files it under: the same for every placement.
            link=html.escape(action.partition("?")[0]),
            label=html.escape(texts["password_label"]),
            most=MAX_PASSWORD,
            invalid=' aria-invalid="true" aria-describedby="error"' if error else "",
            error=f'<p class="error" id="error" role="alert">{html.escape(error)}</p>\n' if error else "",
            button=html.escape(texts["password_button"]),
        )
        status = 429 if wait > 0 else 403 if wrong else 200
        page = self._page("password", status, language, title, content, policy=self._form)
        if wait > 0:
            page[1].append(("retry-after", str(wait)))
        return page

    def preview(
        self, short: str, destination: str | None, accept_language: str, *, reason: Reason, through: str = ""
    ) -> Page:
        """Where a short link leads, for `CODE+`. `short` is what people know it by: host and path.

        `through` is where its button leads, the destination itself if ''. Without a destination the page says
        why: the link asks for a password, shows a page of its own, is not active (its own refusal), or, for
        any other reason, does not tell.
        """
        language = best_language(accept_language)
        refused = self._pages.get((reason.value, language))
        if refused is not None:
            return refused
        texts = self._texts[language]
        title, text = texts["preview"]
        if destination is None:
            text = texts[_WITHOUT_ADDRESS.get(reason, "preview_closed")]
            return self._page("preview", 200, language, title, _paragraph(text.format(short=short)))
        host = _host(destination)
        letters = texts["preview_letters"] if "xn--" in host else ""
        content = self._preview.format(
            text=html.escape(text.format(short=short)),
            host=html.escape(host),
            url=html.escape(destination),
            warning=f'<p class="warning">{html.escape(letters)}</p>\n' if letters else "",
            note=html.escape(texts["preview_note"]),
            button=_button(through or destination, texts["continue"]),
        )
        return self._page("preview", 200, language, title, content)

    def notice(self, title: str, text: str, button: str, url: str, accept_language: str) -> Page:
        """A message in its owner's words, which are in a language we do not know."""
        content = _paragraph(text)
        if scheme(url) in WEB:
            label = button.strip() or self._texts[best_language(accept_language)]["continue"]
            content += _button(url, label)
        return self._page("notice", 200, "", title, content)

    def app(self, action: App, accept_language: str) -> Page:
        """For iOS, where `edge.intent.address` cannot choose: open the app, get it, or go on without."""
        language = best_language(accept_language)
        texts = self._texts[language]
        title, text = texts["app"]
        content = _paragraph(text) + _button(action.ios_link, texts["app_open"])
        if action.ios_store:
            content += _button(action.ios_store, texts["app_store"], "button second")
        content += _button(action.to, texts["app_web"], "plain")
        return self._page("app", 200, language, title, content)

    def _page(
        self, name: str, status: int, language: str, title: str, content: str, policy: str = ""
    ) -> Page:
        body = self._layout.format(
            lang=language,
            title=html.escape(title),
            content=content,
            style=self._style,
            name=name,
            icon=_ICONS[name],
        ).encode(errors="replace")
        headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", str(len(body))),
            ("vary", "accept-language"),
            ("cache-control", "no-store"),
            ("x-robots-tag", "noindex"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", policy or self._closed),
        ]
        if language:
            headers.append(("content-language", language))
        if status == 503:
            headers.append(("retry-after", RETRY_AFTER))
        return status, headers, body


def _read(name: str) -> str:
    return (_folder / name).read_text(encoding="utf-8")


def _paragraph(text: str) -> str:
    lines = "<br>\n".join(html.escape(line) for line in text.strip().splitlines())
    return f'<p dir="auto">{lines}</p>'


def _button(url: str, label: str, kind: str = "button") -> str:
    return (
        f'\n<a class="{kind}" dir="auto" href="{html.escape(url)}" rel="noreferrer">{html.escape(label)}</a>'
    )


def _host(url: str) -> str:
    """What stands between `//` and the path, as it is: whatever it is made of, it is shown."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
