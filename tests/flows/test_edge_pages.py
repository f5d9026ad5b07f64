"""The edge's own pages in a real browser: what its policy allows, and what a small phone shows of them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from analytics.events import Reason
from edge.language import LANGUAGES
from edge.pages import Page, Pages
from edge.rules import App

PAGES = Pages()
LONG = "https://www.a-long-name-of-a-shop.example/offers/" + "abcdefghij" * 30
SCHEMED = App(to="https://shop.example/", ios_link="shop://p/1", ios_store="https://apps.apple.com/app/id1")


class Site:
    """Answers GET with `page`; a POST leads by way of this site to the other origin, as a password does."""

    def __init__(self) -> None:
        self.page: Page = PAGES.root("en")
        self._servers: list[ThreadingHTTPServer] = []
        self.there = self._serve(lambda method, path: (200, [("content-type", "text/plain")], b"Arrived."))
        self.here = self._serve(self._answer)

    def _answer(self, method: str, path: str) -> Page:
        if method == "POST":
            return 303, [("location", "/on")], b""
        if path == "/on":
            return 302, [("location", f"{self.there}/")], b""
        return self.page

    def _serve(self, answer: Any) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, body = answer(self.command, self.path)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.close()


def test_whoever_gives_the_password_arrives_on_another_site(page, site):
    site.page = PAGES.password_form("/abc", "en", wrong=False, wait=0)
    page.goto(f"{site.here}/abc")
    assert page.locator("input:visible").count() == 1
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Open the link").click()
    page.get_by_text("Arrived.").wait_for()
    assert page.url == f"{site.there}/"


def test_every_page_fits_a_small_phone_and_breaks_no_rule_of_its_own_policy(page, site):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.set_viewport_size({"width": 320, "height": 560})
    for language in LANGUAGES:
        for shown in (
            PAGES.password_form("/abc", language, wrong=True, wait=0),
            PAGES.preview("go.example/" + "k7m2p9x3ab" * 4, LONG, language, reason=Reason.OK),
            PAGES.notice("W" * 60, "w" * 200, "v" * 60, LONG, language),
            PAGES.app(SCHEMED, language),
        ):
            site.page = shown
            page.goto(f"{site.here}/abc")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "20px"
    assert [text for text in said if "Content Security Policy" in text] == []
