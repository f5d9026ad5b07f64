"""A guest list on its way to paper: uploaded with mistakes, looked at, confirmed, made while one watches."""

from pathlib import Path
from typing import Any

import pypdfium2
import zxingcpp
from gate_organiser import organise
from playwright.sync_api import expect
from product import Api
from stack import Stack

GUESTS = 1_500


def guest_list() -> str:
    """In the encoding and with the separator of a German spreadsheet, with three mistakes."""
    rows = [f"Gast Nr. {number};gast{number}@example.com;Größe {number % 5}" for number in range(GUESTS)]
    rows[7] = "Änne Müller;aenne at home;"
    rows[9] = rows[8]
    rows[11] = f"{'x' * 121};;"
    return "Name;E-Mail;Shirt\r\n" + "\r\n".join(rows) + "\r\n"


def test_from_a_guest_list_to_a_sheet(signed_in: Any, stack: Stack, tmp_path: Path) -> None:
    page, program = signed_in, organise(stack, "festival", passes=2)["program"]
    page.goto(f"{stack.console_url}/w/my-workspace/passes/{program}/passes/issue/")
    page.click("nav[aria-label='How to issue passes'] >> text=From a table")
    with page.expect_download() as example:
        page.click("text=An example to fill in")
    assert "ana@example.com" in Path(example.value.path()).read_text("utf-8-sig")

    table = tmp_path / "gäste.csv"
    table.write_bytes(b"PK\x03\x04 a spreadsheet")
    page.set_input_files("input[type=file]", table)
    page.click("text=Check the table")
    expect(page.locator("[data-field=file] .error")).to_contain_text("not a CSV file. In your spreadsheet")

    table.write_bytes(b"name\n" + b"Ada Lovelace\n" * 5_000_000)
    page.set_input_files("input[type=file]", table)
    page.click("text=Check the table")
    expect(page.get_by_role("heading", name="This file is too large")).to_be_visible(timeout=60_000)
    page.go_back()

    table.write_bytes(guest_list().encode("cp1252"))
    page.set_input_files("input[type=file]", table)
    page.click("text=Check the table")
    expect(page.locator(".stats")).to_contain_text(f"Rows{GUESTS:,} Good{GUESTS - 2:,} Wrong2 There twice1")
    expect(page.get_by_text("Read as Windows-1252, which is a guess.")).to_be_visible()
    expect(page.locator(".faults").first).to_contain_text("Line 9")
    expect(page.locator(".preview-table tbody tr")).to_have_count(20)
    expect(page.locator(".preview-table")).to_contain_text("Größe 1")
    with page.expect_download() as errors:
        page.click("text=The whole list")
    assert len(Path(errors.value.path()).read_text("utf-8-sig").splitlines()) == 4
    page.check("text=Leave them out")
    page.click("text=Issue the good rows")

    # It moves by itself, to its end.
    card = page.locator(".job-card")
    expect(card).to_contain_text(f"of {GUESTS - 3:,} passes")
    expect(card).to_contain_text("Done", timeout=90_000)
    expect(card).to_contain_text(f"{GUESTS - 3:,} of {GUESTS - 3:,} passes")
    expect(card).to_contain_text("3 rows of the table were left out.")

    page.click(".job-card >> text=See the passes")
    expect(page.locator(".passes-table tbody tr")).to_have_count(50)
    expect(page.locator(".passes-table")).to_contain_text("Gast Nr. 1499")
    page.click("text=gäste.csv")
    page.click(".job-card >> text=Print")
    expect(page.locator("form[data-print]")).to_contain_text(f"All of gäste.csv: {GUESTS - 3:,}")
    page.check("input[value='3x8']", force=True)
    with page.expect_download(timeout=120_000) as sheet:
        page.click("text=Make the PDF")
    document = pypdfium2.PdfDocument(sheet.value.path())
    assert len(document) == -(-(GUESTS - 3) // 24)
    first = document[0].render(scale=5).to_pil().convert("L")
    found = {one.text for one in zxingcpp.read_barcodes(first, formats=zxingcpp.BarcodeFormat.QRCode)}
    answer = Api(stack)("GET", f"/passes?program_id={program}&q=gast0%40example.com")[1]
    assert answer["data"][-1]["holder"]["name"] == "Gast Nr. 0"
    assert answer["data"][-1]["text"] in found
    assert len(found) == 24


def test_what_is_ticked_is_cancelled_at_once(signed_in: Any, stack: Stack) -> None:
    page, program = signed_in, organise(stack, "festival", passes=4)["program"]
    page.goto(f"{stack.console_url}/w/my-workspace/passes/{program}/passes/")
    more = page.locator("[data-chosen] >> text=More")
    expect(more).to_be_disabled()
    for number in (2, 3):
        page.check(f"input[value='{number}']")
    more.click()
    expect(page.locator("[name=numbers]").first).to_have_value("2-3")
    page.check("input[value=hold]")
    page.click("text=See what will happen")
    expect(page.locator("#plan")).to_contain_text("2 passes will be put on hold")
    page.check("input[value=cancel]")
    page.click("text=See what will happen")
    page.fill("[name=note]", "The roll was stolen")
    page.click("text=Cancel 2 passes")
    expect(page.get_by_text("2 passes were cancelled.")).to_be_visible()
    expect(page.locator(".passes-table tr", has_text="No. 3")).to_contain_text("Cancelled")
    expect(page.locator(".passes-table tr", has_text="No. 4")).to_contain_text("Valid")
    page.click("text=No. 3")
    expect(page.get_by_text("The roll was stolen")).to_be_visible()


def test_a_job_is_cancelled_and_goes_on(signed_in: Any, stack: Stack) -> None:
    page, program = signed_in, organise(stack, "festival", passes=1)["program"]
    page.goto(f"{stack.console_url}/w/my-workspace/passes/{program}/passes/issue/")
    page.fill("[name=count]", "20000")
    page.click("text=Issue 20,000 passes")
    card = page.locator(".job-card")
    expect(card).to_contain_text("Being made", timeout=60_000)
    page.click(".job-card >> text=Cancel")
    page.click("dialog[open] >> text=Cancel job")
    expect(card).to_contain_text("Cancelled")
    assert "20,000 of" not in card.inner_text()
    page.click("text=Resume")
    expect(card).to_contain_text("Being made", timeout=60_000)
    page.click(".job-card >> text=Cancel")
    page.click("dialog[open] >> text=Cancel job")
    expect(card).to_contain_text("Resume")
    page.goto(f"{stack.console_url}/w/my-workspace/passes/{program}/jobs/")
    expect(page.locator(".jobs-table")).to_contain_text("20,000 passes")
