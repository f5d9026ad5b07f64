import base64
import hashlib
import json
import re
from html import escape, unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge
from analytics.events import Reason
from edge.decide import PAGE_DECISIONS
from edge.language import LANGUAGES
from edge.pages import Pages
from edge.rules import App

PAGES = Pages()
TEXTS = json.loads((Path(edge.__file__).parent / "templates" / "messages.json").read_text(encoding="utf-8"))
SCHEMED = App(to="https://shop.example/", ios_link="shop://p/1", ios_store="https://apps.apple.com/app/id1")
EVIL = "https://shop.example/?a=\"><script>alert('1')</script>&b"

SAME = [
    (PAGES.refusal(decision, language), decision.status, language)
    for decision in PAGE_DECISIONS
    for language in LANGUAGES
]
SAME += [(PAGES.root(language), 200, language) for language in LANGUAGES]
VARIABLE = [
    (page, status, language)
    for language in LANGUAGES
    for page, status in (
        (PAGES.password_form("/abc", language, wrong=False, wait=0), 200),
        (PAGES.password_form("/abc", language, wrong=True, wait=0), 403),
        (PAGES.password_form("/abc", language, wrong=False, wait=42), 429),
        (PAGES.preview("go.example/abc", "https://shop.example/", language, reason=Reason.OK), 200),
        (PAGES.preview("go.example/abc", None, language, reason=Reason.PASSWORD), 200),
        (PAGES.preview("go.example/abc", None, language, reason=Reason.NOTICE), 200),
        (PAGES.preview("go.example/abc", None, language, reason=Reason.PREVIEW), 200),
        (PAGES.app(SCHEMED, language), 200),
    )
]


def text_of(page) -> str:
    return page[2].decode()


def header(page, name: str) -> str:
    return dict(page[1]).get(name, "")


def links(page) -> list[str]:
    return [unescape(url) for url in re.findall(r'<a [^>]*href="([^"]*)"', text_of(page))]


@pytest.mark.parametrize(("page", "status", "language"), SAME + VARIABLE)
def test_every_page_is_small_localised_and_closed(page, status, language):
    sent, headers, text = page[0], dict(page[1]), text_of(page)
    assert sent == status
    assert f'<html lang="{language}">' in text
    assert headers["content-language"] == language
    assert int(headers["content-length"]) == len(page[2]) < 6000
    assert headers["x-robots-tag"] == "noindex"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers.get("retry-after", "") == {503: "1", 429: "42"}.get(status, "")
    policy = headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script|style=|src=|\{[a-z]+\}", text.replace(style, ""))


@pytest.mark.parametrize(("page", "status", "language"), SAME)
def test_a_page_without_a_destination_links_nowhere(page, status, language):
    assert not re.search(r"https?://|href|<form", text_of(page))
    assert "form-action 'none'" in header(page, "content-security-policy")


def test_no_two_languages_share_a_page():
    bodies = [page[2] for page, *_ in SAME + VARIABLE]
    assert len(set(bodies)) == len(bodies)
    assert len(SAME) == (len(PAGE_DECISIONS) + 1) * len(LANGUAGES)


def test_every_language_has_every_text_with_the_same_gaps():
    assert tuple(TEXTS) == LANGUAGES
    for name, english in TEXTS["en"].items():
        said = [texts[name] for texts in TEXTS.values()]
        parts = [text if isinstance(text, list) else [text] for text in said]
        assert {len(part) for part in parts} == {len(english) if isinstance(english, list) else 1}
        for part in zip(*parts, strict=True):
            assert all(text.strip() == text != "" for text in part)
            assert len({tuple(re.findall(r"\{\w*\}", text)) for text in part}) == 1, name
    assert len({tuple(texts) for texts in TEXTS.values()}) == 1


def test_the_password_form_posts_a_labelled_field_back_and_tells_password_managers_the_links_apart():
    page = PAGES.password_form("/abc?x=1&y=2", "en", wrong=False, wait=0)
    text = text_of(page)
    assert '<form method="post" action="/abc?x=1&amp;y=2">' in text
    assert '<label for="password">Password</label>' in text
    assert re.search(
        r'<input id="password" name="password" type="password" autocomplete="current-password"', text
    )
    assert text.count("<input") == 2
    assert '<input name="username" value="/abc" autocomplete="username" hidden>' in text
    assert "alert" not in text
    assert "form-action 'self'" in header(page, "content-security-policy")


def test_a_wrong_password_is_said_to_everybody_who_waits_for_it():
    wrong = text_of(PAGES.password_form("/abc", "en", wrong=True, wait=0))
    assert 'role="alert">That is not the right password.' in wrong
    assert 'aria-invalid="true" aria-describedby="error"' in wrong
    wait = text_of(PAGES.password_form("/abc", "en", wrong=True, wait=42))
    assert "Please wait 42 s" in wait


def test_a_preview_shows_the_host_and_the_whole_address_and_leads_on_without_a_referrer():
    url = "https://user.shop.example:8443/p?q=1#x"
    page = PAGES.preview("go.example/abc", url, "en", reason=Reason.OK)
    text = text_of(page)
    assert "go.example/abc takes you here" in text
    assert '<b dir="ltr">user.shop.example:8443</b>' in text
    assert f'<code dir="ltr">{url}</code>' in text
    assert 'rel="noreferrer' in text
    assert links(page) == [url]
    assert header(page, "location") == ""


def test_a_preview_can_lead_on_through_the_short_link_so_that_it_counts():
    page = PAGES.preview("go.example/abc", "https://shop.example/", "en", reason=Reason.OK, through="/abc")
    assert links(page) == ["/abc"]
    assert "https://shop.example/" in text_of(page)


def test_an_international_host_is_shown_in_punycode_with_a_warning():
    page = text_of(PAGES.preview("go.example/a", "https://xn--pple-43d.com/", "en", reason=Reason.OK))
    assert '<b dir="ltr">xn--pple-43d.com</b>' in page
    assert "Careful" in page
    assert "Careful" not in text_of(
        PAGES.preview("go.example/a", "https://a.example/xn--", "en", reason=Reason.OK)
    )


@pytest.mark.parametrize("decision", PAGE_DECISIONS)
def test_a_preview_of_what_is_not_active_says_so(decision):
    page = PAGES.preview("go.example/abc", None, "en", reason=decision.reason)
    assert page == PAGES.refusal(decision, "en")


def test_a_preview_never_tells_what_a_password_protects():
    page = PAGES.preview("go.example/abc", None, "en", reason=Reason.PASSWORD)
    assert "protected by a password" in text_of(page)
    assert links(page) == []


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (Reason.NOTICE, "shows a page of its own"),
        (Reason.PREVIEW, "does not say beforehand"),
        (Reason.OK, "does not say beforehand"),
    ],
)
def test_a_preview_without_an_address_says_why(reason, says):
    page = PAGES.preview("go.example/abc", None, "en", reason=reason, through="/abc")
    assert f"go.example/abc {says}" in text_of(page)
    assert links(page) == []


def test_a_notice_keeps_its_lines_and_its_button():
    page = PAGES.notice("Closed", "Today only.\r\n\nSee you!\n", "Our shop", "https://shop.example/", "de")
    text = text_of(page)
    assert '<p dir="auto">Today only.<br>\n<br>\nSee you!</p>' in text
    assert '<h1 dir="auto">Closed</h1>' in text
    assert links(page) == ["https://shop.example/"]
    assert ">Our shop</a>" in text
    assert page[0] == 200


def test_a_notice_has_no_language_of_ours_except_on_a_button_without_a_label():
    page = PAGES.notice("Closed", "Today", "", "https://shop.example/", "de")
    assert '<html lang="">' in text_of(page)
    assert header(page, "content-language") == ""
    assert ">Weiter</a>" in text_of(page)


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", " javascript:alert(1)", "java\tscript:x", "data:,", "//x"]
)
def test_a_notice_has_a_button_only_for_a_web_address(url):
    assert links(PAGES.notice("Closed", "Today", "Go", url, "en")) == []


texts = st.text(st.characters(exclude_characters="\n"), max_size=40).map(
    lambda text: f"{text}<script>\"'&</script>{text}"
)


@given(texts, texts, texts, texts)
def test_no_text_of_others_is_ever_markup(one, two, three, four):
    url = f"https://shop.example/{four}"
    pages = [
        PAGES.notice(one, two, three, url, "en"),
        PAGES.preview(one, url, "en", reason=Reason.OK),
        PAGES.preview(one, None, "en", reason=Reason.PASSWORD),
        PAGES.password_form(one, "en", wrong=True, wait=0),
        PAGES.app(App(to=url, ios_link=f"shop://{two}", ios_store=f"https://{three}"), "en"),
    ]
    for page in pages:
        text = text_of(page)
        assert "<script" not in text.lower()
        for tag in re.findall(r"<[^>]*>", text):
            assert tag.count('"') % 2 == 0
        assert int(header(page, "content-length")) == len(page[2])


def test_an_address_keeps_every_character_when_it_is_escaped():
    assert links(PAGES.preview("go.example/a", EVIL, "en", reason=Reason.OK)) == [EVIL]
    assert escape(EVIL) in text_of(PAGES.preview("go.example/a", EVIL, "en", reason=Reason.OK))
    assert links(PAGES.notice("t", "t", "b", EVIL, "en")) == [EVIL]


def test_an_own_scheme_on_ios_is_a_page_with_a_choice():
    page = PAGES.app(SCHEMED, "en")
    assert links(page) == ["shop://p/1", "https://apps.apple.com/app/id1", "https://shop.example/"]
    assert ">Open in the app<" in text_of(page)
    assert ">Get the app<" in text_of(page)
    assert ">Continue in the browser<" in text_of(page)
    without = PAGES.app(App(to="https://shop.example/", ios_link="shop://p/1"), "en")
    assert links(without) == ["shop://p/1", "https://shop.example/"]
