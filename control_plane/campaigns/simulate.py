"""What one made-up scan would meet: the edge's own decision over the record that the edge has, with a
sentence for every rule. Counts and records nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from control_plane.accounts.tenancy import workspace_scope
from control_plane.campaigns import selectors
from control_plane.campaigns.app_schemes import workspace_app_schemes
from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.models import Link
from control_plane.campaigns.own_hosts import workspace_hosts
from control_plane.campaigns.publish import Row, record_of
from control_plane.campaigns.rules import check_rules
from control_plane.campaigns.scan_facts import read_facts
from edge.explain import explain
from edge.record import Record, RecordError, decode, encode
from edge.rules import Rule


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one rule; `why` is a clause such as "country is FR, wanted DE"."""

    rule: int
    name: str
    matched: bool
    reached: bool
    why: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """How the scan ends. `location` is None for a page; `rule` and `variant` count from 1, 0 is none.

    `action` is the type of the rule's action, '' where no rule decided.
    """

    reason: str
    status: int
    location: str | None
    rule: int
    variant: int
    action: str
    steps: tuple[Step, ...]


def simulate(
    *, workspace_id: int, link_id: int, rules: list[Any] | None, facts: Mapping[str, Any]
) -> Simulation:
    """rules: a draft, or None for the saved ones. facts: as `scan_facts.read_facts` takes them.

    Raises NotFound, InvalidLink(`rules[…]` or `scan.…`).
    """
    with workspace_scope(workspace_id):
        link = selectors.get_link(workspace_id=workspace_id, link_id=link_id)
        record = link_record(link)
        if rules is not None:
            record = with_draft(record, rules)
    try:
        found = explain(record, read_facts(facts, link.code))
    except RecordError as error:
        raise InvalidLink("rules", str(error)) from None
    decision = found.decision
    return Simulation(
        reason=decision.reason.value,
        status=decision.status,
        location=decision.location,
        rule=decision.rule,
        variant=decision.variant,
        action=action_type(record.rules, decision.rule),
        steps=tuple(Step(one.rule, one.name, one.matched, one.reached, one.why) for one in found.steps),
    )


def link_record(link: Link) -> Record:
    """As the edge reads it. Raises InvalidLink where no edge can: the message says why."""
    if link.domain is not None and link.domain.deleted_at is not None:
        raise InvalidLink("domain_id", "This link's domain was removed, so no scan reaches it.")
    try:
        return decode(encode(record_of(Row.of(link))))
    except (msgspec.ValidationError, RecordError) as error:
        raise InvalidLink("rules", f"The saved rules cannot be read: {error}. Save them again.") from None


def with_draft(record: Record, rules: object) -> Record:
    """With other rules, checked in the open workspace. Raises InvalidLink."""
    checked = check_rules(
        rules, workspace_hosts(), workspace_app_schemes(), has_password=bool(record.password)
    )
    return msgspec.structs.replace(record, rules=checked)


def action_type(rules: tuple[Rule, ...], number: int) -> str:
    """The type of the action of rule `number`, '' for 0."""
    return str(rules[number - 1].then.__struct_config__.tag) if number else ""
