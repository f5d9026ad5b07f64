"""The forms of passes: issue, holder, window, note; and of who issues them."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms

from control_plane.console.fields import line, moment, whole
from control_plane.console.forms import ConsoleForm
from control_plane.passes.issuing import MOST_AT_ONCE
from control_plane.passes.jobs import MOST
from control_plane.passes.models import Issuer, Pass

HOLDER: Final = ("name", "email", "phone", "plate")


def _holder_lines() -> dict[str, forms.CharField]:
    return {
        "name": line("Name", most=120, placeholder="Ana Example"),
        "email": line("E-mail address", most=254, type="email", placeholder="ana@example.com"),
        "phone": line("Phone", most=32, type="tel", placeholder="+49 30 1234567"),
        "plate": line("Plate", most=20, autocapitalize="characters", placeholder="B AB 1234"),
    }


class HolderForm(ConsoleForm):
    """Who holds a pass; all of it optional."""

    name, email, phone, plate = _holder_lines().values()

    def refuse(self, error: Any) -> None:
        error.field = error.field.removeprefix("holder.")
        super().refuse(error)

    def holder(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in HOLDER}


class OrderForm(ConsoleForm):
    """What new passes share."""

    issuer = forms.TypedChoiceField(
        label="Issuer",
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={"invalid_choice": "Choose an issuer of this program."},
    )
    valid_from = moment("Valid from", "Empty: as the program.")
    valid_until = moment("Valid until", "Empty: as the program.")
    max_uses = whole("Entries", "Empty: as the program.", most=100_000)
    held = forms.BooleanField(
        label="On hold until it is released",
        required=False,
        help_text="Gates refuse it for now: where it is not paid yet, for instance.",
    )
    renamed = ConsoleForm.renamed | {"issuer_id": "issuer"}

    def __init__(self, *args: Any, issuers: Iterable[Issuer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["issuer"].choices = [("", "No issuer"), *((one.pk, one.name) for one in issuers)]
        if len(self.fields["issuer"].choices) == 1:
            del self.fields["issuer"]

    @property
    def more_is_open(self) -> bool:
        return any(
            self[name].errors or self[name].value()
            for name in ("valid_from", "valid_until", "max_uses", "held")
        )

    def clean(self) -> dict[str, Any]:
        start, end = self.cleaned_data.get("valid_from"), self.cleaned_data.get("valid_until")
        if start and end and end <= start:
            self.add_error("valid_until", "The end must come after the start.")
        return self.cleaned_data

    def shared(self) -> dict[str, Any]:
        clean = self.cleaned_data
        values = {name: clean[name] for name in ("valid_from", "valid_until", "max_uses", "held")}
        return values | {"issuer_id": clean.get("issuer")}


class IssueForm(OrderForm, HolderForm):
    """New passes: many without a holder, or one with."""

    count = forms.IntegerField(
        label="How many",
        min_value=1,
        max_value=MOST,
        initial=1,
        help_text=f"1 to {MOST:,}, numbered on from the last one. More than {MOST_AT_ONCE:,} are made in the "
        "background.",
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), f"Issue 1 to {MOST:,} passes at once."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("count", 1) > 1 and any(self.cleaned_data.get(name) for name in HOLDER):
            self.add_error("count", "A holder is for one pass. Issue 1, or leave the holder empty.")
        return super().clean()

    @property
    def needs_a_job(self) -> bool:
        return int(self.cleaned_data["count"]) > MOST_AT_ONCE

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        return self.shared() | {"holders_of": [self.holder()] * self.cleaned_data["count"]}


class WindowForm(ConsoleForm):
    """Another validity of one pass."""

    valid_from = moment("Valid from", "Empty: at once.")
    valid_until = moment("Valid until", "Empty: without an end.")

    def __init__(self, *args: Any, row: Pass, **kwargs: Any) -> None:
        initial = {"valid_from": row.valid_from, "valid_until": row.valid_until}
        super().__init__(*args, initial=initial, **kwargs)


class ReplaceForm(ConsoleForm):
    note = line(
        "Reason",
        most=200,
        help_text="Optional, for the history.",
        placeholder="Lost; plate B AB 1234 came by",
    )


class IssuerForm(ConsoleForm):
    """A new issuer, or (with `issuer`) a change of one."""

    name = line(
        "Issuer", most=80, required="Give the issuer a name of 1 to 80 characters.", placeholder="Box office"
    )
    quota_total = whole("Passes in all", "Empty: no limit.", least=0, placeholder="no limit")
    quota_daily = whole("Passes a day", "Empty: no limit.", least=0, placeholder="no limit")

    def __init__(self, *args: Any, issuer: Issuer | None = None, **kwargs: Any) -> None:
        if issuer is not None:
            kwargs["initial"] = {name: getattr(issuer, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)


class DayForm(ConsoleForm):
    """One day on which an issuer is on, off, or as otherwise."""

    day = forms.DateField(
        label="Day",
        error_messages={"required": "Choose a day.", "invalid": "Choose a day, such as 2030-01-31."},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    on = forms.ChoiceField(
        label="On this day",
        choices=[("off", "off"), ("on", "on"), ("", "as otherwise")],
        required=False,
        error_messages={"invalid_choice": "Choose on, off or as otherwise."},
    )

    def is_active(self) -> bool | None:
        return {"on": True, "off": False}.get(self.cleaned_data["on"])


class PersonForm(ConsoleForm):
    """Somebody who makes passes for an issuer."""

    name = line("Name", most=80, required="Give a name of 1 to 80 characters.", placeholder="Maria")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The page has another field of this name.
        super().__init__(*args, auto_id="person_%s", **kwargs)


class LogoForm(ConsoleForm):
    logo = forms.FileField(
        label="File",
        help_text="PNG, JPEG or WebP, at most 1 MB. Best on white, and wider than high.",
        error_messages={
            "required": "Choose a file first.",
            "empty": "This file is empty.",
            "invalid": "Choose a file.",
        },
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
