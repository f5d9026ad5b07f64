"""What a gate's phone has not handed in stays on it, through closed stores and pairing anew."""

from typing import Any

from conftest import OpenPhone
from gate_organiser import organise
from playwright.sync_api import expect
from stack import Stack
from test_gate_offline import prepared, somebody_inside, verdict
from test_gate_road import type_as_scanner

CLOSE_STORES = """() => Promise.all(["scanway-gate", "scanway-gate-offline"].map((name) =>
  new Promise((done) => {
    const request = indexedDB.open(name, 2);  // every other connection is asked to close
    request.onupgradeneeded = () => request.transaction.abort();
    request.onerror = () => done("as it was");
    request.onsuccess = () => done("changed");
    request.onblocked = () => done("still open");
  })))"""


def test_a_browser_that_closes_its_stores_costs_nothing(phone: OpenPhone, stack: Stack) -> None:
    world = organise(stack, "festival", passes=3)
    page: Any = prepared(phone(world["codes"][0]))
    page.context.set_offline(True)
    banner = page.locator("#banner-offline")
    expect(banner).to_contain_text("Offline since")
    verdict(page, world["passes"][0], "ok")
    for number, text in enumerate(world["passes"][1:], 2):
        assert page.evaluate(CLOSE_STORES) == ["as it was"] * 2
        verdict(page, text, "ok", "Decided by this phone")
        expect(banner).to_contain_text(f"{number} scans kept")
    assert page.evaluate(CLOSE_STORES) == ["as it was"] * 2
    page.reload()
    expect(banner).to_contain_text("3 scans kept")
    page.context.set_offline(False)
    expect(banner).to_be_hidden(timeout=20_000)
    assert organise(stack, "inside", program=world["program"]) == 3


def test_it_says_what_waits_before_it_is_paired_anew(phone: OpenPhone, stack: Stack) -> None:
    world = organise(stack, "festival", passes=1, devices=[["Phone", "steward"], ["Spare", "steward"]])
    other = organise(stack, "festival", passes=1)
    page: Any = prepared(phone(world["codes"][0], service_workers="allow"))
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_text("Offline")
    verdict(page, world["passes"][0], "ok")
    # Back again, but what waits cannot be handed in.
    page.context.route("**/api/v1/gate/journal", lambda route: route.abort("connectionreset"))
    page.context.set_offline(False)
    type_as_scanner(page, other["codes"][0])
    told = page.locator("#pairing-again")
    expect(told).to_contain_text("paired as “Phone”")
    page.click("#pairing-go")
    expect(told).to_contain_text("1 scan was not handed in yet and will stay on this phone", timeout=20_000)
    page.click("#pairing-go")
    expect(page.locator("#gate-title")).to_have_text("North")
    expect(page.locator("#banner-offline")).to_be_hidden()
    assert organise(stack, "inside", program=world["program"]) == 0

    page.context.unroute("**/api/v1/gate/journal")
    type_as_scanner(page, world["codes"][1])
    page.click("#pairing-go")
    expect(page.locator("#gate-program")).to_contain_text("Spare")
    assert somebody_inside(page, stack, world["program"]) == 1
