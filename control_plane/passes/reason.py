"""How a scan at a gate ends: in exactly one of these, the same word in the API, at gates and in reports."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Policy said so, in every case: a bug of ours is an exception and no reason."""

    OK = "ok"
    BAD_SIGNATURE = "bad_signature"
    REVOKED = "revoked"
    STALE = "stale"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    CLOSED = "closed"
    HELD = "held"
    ALREADY_USED = "already_used"
    NOT_INSIDE = "not_inside"
    ISSUER_INACTIVE = "issuer_inactive"
    WRONG_GATE = "wrong_gate"
    FULL = "full"
    UNKNOWN = "unknown"


SENTENCES: Final = {
    Reason.OK: "Admitted.",
    Reason.BAD_SIGNATURE: "This code was not made by us, or was altered. Do not admit.",
    Reason.REVOKED: "This pass was cancelled.",
    Reason.STALE: "This code is a picture of an older one. Ask for the pass itself, on its phone.",
    Reason.NOT_YET_VALID: "This pass is not valid yet.",
    Reason.EXPIRED: "This pass is no longer valid.",
    Reason.CLOSED: "Outside of the opening hours.",
    Reason.HELD: "This pass is on hold. A supervisor decides.",
    Reason.ALREADY_USED: "This pass was used already.",
    Reason.NOT_INSIDE: "This pass is not inside.",
    Reason.ISSUER_INACTIVE: "Whoever issued this pass is switched off today.",
    Reason.WRONG_GATE: "This pass is for another event or area.",
    Reason.FULL: "Full. Nobody else may enter until somebody leaves.",
    Reason.UNKNOWN: "This code is no pass of ours.",
}
"""What a gate shows first; the details come after it."""


UNDONE: Final = "A supervisor has taken this scan back. Scan the pass again."


def sentence(reason: Reason, direction: str) -> str:
    """What a gate shows first."""
    return "Left." if reason is Reason.OK and direction == "out" else SENTENCES[reason]


OVERRIDABLE: Final = frozenset(
    {
        Reason.STALE,
        Reason.NOT_YET_VALID,
        Reason.EXPIRED,
        Reason.CLOSED,
        Reason.HELD,
        Reason.ALREADY_USED,
        Reason.ISSUER_INACTIVE,
        Reason.WRONG_GATE,
    }
)
"""What a supervisor may admit nevertheless. Not: a forged or cancelled pass, nor more people than fit."""
