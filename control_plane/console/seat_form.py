"""The form of a new pass on an issuer's phone: how many, for which day, and for whom."""

from datetime import date
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.utils.formats import date_format

from control_plane.console.fields import line
from control_plane.console.forms import ConsoleForm
from control_plane.passes.models import Program, ProgramKind

HOLDER: Final = {"parking": ("plate",), "event": ("name",), "season": ("name",)}
"""What is asked: a barrier looks at plates, a door at names."""


class MakeForm(ConsoleForm):
    nonce = forms.RegexField(regex=r"[0-9a-f]{32}\Z", widget=forms.HiddenInput)
    plate = line("Plate", most=20, autocapitalize="characters", placeholder="B AB 1234", enterkeyhint="done")
    name = line("Name", most=120, placeholder="Ana Example", enterkeyhint="done")
    day = forms.TypedChoiceField(
        label="Valid",
        required=False,
        coerce=date.fromisoformat,
        empty_value=None,
        error_messages={"invalid_choice": "Choose one of these days."},
    )
    count = forms.IntegerField(
        label="How many",
        min_value=1,
        initial=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(
        self, *args: Any, program: Program, today: date, days: list[date], usual: date | None, most: int
    ) -> None:
        super().__init__(*args, initial={"nonce": uuid4().hex, "count": 1, "day": usual or ""})
        asked = HOLDER[program.kind]
        for unasked in {"plate", "name"}.difference(asked):
            del self.fields[unasked]
        self.asked = asked[0]
        if days:
            whole = "The whole season" if program.kind == ProgramKind.SEASON else "All days"
            self.fields["day"].choices = [
                *((day.isoformat(), _day_name(day, today)) for day in days),
                ("", whole),
            ]
        else:
            del self.fields["day"]
        said = f"Make 1 to {most:,} passes at once." if most > 1 else "You can make 1 more pass."
        count = self.fields["count"]
        count.max_value = most
        count.error_messages |= dict.fromkeys(("required", "invalid", "min_value", "max_value"), said)
        count.validators = [
            *(one for one in count.validators if one.code != "max_value"),
            forms.IntegerField(max_value=most).validators[-1],
        ]
        count.widget.attrs |= {"min": 1, "max": most}

    def refuse(self, error: Any) -> None:
        error.field = error.field.removeprefix("holder.")
        super().refuse(error)

    def wishes(self) -> dict[str, Any]:
        """What `desk.make` takes."""
        clean = self.cleaned_data
        return {
            "count": clean["count"],
            "holder": {self.asked: clean[self.asked]} if clean[self.asked] else {},
            "day": clean.get("day"),
            "nonce": clean["nonce"],
        }


def _day_name(day: date, today: date) -> str:
    written = date_format(day, "D j M")
    names = {0: "Today", 1: "Tomorrow"}
    return f"{names[(day - today).days]}, {written}" if (day - today).days in names else written
