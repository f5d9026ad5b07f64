"""A link's rules as somebody sent them: checked value by value, and written in the one form that is stored.

What is refused names the rule and the field, as in “Rule 2, country: “Germany” is not a country code. Use two
letters such as DE.”, at `rules[1].when.values`.
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from control_plane.campaigns.actions import MAX_NAME, check_action
from control_plane.campaigns.conditions import Budget, check_condition
from control_plane.campaigns.draft import Draft
from control_plane.campaigns.errors import InvalidLink
from edge.compile import compile_rules
from edge.record import RecordError
from edge.rules import MAX_RULES, Password, Rule

MAX_RULES_BYTES: Final = 48 * 1024
"""Of a link's rules as JSON. Edges keep them in memory, and a body of the API has to have room for them."""


def check_rules(
    raw: object,
    own_hosts: Collection[str] = (),
    app_schemes: Collection[str] = (),
    *,
    has_password: bool = True,
) -> tuple[Rule, ...]:
    """The rules in their stored form: one spelling of everything, repeated values once, in the same order.

    raw: a list as it comes out of JSON; anything else is refused, never a traceback. own_hosts: as for
    `check_destination`. app_schemes: those that an app may be opened by, besides https. has_password: whether
    the link has one that a rule can ask for. `check_rules(rules_json(rules))` is `rules`, with the same hosts
    and schemes. Raises InvalidLink.
    """
    if not isinstance(raw, list):
        raise InvalidLink("rules", "Send the rules as a list, first one first; an empty list for none.")
    if len(raw) > MAX_RULES:
        raise InvalidLink("rules", f"A link has at most {MAX_RULES} rules; these are {len(raw):,}.")
    budget = Budget()
    rules = tuple(
        _check_rule(one, number, own_hosts, app_schemes, budget) for number, one in enumerate(raw, start=1)
    )
    for at, rule in enumerate(rules):
        if isinstance(rule.then, Password) and not has_password:
            raise InvalidLink(
                f"rules[{at}].then",
                f"Rule {at + 1}, password: The link has no password to ask for. Set one first.",
            )
    size = len(msgspec.json.encode(rules))
    if size > MAX_RULES_BYTES:
        raise InvalidLink(
            "rules",
            f"Written out, these rules have {size:,} bytes; a link has room for {MAX_RULES_BYTES:,}. Leave "
            "values out, shorten texts, or share the rules out among several links.",
        )
    try:
        compile_rules(rules)  # the edge's own word on it
    except RecordError as error:
        raise InvalidLink("rules", str(error)) from None
    return rules


def rules_json(rules: Collection[Rule]) -> list[dict[str, Any]]:
    """As the API shows and PostgreSQL stores them: what is left at its default is left out."""
    return [msgspec.json.decode(msgspec.json.encode(rule)) for rule in rules]


def _check_rule(
    raw: object, number: int, own_hosts: Collection[str], app_schemes: Collection[str], budget: Budget
) -> Rule:
    path = f"rules[{number - 1}]"
    draft = Draft(number, path, "rule", raw)
    draft.only(("name", "when", "then"))
    draft.label = "name"
    name = " ".join(draft.text("name", MAX_NAME).split())
    if draft.raw.get("then") is None:
        draft.label = "action"
        raise draft.refuse("Say in “then” what happens, such as a redirect.", "then")
    when = draft.raw.get("when")
    return Rule(
        name=name,
        when=None if when is None else check_condition(when, number, f"{path}.when", budget),
        then=check_action(draft.raw["then"], number, f"{path}.then", own_hosts, app_schemes),
    )
