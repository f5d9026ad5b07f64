"""Puts a decision on the wire: a redirect, or a page in the visitor's language."""

from typing import Final
from urllib.parse import quote

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

from analytics.events import Reason
from edge.decide import Decision
from edge.entry import Headers, redirect
from edge.pages import Page, Pages
from edge.rules import App, Notice

_PLAIN: Final = (
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
    ("x-content-type-options", "nosniff"),
)


class Answers:
    """One per worker. Safe on any thread."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def send(self, scope: Scope, protocol: HTTPProtocol, decision: Decision) -> None:
        """The whole answer to a decision."""
        if decision.location is not None:
            protocol.response_empty(decision.status, redirect(decision.location))
            return
        language, action = scope.headers.get("accept-language", ""), decision.action
        if decision.reason is Reason.PASSWORD:
            page = self._pages.password_form(quote(scope.path), language, wrong=False, wait=0)
        elif isinstance(action, Notice):
            page = self._pages.notice(action.title, action.text, action.button, action.url, language)
        elif isinstance(action, App):
            page = self._pages.app(action, language)
        else:
            page = self._pages.refusal(decision, language)
        self.send_page(scope, protocol, page)

    def preview(
        self, scope: Scope, protocol: HTTPProtocol, short: str, destination: str | None, decision: Decision
    ) -> None:
        """The page behind `CODE+`; its button leads through the short link, so that the visit counts."""
        page = self._pages.preview(
            short,
            destination,
            scope.headers.get("accept-language", ""),
            reason=decision.reason,
            through=f"/{short.partition('/')[2]}",
        )
        self.send_page(scope, protocol, page)

    def password_again(self, scope: Scope, protocol: HTTPProtocol, *, wait: int) -> None:
        """The form after a wrong password; with `wait`, after too many."""
        language = scope.headers.get("accept-language", "")
        page = self._pages.password_form(quote(scope.path), language, wrong=not wait, wait=wait)
        self.send_page(scope, protocol, page)

    @staticmethod
    def send_page(scope: Scope, protocol: HTTPProtocol, page: Page) -> None:
        status, headers, body = page
        protocol.response_bytes(status, headers, b"" if scope.method == "HEAD" else body)


def plain(protocol: HTTPProtocol, status: int, text: str, *headers: tuple[str, str]) -> None:
    """A line of text, for what is no scan."""
    found: Headers = [*_PLAIN, *headers]
    protocol.response_str(status, found, text)
