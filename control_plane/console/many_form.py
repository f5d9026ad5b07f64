"""Which passes, and what to do with all of them; the sentences for those that are left out."""

from typing import Any, Final

from django import forms

from control_plane.console.fields import Card, NumbersField, cards, line
from control_plane.console.forms import ConsoleForm
from control_plane.passes import delivery
from control_plane.passes.many import Action, Left, Outcome
from control_plane.passes.numbers import Numbers

ACTIONS: Final = {
    Action.SEND: ("Send by e-mail", ("mail", "To the addresses of their holders.")),
    Action.HOLD: ("Put on hold", ("pause", "Gates refuse them until they are released.")),
    Action.RELEASE: ("Release", ("play", "Those on hold are valid again.")),
    Action.CANCEL: ("Cancel", ("ban", "Gates refuse them from now on.")),
    Action.RESTORE: ("Restore", ("undo-2", "Cancelled ones are valid again.")),
}
_DONE: Final = {
    Action.SEND: "sent by e-mail",
    Action.HOLD: "put on hold",
    Action.RELEASE: "released",
    Action.CANCEL: "cancelled",
    Action.RESTORE: "restored",
}
_SAME: Final = {
    Action.SEND: "On their way already",
    Action.HOLD: "On hold already",
    Action.RELEASE: "Valid already",
    Action.CANCEL: "Cancelled already",
    Action.RESTORE: "Not cancelled",
}
_LEFT: Final = {
    Left.UNKNOWN: "No such pass",
    Left.REPLACED: "Replaced by another pass",
    Left.CANCELLED: "Cancelled",
    Left.SENT: "Sent to this holder before",
    Left.NO_ADDRESS: "No e-mail address",
}
_LONGEST: Final = 120
"""Characters of numbers beside a reason: two lines on a phone."""


class ManyForm(ConsoleForm):
    numbers = NumbersField()
    action = forms.ChoiceField(
        label="What to do",
        choices=[(action.value, name) for action, (name, _) in ACTIONS.items()],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what to do.", "invalid_choice": "Choose one of these."},
    )
    again = forms.BooleanField(
        label="Also to holders who got a mail before",
        required=False,
        help_text="Only where they are sent by e-mail.",
    )
    note = line("Note", most=200, help_text="It is kept in the history of each.")
    renamed = ConsoleForm.renamed | {"email": "action"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not delivery.is_on():
            self.fields["action"].choices = self.fields["action"].choices[1:]
            del self.fields["again"]

    @property
    def actions(self) -> list[Card]:
        return cards(self["action"], {action.value: about for action, (_, about) in ACTIONS.items()})

    def values(self) -> dict[str, Any]:
        """What `look` takes."""
        clean = self.cleaned_data
        return {
            "numbers": clean["numbers"],
            "action": clean["action"],
            "again": clean.get("again", False),
        }


def passes(count: int) -> str:
    return "1 pass" if count == 1 else f"{count:,} passes"


def said(outcome: Outcome) -> str:
    """What was done, in a sentence or two."""
    left = sum(len(numbers) for numbers in outcome.left.values())
    was = "was" if len(outcome.done) == 1 else "were"
    done = f"{passes(len(outcome.done))} {was} {_DONE[outcome.action]}."
    if outcome.action == Action.SEND:
        done = f"{passes(len(outcome.done))} {'is' if len(outcome.done) == 1 else 'are'} on the way."
    return done + (f" {left:,} {'was' if left == 1 else 'were'} left out." if left else "")


def shown(outcome: Outcome) -> dict[str, Any]:
    """The plan as the page shows it."""
    count = len(outcome.done)
    return {
        "title": f"{passes(count)} will be {_DONE[outcome.action]}" if count else "Nothing to do",
        "numbers": short(outcome.done),
        "inside": outcome.inside if outcome.action in (Action.HOLD, Action.CANCEL) else 0,
        "left": [
            {"why": _SAME[outcome.action] if why == Left.SAME else _LEFT[why], "count": len(numbers),
             "numbers": short(numbers)}
            for why, numbers in outcome.left.items()
        ],
        "button": f"{outcome.action.title()} {passes(count)}" if count else "",
        "exactly": Numbers.write(outcome.done),
        "danger": outcome.action == Action.CANCEL,
        "takes_a_note": outcome.action != Action.SEND,
    }  # fmt: skip


def short(numbers: list[int]) -> str:
    """As many as fit, from the first on."""
    text = Numbers.write(numbers)
    if len(text) <= _LONGEST:
        return text
    return text[: text.rindex(",", 0, _LONGEST)] + ", …"
