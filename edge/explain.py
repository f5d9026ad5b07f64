"""Why a scan was answered as it was: `decide` again, with a sentence for every rule. Pure."""

import msgspec

from edge import rules as r
from edge.compile import compile_condition, compiled_record
from edge.conditions import compile_leaf
from edge.decide import LOCKED, Decision, decide, refusal
from edge.facts import Facts
from edge.record import Record


class Step(msgspec.Struct, frozen=True):
    """What became of one rule."""

    rule: int
    """From 1."""
    name: str
    matched: bool
    reached: bool
    """False where the answer was found before it."""
    why: str
    """A clause: "country is FR, wanted DE"."""


class Explanation(msgspec.Struct, frozen=True):
    decision: Decision
    steps: tuple[Step, ...]


def explain(record: Record, facts: Facts) -> Explanation:
    """The decision and the way to it. Raises RecordError where the rules cannot work."""
    compiled = compiled_record(record)
    decision = decide(record, facts, compiled)
    used_up = (
        bool(record.max_scans) and facts.scan_number is not None and facts.scan_number > record.max_scans
    )
    before = (
        "the link's state or time decided" if refusal(record, facts.at_ms)
        else "the link's password is asked for first" if decision is LOCKED
        else "the link is used up" if used_up
        else ""
    )  # fmt: skip
    steps = []
    for number, rule in enumerate(record.rules, start=1):
        if before:
            steps.append(Step(number, rule.name, matched=False, reached=False, why=before))
            continue
        matched = compile_condition(rule.when)[0](facts)
        steps.append(Step(number, rule.name, matched=matched, reached=True, why=_why(rule.when, facts)))
        if matched:
            before = f"rule {number} decided"
    return Explanation(decision, tuple(steps))


def _why(condition: r.AnyCondition | None, facts: Facts) -> str:
    if condition is None:
        return "it always holds"
    if isinstance(condition, r.Not):
        return f"{_why(condition.of, facts)}{'' if _holds(condition, facts) else ', wanted the opposite'}"
    if isinstance(condition, r.All | r.AtLeastOne):
        every = isinstance(condition, r.All)
        holding = [part for part in condition.of if _holds(part, facts)]
        failing = [part for part in condition.of if not _holds(part, facts)]
        # What settled it: of `all` those that fail, of `any` those that hold.
        settled = (failing or holding) if every else (holding or failing)
        if not settled:
            return "there is nothing to hold" if every else "there is no condition that could hold"
        return " and ".join(_why(part, facts) for part in settled)
    leaf = compile_leaf(condition)
    actual = leaf.actual(facts) or "not known"
    return f"{leaf.fact} is {actual}" + ("" if leaf.test(facts) else f", wanted {leaf.wanted}")


def _holds(condition: r.AnyCondition, facts: Facts) -> bool:
    return compile_condition(condition)[0](facts)
