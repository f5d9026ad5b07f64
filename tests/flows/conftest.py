"""The whole product, started once for all flows, and a real browser."""

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Error, expect
from stack import Stack

PHONE = {"width": 390, "height": 844}
OpenPhone = Callable[..., Any]
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def flow_folder() -> Iterator[Path]:
    """A folder that every user may pass through: PostgreSQL runs as nobody under root, and pytest closes its
    own temporary folders to others."""
    folder = Path(tempfile.mkdtemp(prefix="scanway-flows-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(flow_folder: Path) -> Iterator[Stack]:
    """A running `scanway up`, shared by all flows: leave it running and working.

    stack.console_url, .short_url, .email, .password, .environment, .pid, .log(), .cli("key", "create", …)
    """
    stack = Stack(flow_folder / "shared")
    try:
        yield stack.start()
    finally:
        stack.end()


@pytest.fixture
def new_stack(flow_folder: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Stack]]:
    """Makes stacks for one test alone, not started yet: new_stack(SCANWAY_EDGE_WORKERS="2")."""
    made: list[Stack] = []

    def make(**environment: str) -> Stack:
        made.append(Stack(flow_folder / f"{request.node.name}-{len(made)}", **environment))
        return made[-1]

    yield make
    for stack in made:
        stack.end()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless, driven by playwright."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "There is no Chromium: install it with your system's packages (apt-get install chromium)."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a fresh profile, at the size of a laptop. Fails on an error in its scripts."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture
def signed_in(page: Any, stack: Stack) -> Any:
    """The page, signed in with the account that the first start made."""
    page.goto(f"{stack.console_url}/login/")
    page.fill("input[name=login]", stack.email)
    page.fill("input[name=password]", stack.password)
    page.click("form button[type=submit]")
    page.wait_for_url(f"{stack.console_url}/w/**")
    return page


def close_verdict(page: Any) -> None:
    """By its button, unless it has gone by itself meanwhile."""
    page.evaluate("document.querySelector('#verdict:not([hidden]) #verdict-next')?.click()")
    expect(page.locator("#verdict")).to_be_hidden()


def codes_on(page: Any) -> list[str]:
    """What another phone's camera reads from this screen."""
    page.wait_for_load_state()
    for left in (2, 1, 0):
        try:
            picture = page.screenshot()
            break
        except Error:
            # Between two pages, Chromium has no picture to give.
            if not left:
                raise
            page.wait_for_timeout(300)
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)), formats=zxingcpp.BarcodeFormat.QRCode)
    return [code.text for code in codes]


@pytest.fixture
def phone(browser: Any, stack: Stack) -> Iterator[OpenPhone]:
    """Opens phones of their own, paired by the address that the console's code has: phone(code)."""
    contexts: list[Any] = []
    errors: list[str] = []

    def pick_up(code: str = "", of: Any = None, **options: Any) -> Any:
        context = (of or browser).new_context(viewport=PHONE, has_touch=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{stack.console_url}/gate/" + (f"#{code}" if code else ""))
        # Until then nobody listens to what is typed.
        expect(page.locator("#gate" if code else "#pairing")).to_be_visible()
        return page

    yield pick_up
    for context in contexts:
        context.close()
    assert not errors, errors
