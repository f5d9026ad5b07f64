"""What a person does first: a link, its code, a phone, a chart; and it is all still there tomorrow."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import zxingcpp
from load import PHONE
from PIL import Image
from playwright.sync_api import expect
from product import Api, visit, wait_for
from stack import Stack

VISITOR = {"User-Agent": PHONE, "Accept": "text/html", "Accept-Language": "en"}


def test_one_code_from_the_console_to_a_phone_to_a_chart(
    new_stack: Callable[..., Stack], page: Any, tmp_path: Path
) -> None:
    stack = new_stack().start()
    sign_in(page, stack)

    # 1. A link, and its code at once.
    page.click("text=New link")
    page.fill("input[name=destination]", "https://example.com/spring")
    page.fill("input[name=title]", "Spring poster")
    page.click("text=Create link")
    page.wait_for_selector("text=QR code")
    link_page = page.url
    assert "Spring poster" in page.content()
    page.wait_for_function("document.querySelector('.qr-frame img')?.naturalWidth > 0")

    files = {kind: download(page, kind, tmp_path) for kind in ("svg", "png", "pdf")}
    assert files["svg"].read_text().startswith("<?xml")
    on_paper = zxingcpp.read_barcodes(Image.open(files["png"]), formats=zxingcpp.BarcodeFormat.QRCode)[0].text
    with contextlib.closing(pypdfium2.PdfDocument(files["pdf"])) as document:
        sheet = document[0].render(scale=600 / 72).to_pil()
    assert zxingcpp.read_barcodes(sheet, formats=zxingcpp.BarcodeFormat.QRCode)[0].text == on_paper
    assert on_paper == on_paper.upper()
    assert on_paper.lower().startswith(stack.short_url)

    # 2. A phone scans what was printed.
    wait_for("the redirect", lambda: visit(on_paper, **VISITOR)[0] == 302, 5)
    assert visit(on_paper, **VISITOR)[1] == "https://example.com/spring"

    # 3. The open page shows it, without a reload; a robot stands apart.
    expect(page.locator("[data-value=humans]")).to_have_text("2", timeout=10_000)
    visit(on_paper, **{"User-Agent": "curl/8.5"})
    expect(page.locator("[data-value=bots]")).to_have_text("1", timeout=10_000)
    expect(page.locator("[data-value=humans]")).to_have_text("2")
    text = page.inner_text("main")
    for part in ("Scans over time", "Countries", "Devices", "Phone", "Referrers", "iPhone"):
        assert part in text, part
    page.click("text=Browsers")
    assert "Safari" in page.inner_text("main")

    # 4. Another destination, then a pause.
    page.click("text=Edit")
    page.fill("input[name=destination]", "javascript:alert(1)")
    page.click("text=Save changes")
    sentence = page.locator(".error:visible").first.inner_text()
    assert "http" in sentence
    assert page.input_value("input[name=destination]") == "javascript:alert(1)"
    page.fill("input[name=destination]", "https://example.com/summer")
    page.click("text=Save changes")
    page.wait_for_url(link_page)
    wait_for("the new destination", lambda: visit(on_paper)[1] == "https://example.com/summer", 1)
    page.click("button:has-text('Pause')")
    page.wait_for_selector("button:has-text('Resume')")
    wait_for("the pause", lambda: visit(on_paper)[0] == 200, 1)
    assert "This link is paused" in visit(on_paper, **{"Accept-Language": "en"})[2]
    assert 'lang="de"' in visit(on_paper, **{"Accept-Language": "de-AT,de;q=0.8"})[2]

    # 5. The same by API; the same sentence for the same mistake.
    api = Api(stack)
    status, listed = api("GET", "/links?q=poster")
    assert status == 200
    link = listed["data"][0] if "data" in listed else listed["items"][0]
    assert link["state"] == "paused"
    status, problem = api("PATCH", f"/links/{link['id']}", {"destination": "javascript:alert(1)"})
    assert status == 422
    assert problem["errors"][0]["field"] == "destination"
    assert problem["errors"][0]["message"] == sentence
    assert api("POST", f"/links/{link['id']}/resume")[0] == 200
    wait_for("the link again", lambda: visit(on_paper)[0] == 302, 1)

    # 6. Stopped and started: everything is still there.
    assert stack.stop() == 0
    assert stack.settle() == []
    password = stack.password
    stack.start()
    stack.password = password
    assert visit(on_paper)[1] == "https://example.com/summer"
    page.goto(link_page)
    assert re.search(r"Spring poster", page.inner_text("main"))
    expect(page.locator("[data-value=humans]")).to_have_text("2")


def test_the_console_is_usable_on_a_small_phone(signed_in: Any, stack: Stack) -> None:
    signed_in.set_viewport_size({"width": 360, "height": 740})
    code = Api(stack).create(destination="https://example.com/a/rather/long/path?with=a&query=too")["code"]
    link = signed_in.url.rstrip("/") + "/links/"
    for path in ("", "links/", "links/new/", "campaigns/", "settings/", "settings/domains/"):
        signed_in.goto(f"{stack.console_url}/w/my-workspace/{path}")
        wide = signed_in.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, (path, wide)
    signed_in.goto(link)
    signed_in.click(f"a:has-text('{code}') >> nth=0")
    signed_in.wait_for_selector("text=QR code")
    assert signed_in.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def sign_in(page: Any, stack: Stack) -> None:
    page.goto(f"{stack.console_url}/")
    page.fill("input[name=login]", stack.email)
    page.fill("input[name=password]", stack.password)
    page.click("form button[type=submit]")
    page.wait_for_url(f"{stack.console_url}/w/**")


def download(page: Any, kind: str, folder: Path) -> Path:
    with page.expect_download() as started:
        page.click(f"a[data-format={kind}]")
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    assert path.suffix == f".{kind}"
    assert io.BytesIO(path.read_bytes()).getbuffer().nbytes > 100
    return path
