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
    sent, headers, body = page[0], dict(page[1]), page[2]
    text = body.decode()
    assert sent == status
    assert f'<html lang="{language}">' in text
    assert headers["content-language"] == language
    assert int(headers["content-length"]) == len(body) < 6000
    assert headers["x-robots-tag"] == "noindex"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert (headers.get("retry-after") == "1") == (status == 503)
    policy = headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script|style=|https?://|src=|\{[a-z]+\}", text.replace(style, ""))


def test_no_two_languages_share_a_sentence():
    bodies = [page[2] for page, *_ in EVERY]
    assert len(set(bodies)) == len(bodies) == (len(PAGE_DECISIONS) + 1) * len(LANGUAGES)
