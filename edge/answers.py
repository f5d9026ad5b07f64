"""Puts a decision on the wire: a redirect, or a page in the visitor's language."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

from analytics.events import Reason
from edge.decide import Decision, Headers
from edge.pages import Page, Pages
from edge.rules import App, Notice
from edge.visit import Visit

_PLAIN: Final = (
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
    ("x-content-type-options", "nosniff"),
)

_QUERY: Final = "%&=+;,:@/?!$'()*[]"
"""What may stand in a query as it is; what is encoded already stays so."""


class Answers:
    """One per worker. Safe on any thread."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def send(self, visit: Visit, decision: Decision, more: Iterable[tuple[str, str]] = ()) -> None:
        """The whole answer to a decision, with `more` headers."""
        if decision.headers is not None:
            visit.protocol.response_empty(decision.status, [*decision.headers, *more])
            return
        language, action = visit.header("accept-language", ""), decision.action
        if decision.reason is Reason.PASSWORD:
            page = self._pages.password_form(_address(visit), language, wrong=False, wait=0)
        elif isinstance(action, Notice):
            page = self._pages.notice(action.title, action.text, action.button, action.url, language)
        elif isinstance(action, App):
            page = self._pages.app(action, language)
        else:
            page = self._pages.refusal(decision, language)
        self.send_page(visit, page, more)

    def preview(self, visit: Visit, name: str, destination: str | None, reason: Reason) -> None:
        """The page behind `CODE+`; its button leads through the short link, so that the visit counts.

        `name` is the code, or a product's; `reason` is what a scan would be answered with.
        """
        page = self._pages.preview(
            f"{visit.host}/{name}",
            destination,
            visit.header("accept-language", ""),
            reason=reason,
            through=f"/{name}",
        )
        self.send_page(visit, page)

    def password_again(self, visit: Visit, *, wait: int) -> None:
        """The form after a wrong password; with `wait`, after too many."""
        language = visit.header("accept-language", "")
        page = self._pages.password_form(_address(visit), language, wrong=not wait, wait=wait)
        self.send_page(visit, page)

    @staticmethod
    def send_page(visit: Visit, page: Page, more: Iterable[tuple[str, str]] = ()) -> None:
        status, headers, body = page
        visit.protocol.response_bytes(status, [*headers, *more], b"" if visit.method == "HEAD" else body)


def _address(visit: Visit) -> str:
    """Where a form is sent: to what was asked for, its query with the placement and campaign included."""
    path = quote(visit.scope.path)
    return f"{path}?{quote(visit.query, safe=_QUERY)}" if visit.query else path


def plain(scope: Scope, protocol: HTTPProtocol, status: int, text: str, *headers: tuple[str, str]) -> None:
    """A line of text, for what is no scan."""
    found: Headers = [*_PLAIN, *headers]
    protocol.response_str(status, found, "" if scope.method == "HEAD" else text)
