"""The scenario `gates` on a stack of our own: makes a festival by the API, and compares what the product has
in its books afterwards with the story."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench.stack import Stack, StackError
from bench.story import GATES, Passes, books, needed, write

AT_ONCE: Final = 1_000


class Evening:
    """A festival with gates, a paired device at each, and its passes. Raises StackError."""

    def __init__(self, stack: Stack, seconds: float, rate: float) -> None:
        self._stack = stack
        counts = needed(round(seconds * rate))
        self._program = self._program_named("Festival", capacity=counts["valid"])
        other = self._program_named("Another festival")
        self.gates = [self._gate(number) for number in range(GATES)]
        now = datetime.now(UTC)
        days = [(now + timedelta(days=days)).isoformat() for days in (-2, -1, 1, 2)]
        self.story = write(
            Passes(
                valid=self._issue(self._program, counts["valid"]),
                expired=self._issue(
                    self._program, counts["expired"], valid_from=days[0], valid_until=days[1]
                ),
                early=self._issue(self._program, counts["early"], valid_from=days[2], valid_until=days[3]),
                other=self._issue(other, counts["other"]),
            ),
            seconds,
        )

    def compared(self, seconds: float) -> list[tuple[str, int, int]]:
        """What, by the story, and by the product's report; waits that long for what comes a moment later."""
        ours = books(self.story)
        ours["clone attempts"] = sum(one.kind == "screenshot" for one in self.story if not one.replayed)
        deadline = time.monotonic() + seconds
        while True:
            theirs = self._books()
            if theirs == ours or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        zone = self._ask("GET", f"/programs/{self._program['id']}/zones")["data"][0]
        rows = [(f"report: {name}", ours[name], theirs[name]) for name in sorted(ours | theirs)]
        return [*rows, ("inside", ours["ok"], zone["inside"])]

    def _books(self) -> Counter[str]:
        report = self._ask("GET", f"/programs/{self._program['id']}/report")
        found = Counter({one["reason"]: one["times"] for one in report["refusals"]})
        found["ok"] = sum(gate["admitted"] for gate in report["gates"])
        found["clone attempts"] = sum(one["times"] for one in report["clones"])
        return found

    def _program_named(self, name: str, capacity: int | None = None) -> dict[str, Any]:
        program: dict[str, Any] = self._ask("POST", "/programs", {"name": name, "kind": "event"})
        zone = self._ask("POST", f"/programs/{program['id']}/zones", {"name": "Venue", "capacity": capacity})
        return program | {"zone": zone["id"]}

    def _gate(self, number: int) -> dict[str, Any]:
        own = f"/programs/{self._program['id']}"
        gate = self._ask(
            "POST", f"{own}/gates", {"name": f"Gate {number + 1}", "zone_id": self._program["zone"]}
        )
        made = self._ask("POST", f"{own}/devices", {"name": f"Phone {number + 1}", "gate_ids": [gate["id"]]})
        paired = self._ask("POST", "/gate/pair", {"code": made["pairing_code"]})
        return {"id": gate["id"], "key": paired["key"]}

    def _issue(self, program: dict[str, Any], count: int, **more: Any) -> list[str]:
        texts: list[str] = []
        while len(texts) < count:
            body = {"program_id": program["id"], "count": min(AT_ONCE, count - len(texts)), **more}
            texts += [one["text"] for one in self._ask("POST", "/passes", body)["data"]]
        return texts

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._stack.console}/api/v1{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._stack.key}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise StackError(f"{path} answered {error.code}: {error.read().decode()}") from error
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"The API does not answer: {error}.") from error
