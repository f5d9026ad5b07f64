"""Gates go on while processes die: every pass is admitted once, nobody is counted twice, and what a device
was told is what the database has, however many replies were lost on the way."""

import http.client
import json
import os
import random
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from product import Api
from stack import Stack

from deploy.config import read_assignments

PASSES, CAPACITY, DEVICES = 240, 200, 6
VICTIMS = ["console", "postgres", "valkey", "worker"]
LOST = 0.3
"""Of the replies: the device hangs up before it hears them, and asks again with the same nonce."""


class Device(threading.Thread):
    """Scans its passes, each until it knows the verdict."""

    def __init__(self, url: str, key: str, gate: int, texts: list[str], seed: int) -> None:
        super().__init__()
        self._where, self._key, self._gate, self._texts = urlsplit(url), key, gate, texts
        self._chance = random.Random(seed)
        self.verdicts: list[tuple[str, str]] = []
        """Text and reason."""
        self.asked = 0

    def run(self) -> None:
        for text in self._texts:
            body = json.dumps({"gate_id": self._gate, "text": text, "nonce": str(uuid.uuid4())})
            while (reason := self._ask(body)) is None:
                threading.Event().wait(self._chance.uniform(0.05, 0.3))
            self.verdicts.append((text, reason))

    def _ask(self, body: str) -> str | None:
        self.asked += 1
        connection = http.client.HTTPConnection(self._where.hostname or "", self._where.port, timeout=10)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/api/v1/gate/redemptions", body, headers)
            if self._chance.random() < LOST:
                threading.Event().wait(self._chance.uniform(0, 0.03))
                return None
            answer = connection.getresponse()
            said = json.loads(answer.read())
            # 500 and 503 while a server is on its way back; a device asks again.
            return str(said["reason"]) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


def test_every_pass_is_admitted_once_whatever_dies(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack().start()
    api = Api(stack)

    def call(path: str, body: Any) -> Any:
        status, answer = api("POST", path, body)
        assert status in (200, 201), answer
        return answer

    program = call("/programs", {"name": "Festival"})["id"]
    zone = call(f"/programs/{program}/zones", {"name": "Venue", "capacity": CAPACITY})["id"]
    gate = call(f"/programs/{program}/gates", {"name": "North", "zone_id": zone})["id"]
    order = {"program_id": program, "count": PASSES}
    texts = [one["text"] for one in call("/passes", order)["data"]]
    devices = []
    for number in range(DEVICES):
        made = call(f"/programs/{program}/devices", {"name": f"Phone {number}", "gate_ids": [gate]})
        key = call("/gate/pair", {"code": made["pairing_code"]})["key"]
        # Every pass is shown at two gates, one after the other or at the same moment.
        mine = [text for at, text in enumerate(texts) if number in (at % DEVICES, (at + 1) % DEVICES)]
        devices.append(Device(stack.console_url, key, gate, mine, seed=number))

    url = read_assignments(stack.home / "environment")["SCANWAY_DATABASE_OWNER_URL"]
    over, killed, crowded = threading.Event(), list[str](), list[int]()

    def killer() -> None:
        chance = random.Random(4)
        names = chance.sample(VICTIMS, len(VICTIMS)) + chance.choices(VICTIMS, k=20)
        for name in names:
            if over.wait(chance.uniform(0.5, 2.5)):
                return
            with suppress(LookupError, ValueError, ProcessLookupError, psutil.Error):
                os.kill(stack.process_of(name).pid, signal.SIGKILL)
                killed.append(name)

    def watch() -> None:
        while not over.wait(0.1):
            with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2) as connection:
                row = connection.execute("SELECT inside FROM passes_zone").fetchone()
                crowded.append(row[0] if row else 0)

    helpers = [threading.Thread(target=killer), threading.Thread(target=watch)]
    for thread in (*helpers, *devices):
        thread.start()
    for device in devices:
        device.join(240)
        assert not device.is_alive(), killed
    over.set()
    for thread in helpers:
        thread.join()

    said = Counter(reason for device in devices for _, reason in device.verdicts)
    admitted = Counter(text for device in devices for text, reason in device.verdicts if reason == "ok")
    # Devices heard “ok” once for a pass; a “full” zone refused the rest, and none was refused for no reason.
    assert set(admitted.values()) == {1}, said
    assert said["ok"] == CAPACITY, said
    assert set(said) == {"ok", "already_used", "full"}, said
    assert len(set(killed)) >= 2, killed
    assert sum(device.asked for device in devices) > 2 * PASSES
    assert max(crowded) <= CAPACITY
    with psycopg.connect(url) as connection:

        def one(query: str) -> int:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0

        assert one("SELECT inside FROM passes_zone") == CAPACITY
        assert one("SELECT sum(delta) FROM passes_movement") == CAPACITY
        assert one("SELECT count(*) FROM passes_redemption") == CAPACITY
        assert one("SELECT count(*) FROM passes_pass WHERE uses = 1") == CAPACITY
        assert one("SELECT count(*) FROM passes_pass WHERE uses > 1") == 0
        # One row for each scan, however often it was sent.
        assert one("SELECT count(*) FROM passes_attempt") == 2 * PASSES
    assert stack.stop() == 0
