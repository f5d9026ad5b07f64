"""A market's kiosk: the organiser adds Maria, her phone is signed in, a customer has a pass in three taps."""

import json
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import codes_on
from gate_organiser import organise
from playwright.sync_api import expect
from stack import Stack

PHONE = {"width": 390, "height": 844}

Open = Callable[..., "Thumb"]


class Thumb:
    """A phone, and how often its screen was tapped."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.taps = 0

    def tap(self, name: str, role: str = "button") -> None:
        self.taps += 1
        self.page.get_by_role(role, name=name, exact=True).tap()

    def seen(self) -> list[str]:
        return codes_on(self.page)

    def numbers(self) -> dict[str, str]:
        rows = self.page.locator(".desk-numbers > div").all()
        return {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in rows}


@pytest.fixture
def phone(browser: Any) -> Iterator[Open]:
    contexts: list[Any] = []
    errors: list[str] = []

    def pick_up(address: str, **options: Any) -> Thumb:
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return Thumb(page)

    yield pick_up
    for context in contexts:
        context.close()
    assert not errors, errors


def add_person(page: Any, stack: Stack, program: int, issuer: str, person: str) -> str:
    """In the console, as an organiser does. Returns the link, as the code on the screen has it."""
    page.goto(f"{page.url.split('/w/')[0]}/w/my-workspace/passes/{program}/issuers/")
    if not page.get_by_role("link", name=f"Edit {issuer}").count():
        page.fill("input[name=name]", issuer)
        page.fill("input[name=quota_daily]", "6")
        page.click("text=Add issuer")
    page.get_by_role("link", name=f"Edit {issuer}").click()
    page.fill("#person_name", person)
    page.click("text=Add person")
    expect(page.locator("[data-pairing-state]")).to_have_text("Waiting for the phone")
    (link,) = Thumb(page).seen()
    assert link == page.locator("[data-link]").inner_text()
    assert link.startswith(f"{stack.console_url}/issue/in/swi_")
    return link


def redeem(stack: Stack, code: str, text: str) -> dict[str, Any]:
    """At a gate whose device is paired by this code."""

    def post(path: str, body: Any, **headers: str) -> Any:
        request = urllib.request.Request(
            f"{stack.console_url}/api/v1/gate{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    paired = post("/pair", {"code": code})
    scan = {"gate_id": paired["device"]["gates"][0]["id"], "text": text, "nonce": str(uuid.uuid4())}
    found: dict[str, Any] = post("/redemptions", scan, Authorization=f"Bearer {paired['key']}")
    return found


def test_three_taps(signed_in: Any, phone: Open, stack: Stack) -> None:
    world = organise(stack, "festival", kind="parking", passes=1)
    link = add_person(signed_in, stack, world["program"], "Kiosk 7", "Maria")
    maria = phone(link)
    expect(maria.page.locator("h1")).to_have_text("Sign in as Maria of Kiosk 7")
    maria.tap("Sign in on this phone")
    expect(maria.page.locator(".desk-brand")).to_contain_text("Kiosk 7")
    assert maria.page.url == f"{stack.console_url}/issue/"
    expect(signed_in.locator("[data-paired]")).to_contain_text("Maria is signed in", timeout=10_000)

    maria.taps = 0
    maria.tap("New pass", "link")
    expect(maria.page.locator("select[name=day] option:checked")).to_contain_text("Today, ")
    maria.tap("Make it")
    expect(maria.page.locator("h1")).to_contain_text("No. ")
    maria.tap("Show", "link")
    expect(maria.page.locator(".desk-full h1")).to_contain_text("No. ")
    assert maria.taps == 3
    (text,) = maria.seen()
    assert text.lower().startswith(f"{stack.short_url}/t/".lower())
    assert overflow(maria.page) <= 0

    said = redeem(stack, world["codes"][0], text)
    assert (said["admitted"], said["reason"]) == (True, "ok")
    maria.page.goto(f"{stack.console_url}/issue/")
    assert maria.numbers() == {"Made today": "1", "Made in all": "1", "Used today": "1", "Inside now": "1"}
    expect(maria.page.locator(".desk-left")).to_have_text("5 of 6 left today")

    # The rest of the day's quota at once; a plate is for one pass alone.
    maria.tap("New pass", "link")
    for _ in range(4):
        maria.tap("One more")
    expect(maria.page.locator("input[name=plate]")).to_be_hidden()
    expect(maria.page.get_by_role("button", name="One more")).to_be_disabled()
    maria.tap("Make 5")
    expect(maria.page.locator(".desk-codes li")).to_have_count(5)
    assert overflow(maria.page) <= 0
    with maria.page.expect_popup():
        maria.tap("Print receipts", "link")
    maria.tap("All passes", "link")
    expect(maria.page.locator(".notice")).to_contain_text("has made all its passes for today (6)")

    # Removed in the console: out with the next tap.
    signed_in.get_by_role("link", name="Done").click()
    signed_in.get_by_role("button", name="Remove Maria").click()
    signed_in.get_by_role("button", name="Remove", exact=True).click()
    expect(signed_in.locator(".toast")).to_contain_text("Maria is removed")
    maria.page.reload()
    expect(maria.page.locator("h1")).to_have_text("This phone was signed out")


def test_without_scripts_too(signed_in: Any, phone: Open, stack: Stack) -> None:
    world = organise(stack, "festival")
    nina = phone(
        add_person(signed_in, stack, world["program"], "Stage bar", "Nina"), java_script_enabled=False
    )
    nina.tap("Sign in on this phone")
    nina.taps = 0
    nina.tap("New pass", "link")
    nina.page.fill("input[name=name]", "Ana Example")
    nina.tap("Make it")
    nina.tap("Show", "link")
    assert nina.taps == 3
    assert len(nina.seen()) == 1
    expect(nina.page.locator("main")).to_contain_text("Ana Example")
    nina.tap("Close", "link")
    nina.page.locator("summary", has_text="Cancel this pass").tap()
    nina.page.locator("form[action$='/cancel/'] button").tap()
    expect(nina.page.locator("main")).to_contain_text("Gates refuse it.")


def test_sharing_and_a_form_that_comes_back(signed_in: Any, phone: Open, stack: Stack) -> None:
    world = organise(stack, "festival")
    link = add_person(signed_in, stack, world["program"], "Box office", "Ben")
    ben = phone("about:blank")
    # Headless Chromium has no share sheet: what would be handed to it is kept.
    ben.page.add_init_script("navigator.share = async (given) => { window.shared = given; };")
    ben.page.goto(link)
    ben.tap("Sign in on this phone")
    ben.tap("New pass", "link")
    ben.tap("Make it")
    ben.tap("Share")
    shared = ben.page.evaluate("window.shared")
    (text,) = ben.seen()
    assert shared["url"] == text
    assert shared["title"].endswith(", No. 4")

    # Back to the form, and again: that is another customer, and another pass.
    ben.page.go_back()
    ben.tap("Make it")
    expect(ben.page.locator("h1")).to_contain_text("No. 5")

    # Without a share sheet the link is copied.
    plain = phone("about:blank")
    plain.page.context.add_cookies(ben.page.context.cookies())
    plain.page.goto(ben.page.url)
    expect(plain.page.get_by_role("button", name="Copy the link")).to_be_visible()


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
