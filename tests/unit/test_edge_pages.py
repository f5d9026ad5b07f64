import base64
import hashlib
import re

import pytest

from edge.decide import PAGE_DECISIONS
from edge.language import LANGUAGES
from edge.pages import Pages

PAGES = Pages()
EVERY = [
    (PAGES.refusal(decision, language), decision.status, language)
    for decision in PAGE_DECISIONS
    for language in LANGUAGES
]
EVERY += [(PAGES.root(language), 200, language) for language in LANGUAGES]


@pytest.mark.parametrize(("page", "status", "language"), EVERY)
def test_every_page_is_small_localised_and_closed(page, status, language):
    start, body = page
    headers = dict(start["headers"])
    text = body["body"].decode()
    assert start["status"] == status
    assert f'<html lang="{language}">' in text
    assert headers[b"content-language"] == language.encode()
    assert int(headers[b"content-length"]) == len(body["body"]) < 6000
    assert headers[b"x-robots-tag"] == b"noindex"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert (headers.get(b"retry-after") == b"1") == (status == 503)
    policy = headers[b"content-security-policy"].decode()
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script|style=|https?://|src=|\{[a-z]+\}", text.replace(style, ""))


def test_no_two_languages_share_a_sentence():
    bodies = [page[1]["body"] for page, *_ in EVERY]
    assert len(set(bodies)) == len(bodies) == (len(PAGE_DECISIONS) + 1) * len(LANGUAGES)
