"""The API's page in a real browser: it draws all operations, under the console's content security policy."""

from typing import Any

from stack import Stack


def test_the_docs_page_works_without_anything_inline(page: Any, stack: Stack) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda r: None if r.url.startswith((stack.console_url, "data:")) else elsewhere.append(r.url),
    )
    page.goto(f"{stack.console_url}/api/v1/docs")
    page.wait_for_selector("#operations-Links-create_link")
    described = page.request.get(f"{stack.console_url}/api/v1/openapi.json").json()
    count = sum(len(item) for item in described["paths"].values())
    assert page.locator(".opblock").count() == count
    page.locator("#operations-Workspace-get_workspace .opblock-summary").click()
    page.locator("#operations-Workspace-get_workspace .execute").click()
    page.wait_for_selector("#operations-Workspace-get_workspace .responses-table.live-responses-table")
    assert "401" in page.locator(".live-responses-table tbody .response-col_status").first.inner_text()
    assert elsewhere == []
    assert [text for text in complaints if "401" not in text] == []
