"""A car park's gate on a phone: plates that are typed, and what goes on at the other gates."""

from typing import Any

from conftest import OpenPhone, close_verdict
from gate_organiser import organise
from playwright.sync_api import expect
from stack import Stack
from test_gate_road import lose_replies, overflow


def test_a_car_is_counted_by_its_plate(phone: OpenPhone, stack: Stack) -> None:
    page, world = car_park(phone, stack, holder={"name": "Ada", "plate": "B-AL 1815"})

    # Nonsense, and both at once, get a sentence.
    page.click("#open-enter")
    expect(page.locator("#enter-plate")).to_be_visible()
    page.click("#enter button:has-text('Check it')")
    expect(page.locator("#enter-error")).to_have_text("Enter a code or a plate first.")
    page.fill("#enter-text", world["passes"][0])
    page.fill("#enter-plate", "B-AL 1815")
    page.click("#enter button:has-text('Check it')")
    expect(page.locator("#enter-error")).to_have_text("Enter a code or a plate, not both.")
    page.fill("#enter-text", "")
    page.fill("#enter-plate", "!")
    page.click("#enter button:has-text('Check it')")
    expect(page.locator("#verdict")).to_contain_text("2 to 20")
    close_verdict(page)

    # The plate of a pass, however it is spelled; again, and it is somebody who leaves.
    enter_plate(page, "b al1815")
    expect(page.locator("#verdict-word")).to_have_text("In")
    expect(page.locator("#verdict-lines")).to_contain_text(f"Pass no. {world['numbers'][0]}")
    expect(page.locator("#count-number")).to_have_text("1 / 5")
    close_verdict(page)
    enter_plate(page, "B-AL 1815")
    expect(page.locator("#verdict-word")).to_have_text("Out")
    close_verdict(page)

    # Nobody's plate counts a car without a pass, once also where its reply was lost.
    lost = lose_replies(page, "**/api/v1/gate/plates", 2)
    enter_plate(page, "M XY 7")
    expect(page.locator("#verdict-word")).to_have_text("In", timeout=15_000)
    expect(page.locator("#verdict-sentence")).to_have_text("Counted in.")
    assert len(lost) == 2
    page.unroute("**/api/v1/gate/plates")
    close_verdict(page)
    expect(page.locator("#count-number")).to_have_text("1 / 5")

    # Given up, and entered once more: still one car.
    lost = lose_replies(page, "**/api/v1/gate/plates", 1000)
    enter_plate(page, "K OK 1")
    expect(page.locator("#verdict")).to_have_attribute("data-kind", "wait", timeout=10_000)
    page.click("#verdict-give-up")
    expect(page.locator("#toasts")).to_contain_text("enter its plate again")
    page.unroute("**/api/v1/gate/plates")
    enter_plate(page, "KOK1")
    expect(page.locator("#verdict-word")).to_have_text("In", timeout=15_000)
    close_verdict(page)
    expect(page.locator("#count-number")).to_have_text("2 / 5")
    assert organise(stack, "inside", program=world["program"]) == 2

    # The scan of the pass is among the last ones.
    page.click("#open-last")
    expect(page.locator("#last .scan").first).to_contain_text(f"No. {world['numbers'][0]}")
    assert overflow(page) <= 0


def test_plates_need_the_network_and_a_concert_has_none(phone: OpenPhone, stack: Stack) -> None:
    concert = organise(stack, "festival", passes=1)
    page = phone(concert["codes"][0])
    page.click("#open-enter")
    expect(page.locator("#enter-text")).to_be_visible()
    expect(page.locator("#enter-car")).to_be_hidden()

    page, _ = car_park(phone, stack)
    page.route("**/api/v1/gate/**", lambda route: route.abort())
    enter_plate(page, "B-AL 1815")
    expect(page.locator("#verdict")).to_have_attribute("data-kind", "wait", timeout=10_000)
    expect(page.locator("#verdict-lines")).to_contain_text("While it is away, cars are counted by +1 and −1.")
    # What was entered is sent when the network is back, also where the page was closed meanwhile.
    page.unroute("**/api/v1/gate/**")
    page.reload()
    expect(page.locator("#verdict-word")).to_have_text("In", timeout=20_000)
    expect(page.locator("#count-number")).to_have_text("1 / 5")


def test_a_phone_shows_what_goes_on_at_all_gates(phone: OpenPhone, stack: Stack) -> None:
    world = organise(
        stack,
        "festival",
        passes=1,
        gates=[["North", "both"], ["South", "both"]],
        devices=[["Phone", "steward"], ["Other", "steward"]],
    )
    north, south = phone(world["codes"][0]), phone(world["codes"][1])
    north.click("#gate-list button:has-text('North')")
    south.click("#gate-list button:has-text('South')")
    for _ in range(3):
        south.click("[data-delta='1']")
    south.click("[data-delta='-1']")
    expect(south.locator("#count-number")).to_have_text("2")
    north.click("#open-menu")
    north.click("#menu-gates")
    rows = north.locator("#gates-now .gate-rate")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("this one")
    expect(rows.first).to_contain_text("nobody")
    expect(rows.last).to_contain_text("3 in · 1 out", timeout=25_000)
    expect(north.locator("#gates-now-when")).to_contain_text("in the last 15 minutes, as of")
    assert overflow(north) <= 0


def car_park(phone: OpenPhone, stack: Stack, **settings: Any) -> tuple[Any, dict[str, Any]]:
    """A phone at the one gate of a car park with five bays, and its world."""
    world = organise(
        stack,
        "festival",
        passes=1,
        capacity=5,
        kind="parking",
        reentry="after_exit",
        gates=[["Barrier", "both"]],
        **settings,
    )
    page = phone(service_workers="block")
    page.fill("#pairing-code", world["codes"][0])
    page.keyboard.press("Enter")
    expect(page.locator("#gate-title")).to_have_text("Barrier")
    return page, world


def enter_plate(page: Any, plate: str) -> None:
    page.click("#open-enter")
    page.fill("#enter-plate", plate)
    page.keyboard.press("Enter")
