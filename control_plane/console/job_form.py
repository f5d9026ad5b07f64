"""The forms of jobs: a table of holders, and what to do with rows that are there twice."""

from typing import Any

from django import forms

from control_plane.console.forms import ConsoleForm
from control_plane.console.pass_form import OrderForm
from control_plane.passes import delivery
from control_plane.passes.table import MOST_BYTES, too_large


class TableForm(OrderForm):
    """A table, and what its passes share where a row says nothing else."""

    file = forms.FileField(
        label="Table",
        max_length=200,
        help_text=f"CSV, at most {MOST_BYTES // 1024 // 1024} MB and 50,000 rows.",
        error_messages={
            "required": "Choose a file.",
            "invalid": "Choose a file.",
            "empty": "This file is empty. Upload a table whose first line names its columns.",
            "max_length": "Give the file a shorter name.",
        },
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )

    email = forms.BooleanField(
        label="Send each pass to its holder",
        required=False,
        help_text="By mail, to the address in its row, as soon as it is made.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not delivery.is_on():
            del self.fields["email"]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(too_large().message)
        return file

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        file = self.cleaned_data["file"]
        name = "".join(filter(str.isprintable, file.name))[:80]
        email = self.cleaned_data.get("email", False)
        return self.shared() | {"data": file.read(), "name": name, "email": email}


class ConfirmForm(ConsoleForm):
    repeats = forms.ChoiceField(
        label="Rows that are there twice",
        choices=[("", "Leave them out"), ("1", "Issue them too")],
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose whether to issue the rows that are there twice."},
    )
