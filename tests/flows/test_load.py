"""The load generator against the whole product: what it sent is what the console shows, and its SLOs bite."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from product import Api, visit, wait_for
from stack import Stack

from bench.story import SHARES

LINKS = 8
# A shared machine may be as slow as it likes; that every scan is answered and counted is another matter.
EASY = "p50_ms = 30000\np95_ms = 30000\np99_ms = 30000\nerror_rate = 0.0\nminimum_rate = 0.05\n"
RUN = "processes = 1\nseconds = {seconds}\nrate = {rate}\n"


def command(tmp_path: Path, scenario: str, goals: str, *more: str, seconds: int, rate: int) -> Sequence[str]:
    slo = tmp_path / "slo.toml"
    slo.write_text(f"[{scenario}]\n{RUN.format(seconds=seconds, rate=rate)}{goals}")
    options = ["--slo", str(slo), "--out", str(tmp_path), *more]
    return [sys.executable, "-P", "-m", "bench.load", scenario, *options]


def links(stack: Stack, tmp_path: Path) -> tuple[Api, list[dict[str, Any]], list[str]]:
    """The API, links that the edge answers, and the options that name them."""
    api = Api(stack)
    made = [api.create(destination=f"https://example.com/load/{n}") for n in range(LINKS)]
    for link in made:
        wait_for("the link", lambda link=link: visit(f"{stack.short_url}/{link['code']}")[0] == 302, 10)
    codes = tmp_path / "codes.txt"
    codes.write_text("# the first goes viral\n" + "".join(f"{link['code']}\n" for link in made))
    return api, made, ["--url", stack.short_url, "--codes", str(codes)]


def totals(api: Api, link: dict[str, Any]) -> dict[str, Any]:
    status, body = api("GET", f"/links/{link['id']}/stats?period=1h")
    assert status == 200, body
    return body["totals"]


def bars(page: Any) -> list[int]:
    """What the chart shows of people, minute by minute, and that nobody reloaded the page."""
    assert page.evaluate("window.opened")
    return json.loads(page.locator("#series").text_content())["humans"]


def test_a_viral_code_is_a_spike_in_the_live_chart_and_every_scan_is_counted(
    signed_in: Any, stack: Stack, tmp_path: Path
) -> None:
    page = signed_in
    api, made, options = links(stack, tmp_path)
    # Those that waited for the links; urllib is a robot.
    wait_for("the first scans", lambda: all(totals(api, link)["bots"] for link in made), 20)
    workspace = page.url.partition("/w/")[2].partition("/")[0]
    page.goto(f"{stack.console_url}/w/{workspace}/links/{made[0]['id']}/?period=1h")
    page.evaluate("window.opened = true")
    expect(page.locator("[data-value=humans]")).to_have_text("0")
    assert not any(bars(page))
    empty = page.locator("[data-chart] canvas").evaluate("canvas => canvas.toDataURL()")

    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command(tmp_path, "viral", EASY, *options, seconds=20, rate=120),
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        seen = {0}
        while process.poll() is None:
            seen.add(sum(bars(page)))
            page.wait_for_timeout(250)
    finally:
        process.terminate()
        process.wait(60)
    text = output.read_text()
    assert process.returncode == 0, text
    assert "SLOs are met." in text
    # It grew while it ran.
    assert len(seen) > 2, seen
    assert page.locator("[data-chart] canvas").evaluate("canvas => canvas.toDataURL()") != empty

    sent = json.loads((tmp_path / "viral.json").read_text())
    assert set(sent["scans"]) == {"viral", "tail"}
    assert sent["errors"] == {"viral": 0, "tail": 0}
    viral = sent["scans"]["viral"]
    assert viral > 200
    expect(page.locator("[data-value=humans]")).to_have_text(f"{viral:,}", timeout=20_000)
    shown = [scans for scans in bars(page) if scans]
    # Twenty seconds touch two minutes at most, three where the machine was slow.
    assert sum(shown) == viral
    assert len(shown) <= 3

    def counted() -> bool:
        return sum(totals(api, link)["humans"] for link in made[1:]) >= sent["scans"]["tail"]

    wait_for("the tail", counted, 20)
    assert totals(api, made[0])["humans"] == viral
    assert sum(totals(api, link)["humans"] for link in made[1:]) == sent["scans"]["tail"]
    report = (tmp_path / "viral.html").read_text()
    assert "<html" in report
    assert "viral" in report and "tail" in report


def test_a_missed_slo_is_named_and_ends_with_status_1(stack: Stack, tmp_path: Path) -> None:
    _, _, options = links(stack, tmp_path)
    impossible = EASY.replace("minimum_rate = 0.05", "minimum_rate = 2")
    arguments = command(tmp_path, "steady", impossible, *options, seconds=4, rate=20)
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    marked = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("MISSED")]
    assert marked == ["rate"]
    assert "Missed: rate. " in done.stdout
    assert "<html" in (tmp_path / "steady.html").read_text()
    # The same without that goal holds: it was the SLO, and nothing else.
    arguments = command(tmp_path, "steady", EASY, *options, seconds=4, rate=20)
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_kind_of_scan_against_a_stack_of_its_own(tmp_path: Path) -> None:
    arguments = command(tmp_path, "mixed", EASY, seconds=10, rate=100)
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sent = json.loads((tmp_path / "mixed.json").read_text())
    assert set(sent["scans"]) == {"link", "rules", "placement", "unknown", "bot"}
    assert not any(sent["errors"].values())
    # The edge measured every answer, those it had to ask Valkey for included.
    assert sent["answers"] == sum(sent["scans"].values())
    assert sent["slo"]["recorded people"] and sent["slo"]["recorded bots"]


def test_a_festivals_evening_is_in_the_report_as_it_was(tmp_path: Path) -> None:
    arguments = command(tmp_path, "gates", EASY, seconds=15, rate=20)
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sent = json.loads((tmp_path / "gates.json").read_text())
    assert set(sent["scans"]) == {"person", *SHARES, "lost reply"}
    assert sent["scans"]["person"] == 300
    assert not any(sent["errors"].values())
    assert sent["slo"]["report: ok"] and sent["slo"]["report: already_used"] and sent["slo"]["inside"]
