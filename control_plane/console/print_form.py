"""What is printed, and how: the numbers of passes and the layout of their sheet."""

from typing import Any, Final

from django import forms

from control_plane.console.fields import Card, NumbersField, cards, line
from control_plane.console.forms import ConsoleForm
from control_plane.passes.errors import Invalid
from control_plane.passes.models import Job
from control_plane.passes.printing import MOST_OF_A_JOB, parts
from control_plane.passes.sheets import PAPERS, SheetStyle, check_style

LAYOUTS: Final = {
    "2x4": ("Cards", ("layers", "8 on a page: labels of 99 × 68 mm, or to be cut.")),
    "3x8": ("Labels", ("tag", "24 small labels on a page, 70 × 37 mm.")),
    "1": ("A page each", ("ticket", "For people who print at home.")),
    "badge": ("Badges", ("user", "90 × 60 mm, with a large name.")),
    "lanyard": ("Lanyards", ("users", "A6, with a very large name.")),
    "receipt": ("Receipts", ("printer", "A roll of 80 mm, one after the other.")),
}


class PrintForm(ConsoleForm):
    numbers = NumbersField(" to print", "Cancelled and replaced ones are left out.")
    part = forms.TypedChoiceField(
        label="Which of them",
        coerce=int,
        help_text=f"One file holds {MOST_OF_A_JOB:,} at most.",
        error_messages={"required": "Choose a part.", "invalid_choice": "Choose one of these parts."},
    )
    layout = forms.ChoiceField(
        label="Layout",
        choices=[(key, name) for key, (name, _) in LAYOUTS.items()],
        initial="2x4",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a layout.", "invalid_choice": "Choose one of these layouts."},
    )
    paper = forms.ChoiceField(
        label="Paper",
        choices=[(name, {"a4": "A4", "letter": "US Letter"}.get(name, name)) for name in PAPERS],
        initial="a4",
        error_messages={"invalid_choice": "Choose A4 or US Letter."},
    )
    cut_marks = forms.BooleanField(label="Cut marks", required=False, initial=True)
    title = line("Title", most=120, required="Write a title.")
    lines = forms.CharField(
        label="Lines below it",
        required=False,
        max_length=600,
        help_text="When and where; at most 4 lines.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    branded = forms.BooleanField(
        label="Name and logo of each pass’s issuer",
        required=False,
        initial=True,
        help_text="What you give below is printed on all passes instead.",
    )
    issuer = line("Issued by", most=120)
    note = line("Small print", most=300, help_text="Labels and badges have no room for it.")
    logo = forms.FileField(
        label="Logo",
        required=False,
        help_text="A PNG of at most 512 kB.",
        error_messages={"empty": "This file is empty.", "invalid": "Choose a file."},
        widget=forms.FileInput(attrs={"accept": "image/png"}),
    )
    renamed = ConsoleForm.renamed | {"passes": "numbers", "text": "numbers"}

    def __init__(self, *args: Any, job: Job | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["part" if job is None else "numbers"]
        if job is not None:
            self.fields["part"].choices = [
                (number, f"{first:,} to {last:,} of {job.done:,}")
                for number, (first, last) in enumerate(parts(job), 1)
            ]
            self.fields["part"].initial = 1
            if len(self.fields["part"].choices) < 2:
                self.fields["part"].widget = forms.HiddenInput()

    @property
    def layouts(self) -> list[Card]:
        return cards(self["layout"], {key: about for key, (_, about) in LAYOUTS.items()})

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                check_style(self.style())
            except Invalid as error:
                self.refuse(error)
        return self.cleaned_data

    def style(self) -> SheetStyle:
        clean = self.cleaned_data
        if (logo := clean["logo"]) is not None:
            logo.seek(0)
        texts = (text.strip() for text in clean["lines"].splitlines())
        return SheetStyle(
            layout=clean["layout"],
            paper=clean["paper"],
            title=clean["title"],
            lines=tuple(text for text in texts if text),
            issuer=clean["issuer"],
            note=clean["note"],
            logo=logo.read(1024 * 1024) if logo is not None else None,
            cut_marks=clean["cut_marks"],
        )
