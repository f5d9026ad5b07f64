"""A shadow run: a day's recorded scans asked again, by the saved rules and by a draft, to see before saving
how many would go elsewhere. Nothing is written."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from analytics.events import Reason
from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import selectors, stats
from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.recorded import asked, facts_of, unknown
from control_plane.campaigns.simulate import link_record, with_draft
from edge import rules as r
from edge.compile import compiled_record
from edge.decide import Decision, decide
from edge.record import ACTIVE, Record, RecordError

MAX_GROUPS: Final = 50_000
MAX_PAIRS: Final = 200
OLDEST: Final = timedelta(days=800)
"""Somewhat more than the 25 months for which scans are kept."""


class Pair(NamedTuple):
    """Scans that lead to `now` by the saved rules, to `draft` by the others: an address, or a page's name."""

    now: str
    draft: str
    scans: int


@dataclass(frozen=True, slots=True)
class RuleShare:
    """How many scans one rule of the draft takes, and how many of them go elsewhere by it. 0: no rule."""

    rule: int
    name: str
    scans: int
    moved: int


@dataclass(frozen=True, slots=True)
class ShadowRun:
    """`scans` were looked at, of `total` that reached the rules on that UTC day."""

    day: date
    scans: int
    total: int
    moved: int
    unknown_conditions: list[str]
    """What records cannot answer, in sentences."""
    by_rule: list[RuleShare]
    by_destination: list[Pair]
    """Those that go elsewhere first, then by scans; at most MAX_PAIRS."""

    @property
    def is_cut(self) -> bool:
        """There were more than MAX_GROUPS kinds of scans: the rarest were left out."""
        return self.scans < self.total


def shadow_run(*, workspace_id: int, link_id: int, rules: list[Any], day: date | None = None) -> ShadowRun:
    """rules: a draft in JSON. day: of UTC, yesterday where left out.

    Looks at what rules decide, over scans by people that reached them: a link that is paused, over or locked
    now is taken as if it were not. Raises NotFound, InvalidLink(`rules[…]` or `day`), StatsUnavailable.
    """
    today = datetime.now(UTC).date()
    day = day or today - timedelta(days=1)
    if not today - OLDEST <= day <= today:
        raise InvalidLink("day", f"Choose one of the last {OLDEST.days} days, today at the latest.")
    with workspace_scope(workspace_id):
        link = selectors.get_link(workspace_id=workspace_id, link_id=link_id)
        saved = link_record(link)
        draft = with_draft(saved, rules)
    now, then = _bare(saved), _bare(draft)
    try:
        compiled_now, compiled_then = compiled_record(now), compiled_record(then)
    except RecordError as error:
        raise InvalidLink("rules", str(error)) from None
    question = asked(now, then)
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = stats.ask(
        "link_shadow",
        workspace_id=workspace_id,
        link_id=link_id,
        since=since,
        until=since + timedelta(days=1),
        facts=list(question.facts),
        minutes=int(question.minutes),
        limit=MAX_GROUPS,
    )
    pairs: Counter[tuple[str, str]] = Counter()
    taken: Counter[int] = Counter()
    moved: Counter[int] = Counter()
    for row in rows:
        facts = facts_of(row, link.code)
        wanted = decide(then, facts, compiled_then)
        before = _outcome(now, decide(now, facts, compiled_now))
        after = _outcome(then, wanted)
        count = int(row["scans"])
        pairs[before, after] += count
        taken[wanted.rule] += count
        if before != after:
            moved[wanted.rule] += count
    found = [Pair(*where, count) for where, count in pairs.items()]
    found.sort(key=lambda pair: (pair.now == pair.draft, -pair.scans, pair))
    return ShadowRun(
        day=day,
        scans=taken.total(),
        total=int(rows[0]["total"]) if rows else 0,
        moved=moved.total(),
        unknown_conditions=unknown(draft.rules) + unknown(saved.rules, "Saved rule", known=draft.rules),
        by_rule=[
            RuleShare(number, rule.name, taken[number], moved[number])
            for number, rule in enumerate(draft.rules, start=1)
        ]
        + [RuleShare(0, "", taken[0], moved[0])],
        by_destination=found[:MAX_PAIRS],
    )


def _bare(record: Record) -> Record:
    """The record as if only its rules decided."""
    asks = any(isinstance(rule.then, r.Password) for rule in record.rules)
    return msgspec.structs.replace(
        record,
        state=ACTIVE,
        starts_at=None,
        expires_at=None,
        max_scans=0,
        fallback="",
        password=record.password if asks else "",
    )


def _outcome(record: Record, decision: Decision) -> str:
    """Where it leads, in words for a page."""
    if decision.location is not None:
        return decision.location
    action = record.rules[decision.rule - 1].then if decision.rule else None
    if isinstance(action, r.Notice):
        return f"Page: {action.title}"
    if isinstance(action, r.App):
        return f"App, else {action.to}"
    return "Page: password" if decision.reason is Reason.PASSWORD else "Page: gone (410)"
