"""A pass on its holder's phone: kept for the time without a network; a screenshot of it is soon refused."""

import json
import urllib.request
import uuid
from typing import Any

import pytest
from conftest import codes_on
from gate_organiser import organise
from playwright.sync_api import expect
from stack import Stack

PHONE = {"width": 390, "height": 844}
STEP = 15_000


@pytest.fixture
def holder(browser: Any) -> Any:
    """A phone of its own."""
    context = browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True)
    errors: list[str] = []
    context.on("page", lambda page: page.on("pageerror", lambda error: errors.append(str(error))))
    yield context
    context.close()
    assert not errors, errors


def scanned(page: Any) -> str:
    """What a gate's camera reads from the screen."""
    (text,) = codes_on(page)
    return text


def at_the_gate(stack: Stack, key: str, gate: int, text: str, **more: str) -> dict[str, Any]:
    body = {"gate_id": gate, "text": text, "nonce": str(uuid.uuid4())} | more
    asked = urllib.request.Request(
        f"{stack.console_url}/api/v1/gate/redemptions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def paired(stack: Stack, world: dict[str, Any]) -> tuple[str, int]:
    """The first device's key, and its gate."""
    asked = urllib.request.Request(
        f"{stack.console_url}/api/v1/gate/pair",
        json.dumps({"code": world["codes"][0]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        found = json.load(answer)
    return found["key"], found["device"]["gates"][0]["id"]


def test_a_code_changes_offline_and_a_screenshot_is_stale(holder: Any, stack: Stack) -> None:
    world = organise(stack, "festival", passes=2, rotating=True, holder={"name": "Ada Lovelace"})
    key, gate = paired(stack, world)
    link = organise(stack, "web_links", program=world["program"])[0]
    page = holder.new_page()
    page.goto(link)
    expect(page.locator("[data-saved]")).to_be_visible()
    expect(page.locator("h1")).to_contain_text("Festival")
    expect(page.locator(".stub-facts")).to_contain_text("Ada Lovelace")
    expect(page.locator("[data-next]")).to_contain_text("New code in")
    screenshot = scanned(page)
    assert screenshot[:-8] == world["passes"][0]

    # No network any more; the phone is put away, and the page opened anew.
    holder.set_offline(True)
    page.reload()
    expect(page.locator("[data-word]")).to_have_text("Valid")
    expect(page.locator("[data-checked]")).to_contain_text("Offline")
    expect(page.locator(".stub-facts")).to_contain_text("Ada Lovelace")
    for _ in range(3):
        drawn = page.locator("[data-qr-path]").get_attribute("d")
        expect(page.locator("[data-qr-path]")).not_to_have_attribute("d", drawn, timeout=2 * STEP)
    live = scanned(page)
    assert live[:-8] == screenshot[:-8]
    assert live[-8:] != screenshot[-8:]

    # Three codes later the picture is stale; the phone itself is not.
    refused = at_the_gate(stack, key, gate, screenshot)
    assert (refused["reason"], refused["admitted"]) == ("stale", False)
    assert at_the_gate(stack, key, gate, world["passes"][1])["reason"] == "stale"
    assert at_the_gate(stack, key, gate, scanned(page))["admitted"] is True

    # Back on the network, it says that it was used.
    holder.set_offline(False)
    expect(page.locator("[data-word]")).to_have_text("Inside", timeout=30_000)


def test_a_wrong_clock_is_allowed_for_and_said(holder: Any, stack: Stack) -> None:
    """The phone is eleven minutes slow: offline, too, its code is the right one."""
    world = organise(stack, "festival", passes=1, rotating=True)
    key, gate = paired(stack, world)
    link = organise(stack, "web_links", program=world["program"])[0]
    holder.add_init_script(
        "{ const real = Date.now; Date.now = () => real() - 660_000;"
        " const Old = Date; globalThis.Date = class extends Old {"
        " constructor(...all) { all.length ? super(...all) : super(Old.now()); } }; }"
    )
    page = holder.new_page()
    page.goto(link)
    expect(page.locator("[data-saved]")).to_be_visible()
    expect(page.locator("[data-clock]")).to_contain_text("This phone’s clock is 11 minutes slow.")
    holder.set_offline(True)
    page.reload()
    expect(page.locator("[data-clock]")).to_contain_text("11 minutes slow")
    expect(page.locator("[data-next]")).to_contain_text("New code in")
    assert at_the_gate(stack, key, gate, scanned(page))["admitted"] is True


def test_who_is_inside_may_leave_after_the_end(holder: Any, stack: Stack) -> None:
    world = organise(stack, "festival", passes=1, use_hours=1)
    key, gate = paired(stack, world)
    (link,) = organise(stack, "web_links", program=world["program"])
    assert at_the_gate(stack, key, gate, world["passes"][0])["admitted"] is True
    page = holder.new_page()
    page.goto(link)
    expect(page.locator("[data-word]")).to_have_text("Inside")
    holder.set_offline(True)
    page.evaluate("() => { const real = Date.now; Date.now = () => real() + 7_200_000; }")
    page.wait_for_timeout(1200)
    expect(page.locator("[data-word]")).to_have_text("Inside")
    assert scanned(page)


def test_what_was_passed_on_is_gone_from_the_old_phone(holder: Any, stack: Stack) -> None:
    world = organise(stack, "festival", passes=1, holder={"name": "Ada Lovelace"}, offline=False)
    (link,) = organise(stack, "web_links", program=world["program"])
    page = holder.new_page()
    page.goto(link)
    expect(page.locator("[data-saved]")).to_be_visible()
    assert scanned(page) == world["passes"][0]
    organise(stack, "transfer", program=world["program"], holder={"name": "Grace Hopper"})
    page.reload()
    expect(page.locator("h1")).to_have_text("This link is out of date")
    # Not even from what the phone had kept.
    holder.set_offline(True)
    with pytest.raises(Exception, match="net::ERR_"):
        page.reload()
    holder.set_offline(False)
    (new,) = organise(stack, "web_links", program=world["program"])
    page.goto(new)
    expect(page.locator(".stub-facts")).to_contain_text("Grace Hopper")


def test_what_happens_elsewhere_is_seen_while_the_page_is_open(holder: Any, stack: Stack) -> None:
    world = organise(stack, "festival", passes=1)
    key, gate = paired(stack, world)
    (link,) = organise(stack, "web_links", program=world["program"])
    page = holder.new_page()
    page.goto(link)
    expect(page.locator("[data-checked]")).to_contain_text("Checked at")
    assert at_the_gate(stack, key, gate, scanned(page))["admitted"] is True
    expect(page.locator("[data-word]")).to_have_text("Inside", timeout=40_000)
    assert page.evaluate("document.cookie") == ""
