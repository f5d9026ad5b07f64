"""The form of a new or changed program, and of the first zone and gate that come with a new one."""

from typing import Any, Final

from django import forms

from control_plane.console import names
from control_plane.console.fields import Card, cards, line, moment, whole
from control_plane.console.forms import ConsoleForm
from control_plane.console.hours_text import read_hours, write_hours
from control_plane.passes.errors import Invalid, PassesError
from control_plane.passes.hours import check_hours
from control_plane.passes.models import Gate, Program, ProgramKind, Reentry

KINDS: Final = {
    ProgramKind.EVENT: ("ticket", "A concert, a fair, a match: tickets for one occasion."),
    ProgramKind.PARKING: ("square-parking", "Parking passes, with the plate of a car."),
    ProgramKind.SEASON: ("calendar-range", "Members and season tickets, for months."),
}
REENTRY: Final = {
    Reentry.NONE: ("ticket", "One entry. Who leaves does not come back on the same pass."),
    Reentry.AFTER_EXIT: ("repeat", "In and out as they like, but never two people on one pass."),
    Reentry.COUNT: ("layers", "Each entry takes one use, as on a ten-visit card."),
    Reentry.DAILY: ("calendar-days", "One entry each day, as for a season ticket."),
}
MORE: Final = (
    "use_hours", "auto_exit_minutes", "opening_hours", "rotating", "show_holder", "keep_plates",
)  # fmt: skip
"""Fields behind “More settings”, which opens by itself where one is used or wrong."""

_PLAIN: Final = (
    "name", "kind", "place", "time_zone", "starts_at", "ends_at", "reentry", "max_uses", "use_hours",
    "auto_exit_minutes", "offline", "show_holder", "keep_plates", "rotating",
)  # fmt: skip


class ProgramForm(ConsoleForm):
    """A new program, or (with `program`) an edit of one."""

    name = line(
        "Name",
        most=80,
        required="Give the program a name of 1 to 80 characters.",
        placeholder="Summer festival",
    )
    kind = forms.ChoiceField(
        label="Kind", choices=ProgramKind.choices, initial=ProgramKind.EVENT, widget=forms.RadioSelect
    )
    place = line("Place", most=120, placeholder="River park, north meadow")
    time_zone = forms.ChoiceField(
        label="Time zone",
        help_text="All times of this program are in it.",
        error_messages={"invalid_choice": "Choose a time zone from the list, such as Europe/Berlin."},
    )
    starts_at = moment("Valid from", "Of its passes. Empty: at once.")
    ends_at = moment("Valid until", "Of its passes. Empty: without an end.")
    reentry = forms.ChoiceField(
        label="How often may a pass come in?",
        choices=Reentry.choices,
        initial=Reentry.NONE,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how often a pass may come in."},
    )
    max_uses = whole(
        "Entries per pass", "Where it is left empty, entries are not limited.", most=100_000, placeholder="10"
    )
    use_hours = whole(
        "Hours from the first use",
        "A pass ends so many hours after it was first used. Empty: it keeps its dates.",
        most=24 * 366,
        placeholder="24",
    )
    auto_exit_minutes = whole(
        "Leaves by itself after minutes",
        "For places without an exit scan: whoever is inside for longer is counted out. Empty: never.",
        most=60 * 24 * 31,
        placeholder="240",
    )
    opening_hours = forms.CharField(
        label="Opening hours",
        required=False,
        max_length=5_000,
        help_text="One period a line, such as Mon-Fri 08:00-18:00. Outside of them gates refuse. "
        "Empty: always open.",
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "spellcheck": "false",
                "placeholder": "Mon-Fri 08:00-18:00\nSat, Sun 10:00-02:00",
            }
        ),
    )
    offline = forms.BooleanField(
        label="Can be verified without network",
        required=False,
        initial=True,
        help_text="Gates tell real passes from forged ones even offline. The code on the pass is denser.",
    )
    rotating = forms.BooleanField(
        label="The code changes every 15 seconds",
        required=False,
        help_text="Against screenshots: a picture of the code is refused 15 to 30 seconds later. Passes are "
        "shown on a phone, by the link that their holders get; nothing can be printed, and what was printed "
        "admits nobody. Who hands on the phone, or the link, still hands on the pass.",
    )
    show_holder = forms.BooleanField(
        label="Show the holder at gates",
        required=False,
        help_text="Name and plate, to be compared with the person or the car.",
    )
    keep_plates = forms.BooleanField(
        label="Keep the plates that were read at gates",
        required=False,
        help_text="Otherwise they are deleted when their day is over. Kept, they show which car came and "
        "went when: personal data, for which you need a reason, and a sign at the entrance.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, program: Program | None = None, **kwargs: Any) -> None:
        if program is not None:
            kwargs["initial"] = {name: getattr(program, name) for name in _PLAIN} | {
                "opening_hours": write_hours(program.opening_hours),
                "version": program.version,
            }
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in names.zones()]
        if program is not None and program.time_zone not in names.zones():
            self.fields["time_zone"].choices.append((program.time_zone, program.time_zone))

    @property
    def kinds(self) -> list[Card]:
        return cards(self["kind"], KINDS)

    @property
    def reentries(self) -> list[Card]:
        return cards(self["reentry"], REENTRY)

    @property
    def more_is_open(self) -> bool:
        used = any(name in self.errors or self.initial.get(name) for name in MORE)
        return used or "offline" in self.errors or not self.initial.get("offline", True)

    def clean_opening_hours(self) -> list[dict[str, Any]]:
        try:
            return check_hours(read_hours(self.cleaned_data["opening_hours"]))
        except Invalid as error:
            raise forms.ValidationError(error.message) from None

    def clean(self) -> dict[str, Any]:
        starts_at, ends_at = self.cleaned_data.get("starts_at"), self.cleaned_data.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", "The end must come after the start.")
        reentry = self.cleaned_data.get("reentry")
        if reentry == Reentry.NONE:
            # Hidden then, so that what stands in it was not meant.
            self.cleaned_data["max_uses"] = None
        elif reentry == Reentry.COUNT and self.cleaned_data.get("max_uses", 1) is None:
            self.add_error("max_uses", "Say how many times a pass may be used.")
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        """What the services take."""
        return {name: self.cleaned_data[name] for name in (*_PLAIN, "opening_hours")}


class FirstPlaceForm(ConsoleForm):
    """A zone and its gate, offered with a new program. Without a name there is none."""

    zone_name = line("First zone", most=80, help_text="What is counted.", placeholder="Festival ground")
    zone_capacity = whole(
        "Room for", "People or cars at once. Empty: counted, and never full.", placeholder="5000"
    )
    gate_name = line(
        "First gate", most=80, help_text="Where passes are scanned.", placeholder="Main entrance"
    )
    gate_way = forms.ChoiceField(
        label="Way",
        choices=[
            (Gate.Way.ENTRANCE, "Entrance"),
            (Gate.Way.EXIT, "Exit"),
            (Gate.Way.BOTH, "Both ways"),
        ],
        initial=Gate.Way.ENTRANCE,
    )

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("gate_name") and not self.cleaned_data.get("zone_name"):
            self.add_error("zone_name", "A gate leads into a zone: name it too.")
        if self.cleaned_data.get("zone_capacity") and not self.cleaned_data.get("zone_name"):
            self.add_error("zone_name", "Name the zone that has so much room.")
        return self.cleaned_data

    def refuse_part(self, part: str, error: PassesError) -> None:
        """The refusal of a zone or a gate, at the field that is called so here."""
        field = f"{part}_{error.field}"
        self.add_error(field if field in self.fields else None, error.message)
