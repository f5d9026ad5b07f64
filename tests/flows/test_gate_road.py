"""An evening at a gate: phones are paired, passes are shown, the network fails, nobody is counted twice."""

import json
import shutil
import urllib.error
import urllib.request
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import segno
from conftest import BROWSER_FLAGS, OpenPhone, close_verdict
from gate_organiser import organise
from PIL import Image
from playwright.sync_api import Error, expect
from stack import Stack

CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def test_the_camera_admits_a_pass_once(browser: Any, phone: OpenPhone, stack: Stack, tmp_path: Path) -> None:
    world = organise(stack, "festival", passes=1, capacity=400, holder={"name": "Ada"}, show_holder=True)
    film = tmp_path / "cam.y4m"
    # In the picture for 5 s, out of it for 3 s, and so on.
    write_film(film, world["passes"][0], shown=50, hidden=30)
    with_camera = browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=[*BROWSER_FLAGS, *CAMERA, f"--use-file-for-fake-video-capture={film}"],
    )
    try:
        page = phone(world["codes"][0], of=with_camera)
        assert page.url == f"{stack.console_url}/gate/"
        expect(page.locator("#gate-title")).to_have_text("North")
        expect(page.locator("#count-number")).to_have_text("0 / 400")

        page.click("#camera-on")
        verdict = page.locator("#verdict")
        expect(verdict).to_have_attribute("data-kind", "ok", timeout=30_000)
        expect(verdict).to_contain_text("Admitted.")
        expect(verdict).to_contain_text(f"AdaPass no. {world['numbers'][0]}")
        expect(verdict).to_contain_text("1 / 400 inside")
        expect(page.locator("#said")).to_contain_text("Admitted")
        took = page.evaluate("performance.getEntriesByName('gate:decoded→verdict').at(-1)?.duration ?? null")
        print(f"\ndecoded → verdict on screen: {took} ms")

        # It goes by itself; what is still held there is not sent again, what comes back is.
        expect(verdict).to_be_hidden(timeout=5000)
        expect(page.locator("#count-number")).to_have_text("1 / 400")
        expect(verdict).to_be_visible(timeout=15_000)
        expect(verdict).to_have_attribute("data-kind", "refused")
        expect(verdict).to_contain_text("This pass was used already.")
        expect(verdict).to_contain_text("at North, by Phone")
        expect(verdict).to_contain_text(" s ago")
    finally:
        with_camera.close()
    assert organise(stack, "inside", program=world["program"]) == 1


def test_a_scanner_types_and_a_guest_sends_a_link(phone: OpenPhone, stack: Stack) -> None:
    world = organise(stack, "festival", passes=3, gates=[["North", "both"], ["South", "exit"]])
    page = phone(world["codes"][0])
    page.click("#gate-list button:has-text('North')")
    expect(page.locator("#way")).to_be_visible()

    # Auto: who is outside goes in, who is inside goes out.
    type_key_by_key(page, world["passes"][0])
    expect(page.locator("#verdict-word")).to_have_text("In")
    expect(page.locator("#verdict")).to_be_hidden(timeout=5000)
    type_key_by_key(page, world["passes"][0])
    expect(page.locator("#verdict-word")).to_have_text("Out")
    expect(page.locator("#count-number")).to_have_text("0")

    # With the focus on a button, which the scanner's Enter and spaces do not press.
    page.locator("#verdict").wait_for(state="hidden")
    page.focus("[data-way=in]")
    page.click("[data-way=in]")
    page.focus("#open-menu")
    with page.expect_request("**/redemptions") as sent:
        type_key_by_key(page, "  NO PASS ")
    assert sent.value.post_data_json["text"] == "  NO PASS "
    expect(page.locator("#verdict-sentence")).to_have_text("This code is no pass of ours.")
    close_verdict(page)
    type_key_by_key(page, world["passes"][1])
    expect(page.locator("#verdict-word")).to_have_text("In")
    expect(page.locator("#menu")).to_be_hidden()
    close_verdict(page)

    # What a guest sends is pasted; nonsense gets a sentence.
    page.click("#open-enter")
    page.click("#enter button:has-text('Check it')")
    expect(page.locator("#enter-error")).to_have_text("Enter the code first.")
    page.fill("#enter-text", world["passes"][2])
    page.keyboard.press("Enter")
    expect(page.locator("#verdict-word")).to_have_text("In")
    expect(page.locator("#count-number")).to_have_text("2")
    close_verdict(page)
    page.click("#open-last")
    expect(page.locator("#last .scan")).to_have_count(5)
    expect(page.locator("#last .scan").first).to_contain_text(f"No. {world['numbers'][2]}")
    expect(page.locator("#last button:has-text('Undo')")).to_have_count(0)
    assert overflow(page) <= 0


def test_a_lost_reply_counts_once(phone: OpenPhone, stack: Stack) -> None:
    world = organise(stack, "festival", passes=2, capacity=10)
    # A service worker would hide the requests from the test.
    page = phone(service_workers="block")
    # Nor does this phone get rules to go by itself: see test_gate_offline.
    page.route("**/api/v1/gate/snapshot*", lambda route: route.abort())
    page.fill("#pairing-code", world["codes"][0])
    page.keyboard.press("Enter")
    expect(page.locator("#gate-title")).to_have_text("North")
    lost = lose_replies(page, "**/api/v1/gate/redemptions", 2)
    type_as_scanner(page, world["passes"][0])
    expect(page.locator("#verdict")).to_have_attribute("data-kind", "ok", timeout=15_000)
    assert len(lost) == 2
    assert len({json.loads(body)["nonce"] for body in lost}) == 1
    page.unroute("**/api/v1/gate/redemptions")

    lost = lose_replies(page, "**/api/v1/gate/counts", 1)
    expect(page.locator("#verdict")).to_be_hidden(timeout=5000)
    page.click("[data-delta='1']")
    expect(page.locator("#count-number")).to_have_text("2 / 10", timeout=10_000)
    assert len(lost) == 1
    expect(page.locator("#banner-waiting")).to_be_hidden()

    # Given up in a bad moment: the same code again gets the first answer, not “used already”.
    page.unroute("**/api/v1/gate/counts")
    lost = lose_replies(page, "**/api/v1/gate/redemptions", 1000)
    type_as_scanner(page, world["passes"][1])
    expect(page.locator("#verdict")).to_have_attribute("data-kind", "wait", timeout=10_000)
    expect(page.locator("#verdict")).to_contain_text("Not connected")
    page.click("#verdict-give-up")
    expect(page.locator("#toasts")).to_contain_text("scan it again")
    page.unroute("**/api/v1/gate/redemptions")
    type_as_scanner(page, world["passes"][1])
    expect(page.locator("#verdict")).to_have_attribute("data-kind", "ok", timeout=10_000)
    assert organise(stack, "inside", program=world["program"]) == 3


def test_full_everywhere_and_a_supervisor(phone: OpenPhone, stack: Stack) -> None:
    world = organise(
        stack,
        "festival",
        passes=2,
        capacity=2,
        gates=[["North", "both"]],
        devices=[["Phone", "steward"], ["Boss", "supervisor"]],
    )
    steward, boss = (phone(code) for code in world["codes"])
    type_as_scanner(steward, world["passes"][0])
    expect(steward.locator("#verdict")).to_have_attribute("data-kind", "ok")
    steward.locator("#verdict").wait_for(state="hidden")
    steward.click("[data-delta='1']")
    for page in (steward, boss):
        expect(page.locator("#count-state")).to_have_text("FULL", timeout=5000)
        expect(page.locator("#count")).to_have_attribute("data-level", "full")

    # Full is full for a supervisor too.
    type_as_scanner(boss, world["passes"][1])
    expect(boss.locator("#verdict-word")).to_have_text("Full")
    expect(boss.locator("#verdict-override")).to_be_hidden()
    close_verdict(boss)
    steward.click("[data-delta='-1']")
    expect(boss.locator("#count-number")).to_have_text("1 / 2", timeout=5000)

    # Who went out does not come back on this pass; a supervisor may let them, and says why.
    type_as_scanner(steward, world["passes"][0])
    expect(steward.locator("#verdict-word")).to_have_text("Out")
    type_as_scanner(steward, world["passes"][0])
    expect(steward.locator("#verdict")).to_have_attribute("data-kind", "refused")
    expect(steward.locator("#verdict-override")).to_be_hidden()
    type_as_scanner(boss, world["passes"][0])
    boss.click("#verdict-override")
    boss.click("#override-form button:has-text('Admit')")
    expect(boss.locator("#override-error")).to_have_text("Say why, in a few words.")
    boss.click("#override-reasons button >> nth=1")
    boss.click("#override-form .button-primary")
    expect(boss.locator("#verdict")).to_have_attribute("data-kind", "ok")
    expect(boss.locator("#verdict")).to_contain_text("Refused before: already used.")
    expect(steward.locator("#count-number")).to_have_text("1 / 2", timeout=5000)

    # And takes it back.
    boss.locator("#verdict").wait_for(state="hidden")
    boss.click("#open-last")
    boss.click("#last button:has-text('Undo')")
    boss.click("#last button:has-text('Undo it?')")
    expect(boss.locator("#last .scan-undone")).to_have_count(1)
    boss.click("#last [data-close]")
    expect(steward.locator("#count-number")).to_have_text("0 / 2", timeout=5000)

    # Somebody counted heads.
    boss.click("#open-menu")
    boss.click("#menu-correct")
    boss.fill("#correct-inside", "2")
    boss.fill("#correct-note", "Counted heads")
    boss.click("#correct .button-primary")
    expect(steward.locator("#count-number")).to_have_text("2 / 2", timeout=5000)
    steward.click("#open-menu")
    expect(steward.locator("#menu-correct")).to_be_hidden()


def test_pairing_and_a_device_that_was_removed(phone: OpenPhone, stack: Stack) -> None:
    world = organise(stack, "festival", passes=1)
    other = organise(stack, "festival", devices=[["Spare", "steward"]])
    page = phone("")
    page.goto(f"{stack.console_url}/gate/#%")
    page.reload()
    expect(page.locator("#pairing")).to_be_visible()
    page.click("#pairing-send")
    expect(page.locator("#pairing-trouble")).to_contain_text("Paste the code first.")
    page.fill("#pairing-code", "hello")
    page.keyboard.press("Enter")
    expect(page.locator("#pairing-trouble")).to_contain_text("This is no pairing code.")
    page.fill("#pairing-code", f"{stack.console_url}/gate/#{world['codes'][0]}")
    page.keyboard.press("Enter")
    expect(page.locator("#gate-title")).to_have_text("North")
    late = phone()
    type_as_scanner(late, world["codes"][0])
    expect(late.locator("#pairing-trouble")).to_contain_text("was used, or has run out")
    assert overflow(late) <= 0

    # The key stays with the phone, and a link does not take the phone away without a question.
    page.reload()
    expect(page.locator("#gate-title")).to_have_text("North")
    page.goto("about:blank")
    page.goto(f"{stack.console_url}/gate/#{other['codes'][0]}")
    expect(page.locator("#pairing-again")).to_contain_text("paired as “Phone”")
    page.click("#pairing-keep")
    expect(page.locator("#gate-title")).to_have_text("North")
    type_as_scanner(page, world["codes"][0])
    page.click("#pairing-go")
    expect(page.locator("#pairing-trouble")).to_contain_text("was used, or has run out")
    expect(page.locator("#pairing-again")).to_contain_text("still paired as “Phone”")
    page.click("#pairing-keep")
    expect(page.locator("#gate-title")).to_have_text("North")

    organise(stack, "remove", device=world["devices"][0])
    type_as_scanner(page, world["passes"][0])
    expect(page.locator("#pairing-trouble")).to_contain_text("This device was removed", timeout=20_000)
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 2
    page.reload()
    expect(page.locator("#pairing")).to_be_visible()


def test_what_the_policy_allows_only_here(stack: Stack) -> None:
    for path, wasm in (
        ("/gate/", True),
        ("/gate/decoder.js", True),
        ("/gate/sw.js", True),
        ("/login/", False),
    ):
        with urllib.request.urlopen(stack.console_url + path, timeout=20) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert ("'wasm-unsafe-eval'" in policy) is wasm, path
            assert "'unsafe-inline'" not in policy
            assert "Set-Cookie" not in answer.headers or not wasm
    with urllib.request.urlopen(f"{stack.console_url}/gate", timeout=20) as answer:
        assert answer.url == f"{stack.console_url}/gate/"


def test_everything_the_phone_keeps_is_there(stack: Stack) -> None:
    """One missing file, and the phone keeps nothing at all."""
    with urllib.request.urlopen(f"{stack.console_url}/gate/sw.js", timeout=20) as answer:
        version, shell = answer.read().decode().splitlines()[:2]
    assert version.startswith('const VERSION = "')
    kept = json.loads(shell.removeprefix("const SHELL = ").removesuffix(";"))
    for address in kept:
        with urllib.request.urlopen(stack.console_url + address, timeout=20) as answer:
            assert answer.read(), address
    with urllib.request.urlopen(
        f"{stack.console_url}/static/console/gate/manifest.json", timeout=20
    ) as answer:
        manifest = json.load(answer)
    assert {icon["src"] for icon in manifest["icons"]} <= set(kept)
    assert manifest["scope"] == manifest["start_url"] == kept[0] == "/gate/"


def test_live_counts_are_of_ones_own_program_and_end_with_the_device(stack: Stack) -> None:
    mine, others = organise(stack, "festival", capacity=7), organise(stack, "festival", capacity=8)
    stream = f"{stack.console_url}/gate/live"
    for key in ("", "Bearer", "Bearer swg_nonsense", f"Bearer {others['codes'][0]}"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(stream, headers={"Authorization": key}), timeout=20)
        assert refused.value.code == 401
        refused.value.close()
    pairing = urllib.request.Request(
        f"{stack.console_url}/api/v1/gate/pair",
        data=json.dumps({"code": mine["codes"][0]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(pairing, timeout=20) as answer:
        key = json.load(answer)["key"]
    request = urllib.request.Request(stream, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=40) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        zones = json.loads(next(line for line in answer if line.startswith(b"data: ["))[6:])
        assert [zone["capacity"] for zone in zones] == [7]
        organise(stack, "remove", device=mine["devices"][0])
        assert b"event: removed\n" in list(answer)


def test_the_control_room_keeps_what_somebody_opened(signed_in: Any, stack: Stack) -> None:
    """And a PDF that cannot be made takes no form away."""
    page = signed_in
    home = f"{page.url.split('/passes/')[0].rstrip('/')}/passes/{organise(stack, 'festival')['program']}"
    page.goto(f"{home}/room/")
    opened = page.locator(".room-flow details")
    page.evaluate("""() => {
        const details = document.querySelector(".room-flow details");
        details.firstElementChild.focus();
        Object.assign(details, { open: true, old: true });
    }""")
    page.wait_for_function("() => !document.querySelector('.room-flow details').old")
    expect(opened).to_have_attribute("open", "")
    expect(opened.locator("summary")).to_be_focused()

    page.goto(f"{home}/passes/print/")
    page.fill("[name=title]", "Ours")
    page.route("**/print/", lambda route: route.fulfill(status=500, body="<h1>Sorry</h1>"))
    page.click("[data-print-button]")
    expect(page.locator("[data-print-said]")).to_contain_text("The PDF could not be made.")
    expect(page.locator("[name=title]")).to_have_value("Ours")


def test_codes_before_the_camera_and_words(phone: OpenPhone) -> None:
    """The app's pure parts, in a real engine."""
    page = phone()
    held = """async () => {
        const { Presence } = await import("/static/console/gate/presence.js");
        const one = new Presence();
        const said = [one.takes("A", 0)];
        one.sent("A", 0);
        for (let at = 100; at <= 5000; at += 100) said.push(one.takes("A", at));
        const held = said.slice(1).some(Boolean);
        const other = one.takes("B", 5050);
        const soon = one.takes("A", 6500), gone = one.takes("A", 8600);
        one.sent("A", 8600);
        one.dismissed(9000);
        return [said[0], held, other, soon, gone, one.takes("A", 9500), one.takes("A", 9800)];
    }"""
    assert page.evaluate(held) == [True, False, True, False, True, False, True]
    words = """async () => {
        const { ago, moment, percent, skewSentence, useTimeZone }
            = await import("/static/console/gate/words.js");
        useTimeZone("Europe/Vienna");
        const now = Date.parse("2026-11-21T18:14:00Z");
        return [
            moment("2026-11-21T18:02:00Z", now), moment("2026-11-20T18:02:00Z", now),
            ago("2026-11-21T18:02:00Z", now),
            percent({ inside: 399, capacity: 400 }), percent({ inside: 0, capacity: 0 }),
            skewSentence(119_000), skewSentence(-300_000).split(".")[0],
        ];
    }"""
    assert page.evaluate(words) == [
        "19:02", "Fri 20 Nov, 19:02", "12 min ago", 99, 0, "", "This phone's clock is 5 minutes ahead",
    ]  # fmt: skip


def type_as_scanner(page: Any, text: str) -> None:
    """All keys at once: on a busy machine the browser's driver may take longer from one to the next than any
    scanner does. `type_key_by_key` is the real thing."""
    page.evaluate(
        """(text) => {
            for (const key of [...text, "Enter"]) for (const kind of ["keydown", "keyup"]) {
                const event = new KeyboardEvent(kind, { key, bubbles: true, cancelable: true });
                (document.activeElement ?? document.body).dispatchEvent(event);
            }
        }""",
        text,
    )


def type_key_by_key(page: Any, text: str) -> None:
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def lose_replies(page: Any, address: str, count: int) -> list[str]:
    """The server gets the request and does it; the phone hears nothing of it, `count` times."""
    lost: list[str] = []

    def handle(route: Any) -> None:
        if len(lost) >= count:
            route.continue_()
            return
        lost.append(route.request.post_data)
        # Given up by the page meanwhile, it is nobody's to end any more.
        with suppress(Error):
            route.fetch()
            route.abort("connectionreset")

    page.route(address, handle)
    return lost


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def write_film(path: Path, text: str, *, shown: int, hidden: int) -> None:
    """What a camera sees: a code for so many frames, then nothing, 10 frames a second, over and over."""
    width, height = 640, 480
    drawn = BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="png", scale=6, border=4)
    empty = Image.new("RGB", (width, height), (120, 130, 120))
    held = empty.copy()
    with Image.open(drawn) as code:
        held.paste(code.convert("RGB"), ((width - code.width) // 2, (height - code.height) // 2))
    with path.open("wb") as film:
        film.write(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (width, height))
        for picture, frames in ((held, shown), (empty, hidden)):
            light, blue, red = picture.convert("YCbCr").split()
            half = (width // 2, height // 2)
            planes = light.tobytes() + blue.resize(half).tobytes() + red.resize(half).tobytes()
            film.write((b"FRAME\n" + planes) * frames)
