"""Rules made ready to run: closures over checked values, once per decoded record. Pure.

Raises RecordError for a rule that cannot work, so that a wrong record is 503 for its link and a wrong draft a
sentence for its author.
"""

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import Final

from analytics.events import Reason
from edge import rules as r
from edge.conditions import AGENT, BOT, BUCKET, BUCKETS, CLICK, COUNTED, LANGUAGE, NUMBER, PLACE, compile_leaf
from edge.decide import GONE, Compiled, Decision, Outcome, Test
from edge.destination import destination
from edge.facts import Facts
from edge.intent import address
from edge.record import ACTIVE, Record, RecordError


def needs_count(record: Record) -> bool:
    """Whether scans of this link are counted in Valkey. Raises RecordError."""
    return bool(record.max_scans) or bool(compiled_record(record).needs & NUMBER)


def compile_rules(rules: tuple[r.Rule, ...], *, has_password: bool = True) -> Compiled:
    """The last check of a draft. Raises RecordError with a sentence that names the rule."""
    return compiled_record(Record(1, 1, "https://example.com/", rules=rules, password="-" * has_password))


def compiled_record(record: Record) -> Compiled:
    """Raises RecordError."""
    if len(record.rules) > r.MAX_RULES:
        raise RecordError(f"There are {len(record.rules)} rules; a link has at most {r.MAX_RULES}.")
    compiled: list[tuple[Test, Outcome]] = []
    # Robots do not use up a scan.
    needs = NUMBER | BOT if record.max_scans else 0
    uncounted = len(record.rules)
    for number, rule in enumerate(record.rules, start=1):
        try:
            test, need = compile_condition(rule.when)
            outcome, wanted = _outcome(rule.then, number, record)
        except ValueError as error:
            raise RecordError(f"Rule {number}: {error}") from error
        if need & COUNTED:
            uncounted = min(uncounted, number - 1)
        compiled.append((test, outcome))
        needs |= need | wanted
    own = r.Redirect(to=record.destination, pass_query=record.pass_query)
    otherwise, need = _outcome(own, 0, record)
    guarded = bool(record.password) and not any(isinstance(rule.then, r.Password) for rule in record.rules)
    always = record.starts_at is None and record.expires_at is None
    is_open = record.state == ACTIVE and always and not record.max_scans and not guarded
    return Compiled(tuple(compiled), otherwise, needs | need, guarded, uncounted, is_open)


@lru_cache(maxsize=4096)
def compile_condition(condition: r.AnyCondition | None, depth: int = 0) -> tuple[Test, int]:
    """The test and what it needs; the same one for every link that asks the same. Raises ValueError."""
    if condition is None:
        return _always, 0
    if depth > r.MAX_DEPTH:
        raise ValueError(f"Conditions are nested more than {r.MAX_DEPTH} deep.")
    if isinstance(condition, r.Not):
        inner, need = compile_condition(condition.of, depth + 1)
        return lambda facts: not inner(facts), need
    if isinstance(condition, r.All | r.AtLeastOne):
        parts = [compile_condition(part, depth + 1) for part in condition.of]
        tests = tuple(test for test, _ in parts)
        need = 0
        for _, one in parts:
            need |= one
        if len(tests) == 1:
            return tests[0], need
        return (_all(tests) if isinstance(condition, r.All) else _any(tests)), need
    leaf = compile_leaf(condition)
    return leaf.test, leaf.need


def _always(_: Facts) -> bool:
    return True


def _all(tests: tuple[Test, ...]) -> Test:
    def holds(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110  a generator would cost more than the tests
            if not test(facts):
                return False
        return True

    return holds


def _any(tests: tuple[Test, ...]) -> Test:
    def holds(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110
            if test(facts):
                return True
        return False

    return holds


def _outcome(action: r.AnyAction, rule: int, record: Record) -> tuple[Outcome, int]:
    """What an action answers, and the facts it needs for that."""
    if isinstance(action, r.Redirect):
        return _redirect(action, rule, action.status or record.status)
    if isinstance(action, r.Split):
        return _split(action, rule, action.status or record.status)
    if isinstance(action, r.Password):
        if not record.password:
            raise ValueError("It asks for the link's password, but the link has none. Set one first.")
        lead, need = _redirect(
            r.Redirect(to=action.to or record.destination, pass_query=record.pass_query), rule, record.status
        )
        ask = Decision(Reason.PASSWORD, 200, None, rule)
        return lambda facts: lead(facts) if facts.unlocked else ask, need
    if isinstance(action, r.Notice):
        fixed = Decision(Reason.NOTICE, 200, None, rule, 0, action)
        return lambda _: fixed, 0
    if isinstance(action, r.App):
        return lambda facts: _open_app(action, facts, rule), AGENT
    fixed = Decision(GONE.reason, GONE.status, None, rule)
    return lambda _: fixed, 0


def _open_app(action: r.App, facts: Facts, rule: int) -> Decision:
    where = address(action, facts.os)
    if where is None:
        return Decision(Reason.OK, 200, None, rule, 0, action)
    return Decision(Reason.OK, 302, where, rule)


def _redirect(action: r.Redirect, rule: int, status: int) -> tuple[Outcome, int]:
    to, pass_query, utm = action.to, action.pass_query, action.utm
    need = _text_needs(to, utm)
    if not (pass_query or utm or "{" in to):
        return (_shared if rule else _fixed)(status, to, rule, 0), 0
    return (
        lambda facts: Decision(
            Reason.OK, status, destination(to, facts, pass_query=pass_query, utm=utm), rule
        ),
        need,
    )


def _fixed(status: int, to: str, rule: int, variant: int) -> Outcome:
    decision = Decision(Reason.OK, status, to, rule, variant)
    return lambda _: decision


_shared: Final = lru_cache(maxsize=4096)(_fixed)
"""The same one for every link with the same rule: less to keep, and likelier at hand."""


def _split(action: r.Split, rule: int, status: int) -> tuple[Outcome, int]:
    variants = action.variants
    if not 1 <= len(variants) <= r.MAX_VARIANTS or any(one.weight < 1 for one in variants):
        raise ValueError(f"A split has 2 to {r.MAX_VARIANTS} variants, each with a weight of 1 or more.")
    ends = list(accumulate(one.weight for one in variants))
    total = ends[-1]
    # bucket < share of the weights: the same bucket always falls into the same variant.
    ends = [end * BUCKETS // total for end in ends[:-1]]
    outcomes: list[Outcome] = []
    need = BUCKET
    for number, one in enumerate(variants, start=1):
        to = r.Redirect(to=one.to, pass_query=action.pass_query, utm=action.utm)
        outcomes.append(_variant(to, rule, status, number))
        need |= _text_needs(one.to, action.utm)
    return lambda facts: outcomes[bisect_right(ends, facts.bucket)](facts), need


def _variant(action: r.Redirect, rule: int, status: int, number: int) -> Outcome:
    to, pass_query, utm = action.to, action.pass_query, action.utm
    if not (pass_query or utm or "{" in to):
        return _shared(status, to, rule, number)
    return lambda facts: Decision(
        Reason.OK, status, destination(to, facts, pass_query=pass_query, utm=utm), rule, number
    )


def _text_needs(to: str, utm: dict[str, str]) -> int:
    text = "".join((to, *utm.values()))
    return (
        (PLACE if "{country}" in text else 0)
        | (LANGUAGE if "{lang}" in text else 0)
        | (CLICK if "{click_id}" in text else 0)
    )
