"""Replies get lost on the way; a device asks again with the same nonce, and nobody is admitted twice or sent
away for it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from product import Api
from stack import Stack

from bench.lossy import Told, shown_twice

PASSES, DEVICES, LOSS = 300, 8, 0.65


@pytest.fixture
def shown(stack: Stack) -> Any:
    """Shows new passes twice each over a line that loses so many replies."""

    def show(passes: int, loss: float, **how: bool) -> Told:
        api = Api(stack)

        def call(path: str, body: Any) -> Any:
            status, answer = api("POST", path, body)
            assert status in (200, 201), answer
            return answer

        program = call("/programs", {"name": f"Lost replies {passes} {how}"})["id"]
        zone = call(f"/programs/{program}/zones", {"name": "Venue"})["id"]
        gate = call(f"/programs/{program}/gates", {"name": "North", "zone_id": zone})["id"]
        texts = [one["text"] for one in call("/passes", {"program_id": program, "count": passes})["data"]]
        devices = []
        for number in range(DEVICES):
            made = call(f"/programs/{program}/devices", {"name": f"Phone {number}", "gate_ids": [gate]})
            devices.append((call("/gate/pair", {"code": made["pairing_code"]})["key"], gate))
        port = urlsplit(stack.console_url).port or 0
        shown = shown_twice(port, "/api/v1/gate/redemptions", devices, texts, loss, **how)
        # A thread of its own: the browser's driver has a loop in this one.
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(asyncio.run, shown).result()
        status, zones = api("GET", f"/programs/{program}/zones")
        assert status == 200
        assert zones["data"][0]["inside"] == passes
        return told

    return show


def test_a_lost_reply_admits_nobody_twice_and_sends_nobody_away(shown: Any) -> None:
    told = shown(PASSES, LOSS)
    assert told.lost > PASSES
    assert told.asked > 2 * PASSES + told.lost / 2
    assert sum(told.admissions.values()) == len(told.admissions) == PASSES
    assert told.refusals == {"already_used": PASSES}


def test_negative_control_without_nonces_people_are_sent_away(shown: Any) -> None:
    told = shown(PASSES // 3, LOSS, anew=True)
    assert len(told.admissions) < PASSES // 3
