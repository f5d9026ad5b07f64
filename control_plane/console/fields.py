"""Fields that several forms share, with their sentences, and choices that are shown as cards."""

from typing import Any

from django import forms

from control_plane.passes.errors import Invalid
from control_plane.passes.numbers import MOST_NUMBERS, Numbers
from control_plane.passes.values import MOST_PEOPLE


def moment(label: str, help_text: str) -> forms.DateTimeField:
    """Date and time in the current time zone, which is the program's."""
    return forms.DateTimeField(
        label=label,
        required=False,
        help_text=help_text,
        error_messages={"invalid": "Give a date and a time, such as 2030-01-31 18:00."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


def whole(
    label: str, help_text: str = "", *, most: int = MOST_PEOPLE, least: int = 1, **attrs: str
) -> forms.IntegerField:
    """A whole number, or nothing."""
    said = f"Give a whole number from {least:,} to {most:,}, or nothing."
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=least,
        max_value=most,
        help_text=help_text,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), said),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"} | attrs),
    )


def line(label: str, *, most: int, required: str = "", help_text: str = "", **attrs: str) -> forms.CharField:
    """One line of text; `required` is the sentence where it is missing."""
    return forms.CharField(
        label=label,
        required=bool(required),
        max_length=most,
        help_text=help_text,
        error_messages={
            "required": required,
            "max_length": "Use at most %(limit_value)d characters; this has %(show_value)d.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"} | attrs),
    )


class NumbersField(forms.CharField):
    """Numbers of passes, as a list; `what` is done with them, for the sentence where there are none."""

    def __init__(self, what: str = "", help_text: str = "") -> None:
        super().__init__(
            label="Numbers",
            max_length=10_000,
            help_text=f"Such as 1-100, 205; at most {MOST_NUMBERS:,}. {help_text}".strip(),
            error_messages={"required": f"Say which passes{what}, such as 1-100."},
            widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "1-100"}),
        )

    def clean(self, value: Any) -> list[int]:
        try:
            return Numbers.read(super().clean(value))
        except Invalid as error:
            raise forms.ValidationError(error.message) from None


class Card:
    """A choice that is shown as a card: its radio button, icon, name and one sentence."""

    def __init__(self, choice: Any, about: tuple[str, str]) -> None:
        self.choice = choice
        self.icon, self.sentence = about


def cards(bound: forms.BoundField, about: dict[Any, tuple[str, str]]) -> list[Card]:
    return [Card(choice, about[choice.data["value"]]) for choice in bound]
