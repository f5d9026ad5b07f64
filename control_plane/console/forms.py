"""The console's forms: they read what a person typed and say what is wrong with it, field by field.

What may be is decided by the services; the checks here call the same functions, so that a form shows all its
errors at once and not one after the other.
"""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from control_plane.accounts.errors import AccountsError
from control_plane.accounts.models import ROLE_CHOICES
from control_plane.accounts.permissions import KeyScope, manages
from control_plane.campaigns.errors import CampaignsError
from control_plane.console import names
from control_plane.passes.errors import PassesError


class ConsoleForm(forms.Form):
    """A form that can take a service's refusal."""

    # Where the service's word for a field is not the form's.
    renamed = {"campaign_id": "campaign"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for field in self.fields.values():
            field.error_messages.setdefault("required", "Fill this in.")

    def refuse(self, error: CampaignsError | AccountsError | PassesError) -> None:
        """Show the sentence at its field, or above the form."""
        field = self.renamed.get(error.field, error.field)
        shown = field in self.fields and not self.fields[field].widget.is_hidden
        self.add_error(field if shown else None, error.message)


class CampaignForm(ConsoleForm):
    name = forms.CharField(
        label="Name",
        max_length=80,
        error_messages={
            "required": "Give the campaign a name of 1 to 80 characters.",
            "max_length": "Give the campaign a name of 1 to 80 characters.",
        },
        widget=forms.TextInput(attrs={"placeholder": "Spring posters", "autocomplete": "off"}),
    )


class WorkspaceForm(ConsoleForm):
    name = forms.CharField(
        label="Name", max_length=500, error_messages={"required": "Give the workspace a name."}
    )
    time_zone = forms.ChoiceField(
        label="Time zone",
        help_text="Days and hours in charts, and the times that you type, are in this zone.",
        error_messages={"invalid_choice": "Choose a time zone from the list, such as Europe/Madrid."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in names.zones()]


class AppForm(ConsoleForm):
    scheme = forms.CharField(
        label="Scheme",
        max_length=500,
        help_text="What stands before :// in your app’s addresses.",
        error_messages={"required": "Give a scheme, such as myapp."},
        widget=forms.TextInput(
            attrs={
                "placeholder": "myapp",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    renamed = {"schemes": "scheme"}


class InvitationForm(ConsoleForm):
    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        error_messages={"required": "Give a complete e-mail address, such as ana@example.com."},
        widget=forms.EmailInput(attrs={"placeholder": "ana@example.com", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label="Role", initial="editor")

    def __init__(self, *args: Any, by_role: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_for(by_role)


def roles_for(role: str) -> list[tuple[str, str]]:
    """The roles that a member with `role` may give."""
    return [(key, label) for key, label in ROLE_CHOICES if manages(role, key)]


class KeyForm(ConsoleForm):
    name = forms.CharField(
        label="Name",
        max_length=500,
        help_text="Which program will use it?",
        error_messages={"required": "Give the key a name of 1 to 80 characters."},
        widget=forms.TextInput(attrs={"placeholder": "Web shop", "autocomplete": "off"}),
    )
    expires = forms.ChoiceField(
        label="Expires",
        initial="90",
        choices=[("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"), ("never", "Never")],
    )
    scopes = forms.MultipleChoiceField(
        label="This key may",
        initial=[KeyScope.LINKS_READ.value, KeyScope.STATS_READ.value],
        choices=[
            (KeyScope.LINKS_READ.value, "read links"),
            (KeyScope.LINKS_WRITE.value, "create, change and delete links"),
            (KeyScope.DOMAINS_WRITE.value, "connect, change and remove domains; change the list of apps"),
            (KeyScope.STATS_READ.value, "read statistics"),
            (KeyScope.PASSES_READ.value, "read programs and passes"),
            (KeyScope.PASSES_WRITE.value, "issue and change passes"),
            (KeyScope.GATES_MANAGE.value, "manage programs, zones, gates and devices"),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    renamed = {"expires_at": "expires"}

    def expires_at(self) -> datetime | None:
        """The end of the chosen day, in the workspace's time zone."""
        days = self.cleaned_data["expires"]
        if days == "never":
            return None
        day = timezone.localdate() + timedelta(days=int(days))
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
