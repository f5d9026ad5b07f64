"""The forms of zones, gates and devices of a program."""

from collections.abc import Iterable
from typing import Any

from django import forms

from control_plane.console.fields import line, whole
from control_plane.console.forms import ConsoleForm
from control_plane.passes.models import Device, Gate, Zone
from control_plane.passes.values import MOST_PEOPLE

_NOTHING = "\u2003"
"""A wide space: HTML drops narrow ones at the start of an option."""


def zone_choices(zones: Iterable[Zone]) -> list[tuple[int, str]]:
    """Indented as they nest."""
    return [(zone.pk, f"{_NOTHING * (len(zone.path) - 1)}{zone.name}") for zone in zones]


class ZoneForm(ConsoleForm):
    """A new zone, or (with `zone`) another name or capacity of one."""

    name = line("Zone", most=80, required="Give the zone a name of 1 to 80 characters.", placeholder="Hall A")
    capacity = whole("Room for", "Empty: counted, and never full.", placeholder="500")
    parent = forms.TypedChoiceField(
        label="Inside of",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="Who is in a zone is in those around it too.",
        error_messages={"invalid_choice": "Choose a zone of this program."},
    )
    renamed = ConsoleForm.renamed | {"parent_id": "parent"}

    def __init__(self, *args: Any, zones: Iterable[Zone] = (), zone: Zone | None = None, **kw: Any) -> None:
        if zone is not None:
            kw["initial"] = {"name": zone.name, "capacity": zone.capacity}
        super().__init__(*args, **kw)
        self.fields["parent"].choices = [("", "Nothing: outermost"), *zone_choices(zones)]
        if zone is not None or len(self.fields["parent"].choices) == 1:
            del self.fields["parent"]


class GateForm(ConsoleForm):
    """A new gate, or (with `gate`) a change of one."""

    name = line(
        "Gate", most=80, required="Give the gate a name of 1 to 80 characters.", placeholder="North entrance"
    )
    zone = forms.TypedChoiceField(
        label="Leads into",
        coerce=int,
        error_messages={
            "required": "Choose the zone it leads into.",
            "invalid_choice": "Choose a zone of this program.",
        },
    )
    way = forms.ChoiceField(
        label="Way",
        choices=[
            (Gate.Way.ENTRANCE, "Entrance"),
            (Gate.Way.EXIT, "Exit"),
            (Gate.Way.BOTH, "Both ways"),
        ],
        error_messages={"invalid_choice": "Choose entrance, exit or both ways."},
    )
    renamed = ConsoleForm.renamed | {"zone_id": "zone"}

    def __init__(self, *args: Any, zones: Iterable[Zone], gate: Gate | None = None, **kw: Any) -> None:
        if gate is not None:
            kw["initial"] = {"name": gate.name, "zone": gate.zone_id, "way": gate.way}
        super().__init__(*args, **kw)
        self.fields["zone"].choices = zone_choices(zones)

    def values(self) -> dict[str, Any]:
        """What the services take."""
        clean = self.cleaned_data
        return {"name": clean["name"], "zone_id": clean["zone"], "way": clean["way"]}


class CorrectForm(ConsoleForm):
    """Somebody counted heads."""

    inside = forms.IntegerField(
        label="Inside now",
        min_value=0,
        max_value=MOST_PEOPLE,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), "Give the number of people who are inside."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    note = line(
        "Reason",
        most=200,
        required="Say why the count is corrected.",
        help_text="It is kept in the ledger, with your name.",
        placeholder="Counted by hand at 18:00",
    )


class DeviceForm(ConsoleForm):
    """A new device, or (with `gate_ids`, those it has now) a change of one."""

    name = line(
        "Device",
        most=80,
        required="Give the device a name of 1 to 80 characters.",
        help_text="Whose phone is it, or where does it stand?",
        placeholder="North gate, phone 1",
    )
    role = forms.ChoiceField(
        label="Role",
        choices=[
            (Device.Role.STEWARD, "Steward: scans and counts"),
            (Device.Role.SUPERVISOR, "Supervisor: may also admit in spite of a refusal, undo and correct"),
        ],
        initial=Device.Role.STEWARD,
        widget=forms.RadioSelect,
    )
    gates = forms.TypedMultipleChoiceField(
        label="Gates",
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one gate.",
            "invalid_choice": "Choose gates of this program.",
        },
    )
    renamed = ConsoleForm.renamed | {"gate_ids": "gates"}

    def __init__(
        self,
        *args: Any,
        gates: Iterable[Gate],
        device: Device | None = None,
        gate_ids: Iterable[int] = (),
        **kwargs: Any,
    ) -> None:
        if device is not None:
            kwargs["initial"] = {"name": device.name, "role": device.role, "gates": list(gate_ids)}
        super().__init__(*args, **kwargs)
        choices = [(gate.pk, f"{gate.name} ({gate.zone.name})") for gate in gates]
        self.fields["gates"].choices = choices
        if len(choices) == 1 and device is None:
            self.initial["gates"] = [choices[0][0]]
