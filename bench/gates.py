"""`make bench-gates`: what gates hold, with everything on this machine and the load generator beside it.

redeem_p99_ms       99 % of the redemptions at 100 a second over 8 gates took less than this in the server
redeem_per_s        redemptions a second when 32 devices scan as fast as they are answered
double_admissions   64 clients all try the same 1,000 passes, and 10,000 replies get lost and are asked for
                    again: admissions above one for each pass
wrong_refusals      of the latter, passes that nobody was told to admit
sheet_10k_s, _mb    a PDF of 10,000 passes, 24 a page, in a process of its own
sheet_10k_decoded   how many of its codes a reader finds on its pages, each with the text of its own pass
"""

import argparse
import asyncio
import io
import json
import random
import resource
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import psycopg

from bench.lossy import shown_twice
from bench.machine import heading
from bench.stack import Stack, StackError, running
from edge import token

GATES: Final = 8
DEVICES: Final = 32
RATE: Final = 100
CLIENTS: Final = 64
RACED: Final = 1_000
SHOWN: Final = 3_000
LOSS: Final = 0.65
"""Of the replies; each pass is shown twice: some 11,000 of them."""
SHEET: Final = 10_000
_CALL: Final = "SELECT scanway_redeem(%s, %s, %s, %s, %s, '', false, 'in', '', now(), false) ->> 'reason'"


class Gates:
    """A program with gates, devices and passes on a running stack."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._url = f"{stack.console}/api/v1"
        self._headers = {"Authorization": f"Bearer {stack.key}"}
        self._session = session
        self.gates: list[int] = []
        self.devices: list[tuple[str, int]] = []
        """Key and gate."""
        self.device_ids: list[int] = []
        self.program = 0
        self.said: Counter[str] = Counter()
        self.client_ms: list[float] = []
        self.server_ms: list[float] = []

    async def call(self, path: str, body: Any, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else self._headers
        async with self._session.post(f"{self._url}{path}", json=body, headers=headers) as answer:
            if answer.status >= 300:
                raise StackError(f"{path} answered {answer.status}: {await answer.text()}")
            return await answer.json()

    async def set_up(self) -> None:
        self.program = (await self.call("/programs", {"name": "Festival", "kind": "event"}))["id"]
        own = f"/programs/{self.program}"
        zone = (await self.call(f"{own}/zones", {"name": "Venue", "capacity": 1_000_000}))["id"]
        for number in range(GATES):
            body = {"name": f"Gate {number + 1}", "zone_id": zone}
            self.gates.append((await self.call(f"{own}/gates", body))["id"])
        for number in range(DEVICES):
            gate = self.gates[number % GATES]
            made = await self.call(f"{own}/devices", {"name": f"Phone {number + 1}", "gate_ids": [gate]})
            paired = await self.call("/gate/pair", {"code": made["pairing_code"]})
            self.devices.append((paired["key"], gate))
            self.device_ids.append(made["id"])

    async def issue(self, count: int) -> list[str]:
        texts: list[str] = []
        while len(texts) < count:
            body = {"program_id": self.program, "count": min(1_000, count - len(texts))}
            texts += [one["text"] for one in (await self.call("/passes", body))["data"]]
        return texts

    async def scan(self, device: tuple[str, int], text: str) -> None:
        key, gate = device
        body = {"gate_id": gate, "text": text, "nonce": str(uuid.uuid4())}
        headers = {"Authorization": f"Bearer {key}"}
        began = time.perf_counter()
        async with self._session.post(f"{self._url}/gate/redemptions", json=body, headers=headers) as answer:
            given = await answer.json()
            self.said[given.get("reason") or str(answer.status)] += 1
            self.client_ms.append((time.perf_counter() - began) * 1_000)
            with suppress(KeyError, ValueError):
                self.server_ms.append(float(answer.headers["Server-Timing"].partition("dur=")[2]))

    async def at_rate(self, texts: list[str]) -> None:
        """One scan each 1/RATE seconds, whatever the answers take."""
        began, running_now = time.perf_counter(), set()
        for number, text in enumerate(texts):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            task = asyncio.create_task(self.scan(self.devices[number % DEVICES], text))
            running_now.add(task)
            task.add_done_callback(running_now.discard)
        await asyncio.gather(*running_now)

    async def flat_out(self, texts: list[str], seconds: float) -> float:
        """Every device scans as soon as it is answered. Returns redemptions a second."""
        left, until, began = list(texts), time.perf_counter() + seconds, time.perf_counter()

        async def device(one: tuple[str, int]) -> int:
            count = 0
            while left and time.perf_counter() < until:
                await self.scan(one, left.pop())
                count += 1
            return count

        counts = await asyncio.gather(*(device(one) for one in self.devices))
        return sum(counts) / (time.perf_counter() - began)


def race(url: str, workspace: int, devices: list[int], gate_of: dict[int, int], uids: list[bytes]) -> int:
    """All clients try all passes, in PostgreSQL itself. Returns how many were admitted."""
    admitted: list[int] = []
    start = threading.Barrier(CLIENTS)

    def client(seed: int) -> None:
        device, mine = devices[seed % len(devices)], 0
        with psycopg.connect(url, autocommit=True) as connection:
            start.wait()
            for uid in random.Random(seed).sample(uids, len(uids)):
                row = connection.execute(
                    _CALL, [workspace, device, gate_of[device], uuid.uuid4(), uid]
                ).fetchone()
                mine += row is not None and row[0] == "ok"
        admitted.append(mine)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(admitted) != CLIENTS:
        raise StackError("A client of the race ended with an error; it is above.")
    return sum(admitted)


def sheet(count: int) -> None:
    """In a process of its own: prints seconds and megabytes as JSON."""
    from control_plane.passes.sheets import Printed, SheetStyle, write_pdf

    secret, public = token.generate(token.Algorithm.ED25519)
    key = token.Key(1, token.Algorithm.ED25519, token.KeyState.ACTIVE, secret, public)
    texts: set[str] = set()

    def passes() -> Any:
        for number in range(count):
            claims = token.Claims(1, 1, token.Kind.TICKET, 1, number.to_bytes(10, "big"), None, None)
            text = token.link(token.sign(claims, key), "http://go.example.com")
            texts.add(text)
            yield Printed(text=text, number=f"{number + 1:05}", holder="", detail="")

    style = SheetStyle(layout="3x8", paper="a4", title="Festival", lines=("12 June 2027",), issuer="scanway",
                       logo=None, note="Admits one person once.", cut_marks=True)  # fmt: skip
    out, began = io.BytesIO(), time.perf_counter()
    write_pdf(out, style, passes())
    spent, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pdf = out.getvalue()
    print(json.dumps({"s": spent, "mb": peak, "bytes": len(pdf), "decoded": len(texts & codes(pdf))}))


def codes(pdf: bytes) -> set[str]:
    """What a reader finds on all pages, at 150 dots an inch."""
    import pypdfium2
    import zxingcpp

    found: set[str] = set()
    for page in pypdfium2.PdfDocument(pdf):
        picture = page.render(scale=150 / 72, grayscale=True).to_pil()
        found |= {one.text for one in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)}
    return found


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


async def measure(stack: Stack, seconds: int) -> dict[str, float]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        gates = Gates(stack, session)
        await gates.set_up()
        await gates.at_rate(await gates.issue(RATE))  # warm
        texts = await gates.issue(RATE * seconds)
        gates.said.clear(), gates.client_ms.clear(), gates.server_ms.clear()
        await gates.at_rate(texts)
        print(f"at {RATE}/s over {GATES} gates for {seconds} s: {dict(gates.said)}")
        calm = {"redeem_p99_ms": p99(gates.server_ms), "redeem_client_p99_ms": p99(gates.client_ms)}
        for where, times in (("in the server", gates.server_ms), ("at the device", gates.client_ms)):
            print(f"  {where}  p50 {statistics.median(times):6.1f} ms   p99 {p99(times):6.1f} ms")
        texts = await gates.issue(1_000 * seconds)
        gates.said.clear()
        rate = await gates.flat_out(texts, seconds)
        print(f"{DEVICES} devices as fast as they are answered: {rate:.0f}/s, {dict(gates.said)}")
        raced = [token_id(text) for text in await gates.issue(RACED)]
        workspace, gate_of = (
            workspace_of(texts[0]),
            dict(zip(gates.device_ids, (gate for _, gate in gates.devices), strict=True)),
        )
        shown = await gates.issue(SHOWN)
        port = urlsplit(stack.console).port or 0
        told = await shown_twice(port, "/api/v1/gate/redemptions", gates.devices, shown, LOSS)
    print(
        f"{told.lost:,} lost replies in {told.asked:,} tries of {2 * SHOWN:,} scans: "
        f"{len(told.admissions):,} of {SHOWN:,} passes admitted, refusals {dict(told.refusals)}"
    )
    began = time.perf_counter()
    admitted = await asyncio.to_thread(
        race, stack.setting("SCANWAY_DATABASE_URL"), workspace, gates.device_ids, gate_of, raced
    )
    spent = time.perf_counter() - began
    print(
        f"{CLIENTS} clients x {RACED:,} passes: {admitted:,} admitted, {CLIENTS * RACED / spent:,.0f} tries/s"
    )
    return calm | {
        "redeem_per_s": rate,
        "double_admissions": admitted - RACED + told.double_admissions,
        "wrong_refusals": SHOWN - len(told.admissions),
        "lost_replies": told.lost,
    }


def token_id(text: str) -> bytes:
    return token.parse(text).claims.pass_id


def workspace_of(text: str) -> int:
    return token.parse(text).claims.workspace


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.gates")
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement")
    parser.add_argument("--sheet", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sheet:
        sheet(options.sheet)
        return 0
    print(heading("django", "granian", "psycopg", "reportlab", "segno"))
    try:
        with running(1) as stack:
            found = asyncio.run(measure(stack, options.seconds))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    said = subprocess.run(
        [sys.executable, "-m", "bench.gates", "--sheet", str(SHEET)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    made = json.loads(said)
    size = f"{made['mb']:.0f} MB of memory at most, a file of {made['bytes'] / 1e6:.1f} MB"
    print(f"a PDF of {SHEET:,} passes: {made['s']:.1f} s, {size}; {made['decoded']:,} of its codes read")
    found |= {"sheet_10k_s": made["s"], "sheet_10k_mb": made["mb"], "sheet_10k_decoded": made["decoded"]}
    print()
    for name, value in found.items():
        print(f"{name}={value:.0f}" if isinstance(value, int) else f"{name}={value:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
