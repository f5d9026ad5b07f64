"""Rules as a person makes them: two in the editor, tried, saved, and followed by two phones."""

import json
import re
from typing import Any

import pytest
from load import PHONE
from playwright.sync_api import expect
from product import Api, visit, wait_for
from stack import Stack

ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Mobile Safari/537.36"
)


def new_link(stack: Stack, page: Any, **values: Any) -> dict[str, Any]:
    """A link, with its page of rules open."""
    link = Api(stack).create(destination="https://example.com/menu", **values)
    page.goto(f"{stack.console_url}/w/my-workspace/links/{link['id']}/rules/")
    return link


def rule(page: Any, number: int) -> Any:
    return page.locator(f"[data-rules-list] > [data-rule='{number}']")


@pytest.mark.parametrize("width", [1280, 390])
def test_two_rules_from_the_editor_to_two_phones(signed_in: Any, stack: Stack, width: int) -> None:
    page = signed_in
    page.set_viewport_size({"width": width, "height": 800})
    link = new_link(stack, page)

    # 1. The empty page offers examples; one of them is two rules, to be filled in.
    page.click("[data-rules-empty] [data-example=store]")
    rule(page, 1).get_by_label("Address").fill("https://apps.apple.com/app/id1")
    rule(page, 2).get_by_label("Address").fill("play.google.com/store/apps/details?id=x")
    expect(rule(page, 1).locator(".rule-sentence")).to_have_text(
        "If the system is iOS → then apps.apple.com/app/id1"
    )

    # 2. A third, by hand: Germans who have a phone. First it stands last, then first.
    page.click("[data-add-rule]")
    third = rule(page, 3)
    countries = third.get_by_label("Countries")
    countries.press_sequentially("germ")
    countries.press("Enter")
    third.get_by_role("button", name="Condition", exact=True).click()
    third.get_by_label("What is asked").nth(1).select_option("device")
    third.get_by_role("button", name="Phone").click()
    third.get_by_label("Address").fill("https://example.com/de")
    expect(third.locator(".rule-sentence")).to_have_text(
        "If the country is Germany and the device is a phone → then example.com/de"
    )
    third.get_by_label("Move up: rule 3").click()
    rule(page, 2).get_by_label("Move up: rule 2").click()
    expect(rule(page, 1).locator(".rule-sentence")).to_contain_text("Germany")

    # 3. Tried before it is saved.
    page.select_option("#try-preset", "android")
    page.select_option("#try-country", "FR")
    page.click("form[data-try] button")
    outcome = page.locator(".outcome")
    expect(outcome).to_contain_text("Rule 3 decides")
    expect(page.locator(".trace li").first).to_contain_text("country is FR, wanted DE")
    expect(rule(page, 3)).to_have_class(re.compile(r"\bmatched\b"))
    page.select_option("#try-country", "DE")
    expect(outcome).to_contain_text("https://example.com/de")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    # 4. Saved; two phones are sent to two places, a computer to the link's own.
    page.click("text=Save rules")
    page.wait_for_selector("text=Saved.")
    short = f"{stack.short_url}/{link['code']}"
    person = {"Accept": "text/html", "Accept-Language": "en"}
    iphone, android = {"User-Agent": PHONE} | person, {"User-Agent": ANDROID} | person
    wait_for("the rules", lambda: visit(short, **iphone)[1] == "https://apps.apple.com/app/id1", 5)
    assert visit(short, **android)[1] == "https://play.google.com/store/apps/details?id=x"
    assert visit(short, **{"User-Agent": "Mozilla/5.0 (Windows NT 10.0)"})[1] == "https://example.com/menu"
    saved = Api(stack)("GET", f"/links/{link['id']}")[1]["rules"]
    assert saved[0]["then"]["to"] == "https://example.com/de"

    # 5. Compared with the scans of today: without rules those of both phones would go to the menu.
    page.fill("#shadow-day", page.get_attribute("#shadow-day", "max"))
    for _ in range(3):
        rule(page, 1).get_by_label("Delete: rule 1").click()

    def moved() -> bool:
        page.click("form[data-shadow] button")
        page.wait_for_selector("[data-shadow-result]:not([aria-busy]) [data-shadow-answer]")
        answer = " ".join(page.text_content("[data-shadow-result]").split())
        return (
            "play.google.com/store/apps/details?id=x → then example.com/menu" in answer
            and "app/id1 →" in answer
        )

    wait_for("both phones' scans", moved, 20)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-rules-list] > .rule")).to_have_count(1)


def test_a_refused_rule_is_marked_where_it_is_wrong_and_keyboards_move_rules(
    signed_in: Any, stack: Stack
) -> None:
    page = signed_in
    new_link(stack, page)
    page.click("[data-rules-empty] [data-example=language]")
    rule(page, 1).get_by_label("Address").fill("https://example.com/de")
    rule(page, 2).get_by_label("Address").fill("javascript:alert(1)")
    page.click("text=Save rules")
    page.wait_for_selector("text=Not saved.")
    wrong = rule(page, 2).get_by_label("Address")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(rule(page, 2).locator("[data-error]")).to_contain_text("Rule 2")
    expect(wrong).to_have_value("javascript:alert(1)")
    wrong.fill("https://example.com/fr")
    expect(rule(page, 2).locator("[data-error]")).to_have_count(0)

    rule(page, 2).locator(".rule-toggle").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(rule(page, 1).locator(".rule-toggle")).to_be_focused()
    expect(rule(page, 1).locator(".rule-name")).to_have_text("French")
    page.click("text=Save rules")
    page.wait_for_selector("text=Saved.")
    expect(rule(page, 1).locator(".rule-name")).to_have_text("French")


def test_a_condition_deeper_than_the_rows_survives_an_edit(signed_in: Any, stack: Stack) -> None:
    page = signed_in
    inner = {"type": "all", "of": [{"type": "placement"}, {"type": "bot"}]}
    deep = {"type": "not", "of": {"type": "all", "of": [{"type": "any", "of": [{"type": "bot"}, inner]}]}}
    rules = [{"when": deep, "then": {"type": "redirect", "to": "https://example.com/a"}}]
    link = new_link(stack, page, rules=rules)
    rule(page, 1).locator(".rule-toggle").click()
    rule(page, 1).get_by_label("Address").fill("https://example.com/b")
    page.click("text=Save rules")
    page.wait_for_selector("text=Saved.")
    (saved,) = Api(stack)("GET", f"/links/{link['id']}")[1]["rules"]
    assert saved["when"] == deep
    assert saved["then"]["to"] == "https://example.com/b"


EVERY_KIND = [
    {"name": "places", "when": {"type": "all", "of": [
        {"type": "country", "values": ["DE", "AT"]}, {"type": "region", "values": ["Bavaria"]},
        {"type": "city", "values": ["Munich"]}, {"type": "ip", "values": ["192.0.2.0/24"]},
        {"type": "not", "of": {"type": "continent", "values": ["AF"]}},
    ]}, "then": {"type": "redirect", "to": "https://example.com/{country}", "status": 307, "pass_query": True,
                 "utm": {"source": "poster", "content": "x"}}},
    {"when": {"type": "any", "of": [
        {"type": "os", "values": ["ios"]}, {"type": "device", "values": ["phone"]}, {"type": "in_app"},
        {"type": "in_app", "values": ["Instagram"]}, {"type": "bot"}, {"type": "bot", "is_bot": False},
        {"type": "language", "values": ["de", "pt-br"], "accepted": True},
    ]}, "then": {"type": "split", "variants": [
        {"to": "https://example.com/a", "weight": 3, "name": "A"}, {"to": "https://example.com/b"},
    ]}},
    {"when": {"type": "all", "of": [
        {"type": "time", "zone": "Europe/Berlin", "days": [1, 5], "start": "22:00", "end": "06:00"},
        {"type": "dates", "start": "2030-01-31T18:00:00+01:00"}, {"type": "scan_number", "every": 10},
        {"type": "visitor", "new": False}, {"type": "query", "name": "ref", "values": ["mail"]},
    ]}, "then": {"type": "app", "to": "https://example.com/", "ios_link": "myapp://x",
                 "android_package": "com.example.shop"}},
    {"when": {"type": "not", "of": {"type": "any", "of": [
        {"type": "referrer", "values": ["example.org"]}, {"type": "placement", "values": ["door"]},
    ]}}, "then": {"type": "notice", "title": "Closed", "text": "Two\nlines", "button": "Hours",
                  "url": "https://example.com/hours"}},
    {"when": {"type": "scan_number", "first": 5}, "then": {"type": "password"}},
    {"then": {"type": "gone"}},
]  # fmt: skip


def test_every_kind_of_rule_comes_through_the_editor_as_it_was(signed_in: Any, stack: Stack) -> None:
    page = signed_in
    page.set_viewport_size({"width": 360, "height": 800})
    assert Api(stack)("PUT", "/workspace/app-schemes", {"schemes": ["myapp"]})[0] == 200
    link = new_link(stack, page, rules=EVERY_KIND, password="sesame")
    status, before = Api(stack)("GET", f"/links/{link['id']}")
    assert status == 200
    for number in range(1, len(EVERY_KIND) + 1):
        rule(page, number).locator(".rule-toggle").click()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    rule(page, len(EVERY_KIND)).get_by_label("Name of the rule").fill("last")
    page.click("text=Save rules")
    page.wait_for_selector("text=Saved.")
    after = Api(stack)("GET", f"/links/{link['id']}")[1]["rules"]
    assert after[:-1] == before["rules"][:-1]
    assert after[-1] == {"name": "last", "then": {"type": "gone"}}


def test_an_app_is_listed_before_a_rule_opens_it(signed_in: Any, stack: Stack) -> None:
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 800})
    page.on("dialog", lambda dialog: dialog.accept())  # unsaved changes
    known = {"type": "app", "to": "https://example.com/", "android_package": "com.example.shop"}
    link = new_link(stack, page, rules=[{"then": known}])
    apps, rules = f"{stack.console_url}/w/my-workspace/settings/apps/", page.url

    def save() -> Any:
        page.goto(rules)
        rule(page, 1).locator(".rule-toggle").click()
        field = rule(page, 1).get_by_label("iPhone: link that opens the app")
        field.fill("shop://item")
        page.click("text=Save rules")
        return field

    field = save()
    page.wait_for_selector("text=Not saved.")
    expect(field).to_be_focused()
    expect(rule(page, 1).locator("[data-error]")).to_contain_text("“shop:” is not one of this")

    # By keyboard: listed, used, taken off.
    page.goto(apps)
    page.get_by_label("Scheme").focus()
    page.keyboard.type("Shop://")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Rules may open shop:// now.")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    save()
    page.wait_for_selector("text=Saved.")
    page.goto(apps)
    page.get_by_role("button", name="Remove shop://").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Remove app").press("Enter")
    page.wait_for_selector("text=Removed. Rules that are saved stay as they are.")
    (kept,) = Api(stack)("GET", f"/links/{link['id']}")[1]["rules"]
    assert kept["then"] == known | {"ios_link": "shop://item"}


def test_json_and_cards_follow_each_other_and_dragging_moves_a_rule(signed_in: Any, stack: Stack) -> None:
    page = signed_in
    new_link(stack, page)
    page.locator("[data-rules-json] summary").click()
    there = [
        {"name": n, "then": {"type": "redirect", "to": f"https://example.com/{n}"}} for n in ("one", "two")
    ]
    page.fill("#rules-json", json.dumps(there))
    expect(rule(page, 2).locator(".rule-name")).to_have_text("two")
    rule(page, 2).locator(".rule-number").drag_to(rule(page, 1).locator(".rule-number"))
    expect(rule(page, 1).locator(".rule-name")).to_have_text("two")
    assert [one["name"] for one in json.loads(page.input_value("#rules-json"))] == ["two", "one"]
    # Keys that open a list or a date stay with it.
    rule(page, 1).locator(".rule-toggle").click()
    rule(page, 1).get_by_label("What happens").focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Escape")
    expect(rule(page, 1).locator(".rule-name")).to_have_text("two")
    # What the page does not know is not dropped in silence: the server refuses it.
    page.fill("#rules-json", json.dumps([there[0] | {"nmae": "x"}]))
    page.click("text=Save rules")
    page.wait_for_selector("text=Not saved.")
    assert "nmae" in page.inner_text(".notice-danger")


def test_text_that_the_cards_cannot_show_stays_and_costs_no_rule(signed_in: Any, stack: Stack) -> None:
    page = signed_in
    new_link(stack, page)
    page.locator("[data-rules-json] summary").click()
    one, two = (
        {"name": name, "then": {"type": "redirect", "to": "https://example.com/"}} for name in ("one", "two")
    )
    text = page.locator("#rules-json")
    text.fill(json.dumps([one, two]))
    expect(rule(page, 2)).to_be_visible()
    text.fill(json.dumps([{"then": None}, {"then": None}, {"then": None}]))
    problem = page.locator("#rules-json-error")
    expect(problem).to_contain_text("“then” has to be an object")
    rule(page, 1).get_by_label("Delete: rule 1").click()
    expect(page.locator("[data-rules-list] > .rule")).to_have_count(1)
    expect(rule(page, 1).locator(".rule-name")).to_have_text("two")

    # One rule without its brackets is not sent, or the answer would be a page without it.
    text.fill(json.dumps(one))
    page.click("text=Save rules")
    expect(problem).to_contain_text("it has to be a list")
    expect(text).to_be_focused()
    expect(text).to_have_value(json.dumps(one))
    text.fill("[{}" + ", {}" * 50 + "]")
    expect(problem).to_contain_text("at most 50 rules, and these are 51")

    # A condition of the wrong kind is a card that is edited as JSON; drawing a card changes nothing in it.
    wrong = {"when": {"type": "country", "values": "DE"}, "then": {"type": "gone"}}
    text.fill(json.dumps([wrong, {"when": {"type": "scan_number"}, "then": {"type": "gone"}}]))
    rule(page, 2).locator(".rule-toggle").click()
    expect(rule(page, 2).get_by_label("Number of scans")).to_have_value("")
    rule(page, 2).get_by_label("Name of the rule").fill("x")
    assert [one["when"] for one in json.loads(text.input_value())] == [wrong["when"], {"type": "scan_number"}]
    page.click("text=Save rules")
    page.wait_for_selector("text=Not saved.")
    expect(rule(page, 1).locator("[data-error]")).to_contain_text("Rule 1, country")


@pytest.mark.parametrize("sent", ['[{"then": null}]', '{"then": {"type": "gone"}}', "no json"])
def test_a_refused_text_that_no_card_can_show_comes_back_as_it_was(
    signed_in: Any, stack: Stack, sent: str
) -> None:
    page = signed_in
    new_link(stack, page)
    page.on("dialog", lambda dialog: dialog.accept())
    # As a browser without scripts sends it.
    page.evaluate(
        "sent => { const form = document.querySelector('form[data-rules]');"
        " form.elements.rules.value = sent; form.submit(); }",
        sent,
    )
    page.wait_for_selector("text=Not saved.")
    text = page.locator("#rules-json")
    expect(text).to_be_visible()
    expect(text).to_have_value(sent)
    expect(page.locator("#rules-json-error")).to_contain_text("The cards cannot follow this text")
    expect(page.locator("[data-add-rule]")).to_be_hidden()
    text.fill('[{"then": {"type": "gone"}}]')
    expect(page.locator("[data-add-rule]")).to_be_visible()
    page.click("text=Save rules")
    page.wait_for_selector("text=Saved.")


def test_without_javascript_the_rules_are_json(browser: Any, stack: Stack) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{stack.console_url}/login/")
    page.fill("input[name=login]", stack.email)
    page.fill("input[name=password]", stack.password)
    page.click("form button[type=submit]")
    link = new_link(stack, page)
    page.locator("[data-rules-json] summary").click()
    page.fill("#rules-json", '[{"then": {"type": "redirect", "to": "https://example.com/plain"}}]')
    page.click("text=Save rules")
    page.wait_for_selector("text=Saved.")
    short = f"{stack.short_url}/{link['code']}"
    wait_for("the rule", lambda: visit(short)[1] == "https://example.com/plain", 5)
    context.close()
