"""A festival's evening: who comes to which gate when, with what in their hand, and what the gate has to say.

The people of a story are its passes. Beside them come those who try: with a pass shown again, a photo of
somebody else's, a forged one, one of another day, or something else altogether.
"""

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from edge import base45, token

GATES: Final = 6
ARRIVALS: Final = 0.9
"""Of the time; the rest is for whoever still stands in a queue."""
SHARES: Final = {
    "again": (0.05, "already_used"),
    "screenshot": (0.03, "already_used"),
    "forged": (0.02, "bad_signature"),
    "expired": (0.02, "expired"),
    "wrong day": (0.02, "not_yet_valid"),
    "other event": (0.01, "wrong_gate"),
    "foreign": (0.01, "unknown"),
}
"""Kind → how many for each person, and what a gate says to them."""
REPEATED: Final = 0.02
"""Of the scans: the reply got lost, so the device asks again with the same nonce."""
_FOREIGN: Final = ("https://go.example.com/menu", "WIFI:T:WPA;S:Guests;P:welcome;;", "4006381333931", "HELLO")


@dataclass(frozen=True)
class Scan:
    at: float
    """Seconds from the start; later where the queue is long."""
    gate: int
    kind: str
    text: str
    nonce: str
    expected: str
    after: str = ""
    """Nonce of the scan that has to be answered first."""
    replayed: bool = False


@dataclass(frozen=True)
class Passes:
    """What was issued, as texts."""

    valid: Sequence[str]
    expired: Sequence[str]
    early: Sequence[str]
    other: Sequence[str]
    """Of another event."""


def needed(people: int) -> dict[str, int]:
    """How many passes of each kind a story takes."""
    counts = {kind: max(1, round(people * share)) for kind, (share, _) in SHARES.items()}
    return {
        "valid": people, "expired": counts["expired"], "early": counts["wrong day"],
        "other": counts["other event"],
    }  # fmt: skip


def write(passes: Passes, seconds: float, seed: int = 7) -> list[Scan]:
    """In the order in which they come."""
    chance = random.Random(seed)
    people = len(passes.valid)
    until = seconds * ARRIVALS

    def scan(kind: str, text: str, expected: str, **more: Any) -> Scan:
        where = {"at": chance.uniform(0, until), "gate": chance.randrange(GATES)} | more
        return Scan(
            kind=kind,
            text=text,
            nonce=str(uuid.UUID(int=chance.getrandbits(128))),
            expected=expected,
            **where,
        )

    story = [scan("person", text, "ok") for text in passes.valid]
    for kind, (share, expected) in SHARES.items():
        for number in range(max(1, round(people * share))):
            first = chance.choice(story[:people])
            match kind:
                case "again":
                    later = {"at": first.at + chance.uniform(1, 20), "gate": first.gate}
                    one = scan(kind, first.text, expected, after=first.nonce, **later)
                case "screenshot":
                    gate = (first.gate + chance.randrange(1, GATES)) % GATES
                    later = {"at": first.at + chance.uniform(0, 60), "gate": gate}
                    one = scan(kind, first.text, expected, after=first.nonce, **later)
                case "forged":
                    one = scan(kind, _forged(first.text, chance), expected)
                case "expired":
                    one = scan(kind, passes.expired[number], expected)
                case "wrong day":
                    one = scan(kind, passes.early[number], expected)
                case "other event":
                    one = scan(kind, passes.other[number], expected)
                case _:
                    one = scan(kind, chance.choice(_FOREIGN), expected)
            story.append(one)
    for first in chance.sample(story, max(1, round(len(story) * REPEATED))):
        again = asdict(first) | {
            "at": first.at + 0.5,
            "kind": "lost reply",
            "after": first.nonce,
            "replayed": True,
        }
        story.append(Scan(**again))
    return sorted((_before(one, until) for one in story), key=lambda one: one.at)


def books(story: Sequence[Scan]) -> Counter[str]:
    """Reason → scans that a gate has to have in its report: a reply asked for twice is one scan."""
    return Counter(one.expected for one in story if not one.replayed)


def _before(one: Scan, until: float) -> Scan:
    return one if one.at <= until else Scan(**(asdict(one) | {"at": until}))


def _forged(text: str, chance: random.Random) -> str:
    """One bit of the signature, which is at the end, is another one."""
    read = token.parse(text)
    data = bytearray(read.payload + read.signature)
    data[-chance.randrange(1, 16)] ^= 1 << chance.randrange(8)
    return base45.encode(bytes(data))
